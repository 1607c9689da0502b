public import Protocol

// What a client's config may say of its web service (`openapi`).
extension ClientRules {
    /// Namespaces of what every spoke offers: nobody else may answer in their name.
    static let spokes: Set = ["fs", "git", "process", "host"]

    /// The web service of a client's config; `nil` if it has none, or one that is not fit.
    public static func service(in config: JSONValue) -> ClientService? {
        guard let openapi = config["openapi"] else { return nil }
        // What was stored was checked; what an older hub stored may not be fit.
        return try? openapi.decoded()
    }

    /// The first part of the names of a web service's operations.
    public static func namespace(of service: ClientService, client: String) -> String {
        service.namespace ?? OperationName.plain(client.lowercased())
    }

    /// Everything that is wrong with `openapi`.
    ///
    /// - Parameters:
    ///   - name: The client's.
    ///   - served: Namespaces of the hub's own operations.
    public static func serviceViolations(
        in config: JSONValue,
        type: ClientType,
        name: String,
        served: Set<String>
    ) -> [Fault.Violation] {
        guard let openapi = config["openapi"] else { return [] }
        guard type == .custom else {
            return [.init(path: "config.openapi", message: "is for clients of the type custom.")]
        }
        let misshapen = SchemaProbe.shape(of: ClientService.self).violations(in: openapi)
        guard misshapen.isEmpty, let service: ClientService = try? openapi.decoded() else {
            return misshapen.map { .init(path: "config.openapi.\($0.path)", message: $0.message) }
        }
        var found: [(String, String)] = []
        if (service.url == nil) == (service.document == nil) {
            found.append(("", "must have either a url or a document."))
        }
        found += place(service.url, "url", isBase: false) + place(service.baseUrl, "baseUrl", isBase: true)
        found += words(of: service, name, served) + credential(service.credential)
        if let seconds = service.timeoutSeconds, !(1...600).contains(seconds) {
            found.append(("timeoutSeconds", "must be between 1 and 600."))
        }
        if found.isEmpty, let document = service.document { found += flaws(of: document, service) }
        return found.map { .init(path: $0.isEmpty ? "config.openapi" : "config.openapi.\($0)", message: $1) }
    }

    private static func place(_ text: String?, _ field: String, isBase: Bool) -> [(String, String)] {
        guard let text else { return [] }
        do throws(Fault) {
            let address = try WebAddress(setting: text, field: field)
            let isPlain = text.utf8.count <= 2_000 && (!isBase || !address.text.contains("?"))
            return isPlain ? [] : [(field, "must have at most 2000 bytes, and no query if it is the baseUrl.")]
        } catch {
            return [(field, message(of: error))]
        }
    }

    private static func words(of service: ClientService, _ name: String, _ served: Set<String>) -> [(String, String)] {
        var found: [(String, String)] = []
        let namespace = namespace(of: service, client: name)
        if !OperationName.isNamespace(namespace) {
            found.append(("namespace", "must be letters, digits, - and _, and begin with a letter."))
        } else if served.union(spokes).union(RegistrationCheck.alwaysReserved).contains(namespace) {
            found.append(("namespace", "“\(namespace)” is the hub's or the spokes' own; choose another."))
        }
        if let version = service.version, version.wholeMatch(of: /[A-Za-z0-9.\-]{1,64}/) == nil {
            found.append(("version", "must be letters, digits, dots and -."))
        }
        return found
    }

    private static func credential(_ credential: ClientCredential?) -> [(String, String)] {
        guard let credential else { return [] }
        var found: [(String, String)] = []
        if credential.key.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9._\-]{0,99}/) == nil {
            found.append(("credential.key", "must name a secret of the client, such as apiKey."))
        }
        switch (credential.in, credential.name) {
        case (.header, let name):
            if let flaw = WebHeaders.flaw(ofName: name ?? "") { found.append(("credential.name", flaw + ".")) }
        case (.query, let name):
            if !(1...100).contains((name ?? "").utf8.count) {
                found.append(("credential.name", "must name a field of the query."))
            }
        case (.bearer, .some), (.basic, .some):
            found.append(("credential.name", "is for header and query only; bearer and basic are Authorization."))
        case (.bearer, nil), (.basic, nil): break
        }
        if let user = credential.user, credential.in != .basic || user.contains(":") || user.isEmpty {
            found.append(("credential.user", "is for basic only, and has no colon."))
        }
        return found
    }

    private static func flaws(of document: JSONValue, _ service: ClientService) -> [(String, String)] {
        guard document.serialized().count <= Limits.clientDocumentBytes else {
            return [("document", "must have at most \(Limits.clientDocumentBytes) bytes; have it fetched from a url.")]
        }
        do throws(Fault) {
            let read = try WebDocument(document)
            guard !read.operations.isEmpty else {
                let why = read.leftOut.prefix(3).joined(separator: "; ")
                return [("document", "has no operation that can be called. \(why)")]
            }
            _ = try read.base(server: service.baseUrl, home: nil, carriesSecrets: false, field: "baseUrl")
            return []
        } catch {
            // What is wrong with the whole document names no field.
            let isWhole = error.details?.arrayValue?.first?["path"]?.stringValue?.isEmpty ?? true
            return [(isWhole ? "document" : "baseUrl", message(of: error))]
        }
    }

    /// A fault's words without the field that they begin with.
    static func message(of fault: Fault) -> String {
        fault.details?.arrayValue?.first?["message"]?.stringValue ?? fault.message
    }
}
