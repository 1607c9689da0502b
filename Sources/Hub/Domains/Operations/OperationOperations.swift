import Foundation
import Protocol

/// The catalogue, as callers may ask for it. Everyone sees what they may run and nothing else.
struct OperationOperations: Sendable {
    /// What there is to run for a caller; read anew for each question.
    let specs: @Sendable (Caller) async throws(Fault) -> [OperationSpec]

    func register(in table: inout OperationTable) {
        table.answer(ListOperations.self, with: list)
        table.answer(SearchOperations.self, with: search)
        table.answer(GetOperationSchema.self, with: schema)
    }

    private func list(_ request: ListOperations, by caller: Caller) async throws(Fault) -> OperationList {
        let limit = try PageCursor.limit(request.limit, usual: 500)
        let cursor = try PageCursor.parts(of: request.cursor, count: 2)
        let found = try await visible(to: caller).filter { spec in
            (request.namespace == nil || spec.namespace == request.namespace)
                && (request.type == nil || spec.type == request.type)
                && (cursor.map { Self.isBefore(($0[0], $0[1]), (spec.id, spec.version)) } ?? true)
        }.sorted { Self.isBefore(($0.id, $0.version), ($1.id, $1.version)) }
        let page = found.prefix(limit)
        let next = found.count > limit ? page.last.map { PageCursor.text([$0.id, $0.version]) } : nil
        return OperationList(operations: page.map { OperationSummary($0) }, nextCursor: next)
    }

    private func search(_ request: SearchOperations, by caller: Caller) async throws(Fault) -> OperationList {
        let limit = try PageCursor.limit(request.limit, usual: 20, most: 100)
        let words = request.query.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
        guard !words.isEmpty else { throw .invalid("query", "must have a word to look for.") }
        let ranked = try await visible(to: caller).compactMap { spec in
            Self.rank(of: spec, words: words).map { (rank: $0, spec: spec) }
        }
        let best = ranked.sorted { ($1.rank, $0.spec.id) < ($0.rank, $1.spec.id) }.prefix(limit)
        return OperationList(operations: best.map { OperationSummary($0.spec) })
    }

    private func schema(_ request: GetOperationSchema, by caller: Caller) async throws(Fault) -> OperationSpec {
        let parts = request.operation.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        let known = try await permitted(to: caller).filter {
            $0.id == parts[0] && (parts.count == 1 || $0.version == parts[1])
        }
        // A definition outlives the presence of those who offer it: its providers say that they are away.
        let here = known.filter(\.isCallable)
        let found = here.isEmpty ? known : here
        // The newest is what the bare name means.
        guard let spec = found.max(by: { $0.version.compare($1.version, options: .numeric) == .orderedAscending })
        else {
            throw Fault(.operationNotFound, "There is no operation \(request.operation) that the caller may run.")
        }
        return spec
    }

    /// What lists and searches show: what somebody is there to answer.
    private func visible(to caller: Caller) async throws(Fault) -> [OperationSpec] {
        try await permitted(to: caller).filter(\.isCallable)
    }

    private func permitted(to caller: Caller) async throws(Fault) -> [OperationSpec] {
        // What is denied is not shown.
        try await specs(caller).filter { (try? caller.check($0.accessControl)) != nil }
    }

    /// The order of the list: by id, of one id the later version first.
    private static func isBefore(_ one: (id: String, version: String), _ other: (id: String, version: String)) -> Bool {
        (one.id, other.version) < (other.id, one.version)
    }

    /// How well an operation matches: a word in the id counts more than one in the texts. `nil` if one is nowhere.
    private static func rank(of spec: OperationSpec, words: [String]) -> Int? {
        let id = spec.id.lowercased()
        let texts = ([spec.title ?? "", spec.description] + (spec.tags ?? [])).map { $0.lowercased() }
        var rank = 0
        for word in words {
            let here = (id.contains(word) ? 4 : 0) + (texts.contains { $0.contains(word) } ? 1 : 0)
            if here == 0 { return nil }
            rank += here
        }
        return rank
    }
}

extension OperationSpec {
    /// Whether someone is there to answer; the hub always is.
    fileprivate var isCallable: Bool { providers?.contains { $0.status == .active } ?? true }
}
