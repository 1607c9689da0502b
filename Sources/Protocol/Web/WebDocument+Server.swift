extension WebDocument {
    /// A server's address with its variables at their defaults, without a slash at its end.
    ///
    /// - Throws: `VALIDATION_ERROR`, as the end of a sentence, for a variable of which no value is known.
    static func server(_ server: JSONValue) throws(Fault) -> String {
        guard let template = server["url"]?.stringValue else { throw Fault(.validation, "it has no url") }
        var text = ""
        var rest = template[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            let name = String(rest[rest.index(after: open)..<close])
            guard let value = server["variables"]?[name]?["default"]?.stringValue else {
                throw Fault(.validation, "its variable {\(name.prefix(100))} has no default")
            }
            text += rest[..<open] + value
            rest = rest[rest.index(after: close)...]
        }
        text += rest
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    /// Where the service is: what whoever vouches for it says, else what the document says, which may leave the host
    /// out.
    ///
    /// - Parameters:
    ///   - server: What was said besides the document.
    ///   - home: Where the document came from, if it was fetched.
    ///   - carriesSecrets: Whether requests carry a credential.
    ///   - field: What a fault names.
    /// - Throws: `VALIDATION_ERROR` also for a document that would have secrets sent to another host than the one that
    ///   it came from, or over a connection that everyone can read where its own was none such.
    public func base(
        server said: String?,
        home: WebAddress?,
        carriesSecrets: Bool,
        field: String
    ) throws(Fault) -> WebAddress {
        if let said { return try WebAddress(said, field: field) }
        guard let named = server else {
            if let serverFlaw { throw Fault.invalid(field, "cannot be had from the document: \(serverFlaw); set it.") }
            guard let home else { throw Fault.invalid(field, "is not said by the document; set it.") }
            return try WebAddress(home.origin, field: field)
        }
        if named.isEmpty || named.hasPrefix("/"), let home { return try WebAddress(home.origin + named, field: field) }
        let address = try WebAddress(named, field: field)
        guard let home, carriesSecrets else { return address }
        guard home.host == address.host else {
            throw Fault.invalid(field, "is another host than the document's; set it if the secrets are to go there.")
        }
        guard address.scheme == home.scheme || address.scheme == "https" else {
            throw Fault.invalid(field, "is http where the document came by https; set it if that is wanted.")
        }
        return address
    }
}
