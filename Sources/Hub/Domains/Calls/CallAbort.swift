import Foundation
import HubCore
import Protocol

/// Finds what an abort reaches, in the graph and in this process, and ends it.
struct CallAbort: Sendable {
    let calls: CallStore
    let recorder: CallRecorder
    let hub: HubID

    /// What an aborted call's caller is told.
    static let fault = Fault(.aborted, "The call was aborted with call.abort.")

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

    /// Ends what the policy reaches; answers the request ids, sorted. Empty for a call that is not known or over.
    ///
    /// What this process runs is cancelled before the graph says that it is aborted, and what others run after.
    func abort(
        _ id: String,
        by policy: AbortPolicy,
        _ view: CallView,
        except own: String
    ) async throws(Fault) -> [String] {
        var aborted: Set<String> = []
        var inGraph: [CallID] = []
        for one in try await reached(from: id, by: policy, view) where one.reference.requestId != own {
            if let open = one.open {
                guard open.abort(Self.fault, policy: policy) else { continue }
                aborted.insert(one.reference.requestId)
                inGraph.append(one.id)
            } else if one.isElsewhere {
                inGraph.append(one.id)
            }
        }
        aborted.formUnion(try await calls.abort(inGraph, policy: policy, fault: Self.fault, hub: hub))
        return aborted.sorted()
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
