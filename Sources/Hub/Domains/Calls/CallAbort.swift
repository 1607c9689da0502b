import Foundation
import HubCore
import Protocol

extension OpenCall {
    fileprivate func stop(_ finding: StopFinding, after waited: Duration) -> CallStop {
        let provider = provider
        return CallStop(
            requestId: requestId,
            operationId: subject.operationId,
            outcome: finding.outcome,
            providerType: provider?.type,
            providerId: provider?.id,
            waitedMilliseconds: waited.milliseconds
        ).proven(by: finding.proof)
    }
}

extension Fault {
    /// The same fault, telling what became of the call.
    fileprivate func proven(by stop: CallStop) -> Fault {
        Fault(code, message, details: JSONValue(encoding: stop))
    }
}

/// Finds what an abort reaches, in the graph and in this process, and ends it.
struct CallAbort: Sendable {
    let calls: CallStore
    let recorder: CallRecorder
    let hub: HubID

    /// What an aborted call's caller is told.
    static let fault = Fault(.aborted, "The call was aborted with call.abort.")

    /// What the caller is told whose session is over, if anybody hears it.
    static let sessionOver = Fault(.aborted, "The call was aborted because the session that made it is over.")

    /// What the caller is told whose key is not accepted any more.
    static let keyOver = Fault(.unauthenticated, "The key is not accepted any more; ask again with another.")

    /// What the follower is told of something that is not theirs to see any more.
    static let membershipOver = Fault(
        .notFound,
        "What this is about belongs to an organisation that you are no member of any more; ask its owner."
    )

    /// A call that an abort reaches.
    struct Reached: Sendable {
        var id: CallID
        var reference: CallReference
        /// The call itself if this process runs it.
        var open: OpenCall?
        /// Another hub process has it.
        var isElsewhere: Bool
    }

    /// What an abort reaches, in the order in which it is to happen.
    func reached(from id: String, by policy: AbortPolicy, _ view: CallView) async throws(Fault) -> [Reached] {
        await recorder.caughtUp(with: id)
        let places = try await calls.places(from: id, view, limit: Limits.callAbortNodes)
        guard let root = places.first(where: { $0.parent == nil }) else {
            return unrecorded(from: id, by: policy, view)
        }
        let byId = Dictionary(places.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let open = Dictionary(recorder.running.all().map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        var entries = places.map(\.entry)
        // Of its own calls this process knows better than the graph how far they are.
        for index in entries.indices { if let call = open[entries[index].id] { entries[index].status = call.status } }
        let reached = CallForest(entries).reached(from: root.id, by: policy)
        return reached.compactMap { place in
            guard let known = byId[place.id] else { return nil }
            let reference = CallReference(
                requestId: known.requestId,
                operationId: known.operationId,
                status: open[place.id]?.status ?? known.status,
                depth: place.depth
            )
            return Reached(id: place.id, reference: reference, open: open[place.id], isElsewhere: known.hub != hub)
        }
    }

    /// Ends what the policy reaches; answers what became of each call. Empty for a call that is not known or over.
    ///
    /// What this process runs is cancelled before the graph says that it is aborted, and what others run after. Then it
    /// waits for proof of all ends at once, no longer than ``Limits/callProof``, and writes what it learned down.
    func abort(
        _ id: String,
        by policy: AbortPolicy,
        _ view: CallView,
        except own: String? = nil,
        because fault: Fault = CallAbort.fault
    ) async throws(Fault) -> [CallStop] {
        var here: [OpenCall] = []
        var inGraph: [CallID] = []
        for one in try await reached(from: id, by: policy, view) where one.reference.requestId != own {
            if let open = one.open {
                guard open.abort(fault, policy: policy) else { continue }
                here.append(open)
                inGraph.append(one.id)
            } else if one.isElsewhere {
                inGraph.append(one.id)
            }
        }
        let aborted = try await calls.abort(inGraph, policy: policy, fault: fault, hub: hub)
        let mine = Set(here.map(\.id))
        // The other hubs are at it meanwhile.
        let stops = await prove(here, of: fault)
        return stops + (try await proofs(of: aborted.filter { !mine.contains($0.id) }))
    }

    /// Waits for what became of calls that were aborted here, and writes it into their nodes.
    func prove(_ aborted: [OpenCall], of fault: Fault) async -> [CallStop] {
        let began = ContinuousClock.now
        let stops = await withTaskGroup(of: (CallID, CallStop).self) { group in
            for call in aborted {
                group.addTask {
                    let finding = await call.proof?.finding(within: Limits.callProof) ?? StopFinding(.finishedFirst)
                    return (call.id, call.stop(finding, after: ContinuousClock.now - began))
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        // The node must be there before its proof.
        for call in aborted { await recorder.caughtUp(with: call.requestId) }
        do throws(Fault) { try await calls.prove(stops.map { ($0.0, fault.proven(by: $0.1)) }) } catch {
            recorder.unproven(stops.count, error)
        }
        return stops.map(\.1)
    }

    /// What other hubs found out about calls that the graph says are aborted.
    private func proofs(of aborted: [AbortedCall]) async throws(Fault) -> [CallStop] {
        let end = ContinuousClock.now + Limits.callProof + .seconds(1)
        var stops: [CallID: CallStop] = [:]
        while stops.count < aborted.count, ContinuousClock.now < end {
            for (id, stop) in try await calls.stops(aborted.map(\.id).filter { stops[$0] == nil }) { stops[id] = stop }
            guard stops.count < aborted.count else { break }
            // Cancelled: nobody waits for the answer, and what is known is enough.
            do { try await Task.sleep(for: .milliseconds(100)) } catch { break }
        }
        return aborted.map { one in
            stops[one.id]
                ?? CallStop(
                    requestId: one.requestId,
                    operationId: one.operationId,
                    // Who was not handed to anyone is over with that.
                    outcome: one.wasRunning ? .unreachable : .aborted,
                    waitedMilliseconds: one.wasRunning ? Limits.callProof.milliseconds : 0
                )
        }
    }

    /// Calls that are not kept, or that the graph was not told of, can be aborted nevertheless.
    private func unrecorded(from id: String, by policy: AbortPolicy, _ view: CallView) -> [Reached] {
        let below = recorder.running.below(id)
        guard let root = below.first(where: { $0.requestId == id || $0.id.rawValue == id }), view.shows(root) else {
            return []
        }
        let open = Dictionary(below.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        let entries = below.map { CallForest.Entry(id: $0.id, parent: $0.parent?.id, status: $0.status) }
        return CallForest(entries).reached(from: root.id, by: policy).compactMap { place in
            guard let call = open[place.id] else { return nil }
            let reference = CallReference(
                requestId: call.requestId,
                operationId: call.subject.operationId,
                status: call.status,
                depth: place.depth
            )
            return Reached(id: place.id, reference: reference, open: call, isElsewhere: false)
        }
    }
}
