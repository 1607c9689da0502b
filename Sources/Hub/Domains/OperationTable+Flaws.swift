import Protocol

extension OperationTable {
    /// Everything that operations say wrongly, or not at all, about themselves; a test wants none. That is: fields of
    /// input or output without a description, descriptions without a field, names and scopes out of form, and examples
    /// that the operation itself would refuse.
    public var flaws: [String] { entries.values.flatMap { $0.flaws() }.sorted() }

    static func flaws<Request: RemoteOperation>(of request: Request.Type) -> [String] {
        let (input, output) = (SchemaProbe.shape(of: Request.self), SchemaProbe.shape(of: Request.Output.self))
        var flaws = input.undescribed().map { "input \($0) is not described" }
        flaws += output.undescribed().map { "output \($0) is not described" }
        flaws += SchemaProbe.strayDescriptions(of: Request.self).map { "there is no field \($0) to describe" }
        let parts = Request.name.split(separator: ".", omittingEmptySubsequences: false)
        if parts.count < 2 || !parts.allSatisfy({ Wording.isIdentifier($0, bytes: 64) }) {
            flaws.append("the name is not namespace.name")
        }
        let access = Request.access
        flaws += (access.requiredScopes + (access.requiredScopesAny ?? [])).filter { !Wording.isScope($0) }
            .map { "\($0) is not a scope" }
        if !Request.summary.hasSuffix(".") || Request.summary.count > 160 { flaws.append("the summary is no sentence") }
        if Request.examples.isEmpty { flaws.append("there is no example") }
        for example in Request.examples {
            let json = JSONValue(encoding: example)
            flaws += input.violations(in: json).map { "example: \($0.path) \($0.message)" }
            do throws(Fault) {
                let again: Request = try json.decoded()
                if JSONValue(encoding: again) != json { flaws.append("an example does not survive decoding") }
            } catch {
                flaws.append("example: \(error.message)")
            }
        }
        return flaws.map { "\(Request.name): \($0)" }
    }
}
