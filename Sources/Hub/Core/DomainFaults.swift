public import Protocol

// The errors that an operation declares for itself (calls.md), besides the contract's.
extension OperationSpec {
    /// A provider's fault as callers may hear it.
    ///
    /// A code of the contract stays; a `VALIDATION_ERROR` without the list that it has gets one. A declared one stays,
    /// with the status that is declared for it. `EXECUTION_ERROR` with the message `CODE: text` of a declared code
    /// becomes that code with the text: so a program tells which of its errors it means where nothing but a text can be
    /// thrown. Any other code becomes `EXECUTION_ERROR`, and the word stays in the message. Doing so again changes
    /// nothing.
    public func heard(_ fault: Fault) -> Fault {
        if fault.code == .execution, let thrown = thrown(in: fault) { return thrown }
        if fault.code == .validation, fault.details?.arrayValue == nil { return Fault(.validation, fault.message) }
        if fault.code.isOfContract { return fault }
        if let declared = declared(fault.code) {
            let status = declared.httpStatus ?? Fault.Code.execution.httpStatus
            return Fault(fault.code, fault.message, details: fault.details, declaredStatus: status)
        }
        let word = fault.code.rawValue.prefix(Limits.errorCodeBytes)
        return Fault(.execution, word.isEmpty ? fault.message : "\(word): \(fault.message)", details: fault.details)
    }

    /// What `CODE: text` of a declared code means; without a text it says what the operation says of the code.
    private func thrown(in fault: Fault) -> Fault? {
        guard errorSchemas?.isEmpty == false, let colon = fault.message.firstIndex(of: ":"),
            let declared = declared(Fault.Code(rawValue: String(fault.message[..<colon])))
        else { return nil }
        let text = String(fault.message[fault.message.index(after: colon)...].drop(while: \.isWhitespace))
        let said = text.isEmpty ? declared.description : text
        return heard(Fault(Fault.Code(rawValue: declared.code), said, details: fault.details))
    }

    /// The declaration of a code of its own; what it says of a code of the contract changes nothing.
    private func declared(_ code: Fault.Code) -> ErrorDefinition? {
        code.isOfContract ? nil : errorSchemas?.first { $0.code == code.rawValue }
    }
}

extension ErrorDefinition {
    /// What is wrong with the declaration, by the field that it stands in.
    var flaws: [(field: String, message: String)] {
        var flaws: [(String, String)] = []
        if !Self.isCode(code) {
            flaws.append(
                ("code", "must be capitals, digits and _, begin with one, \(Limits.errorCodeBytes) bytes at most.")
            )
        }
        let known = Fault.Code(rawValue: code)
        if known.isOfContract, httpStatus ?? known.httpStatus != known.httpStatus {
            flaws.append(("httpStatus", "must be \(known.httpStatus): \(code) is a code of the contract."))
        }
        if let httpStatus, !(400...599).contains(httpStatus) {
            flaws.append(("httpStatus", "must be 400 to 599: an error of the caller's or of the operation's."))
        }
        return flaws
    }

    private static func isCode(_ text: String) -> Bool {
        let capitals = UInt8(ascii: "A")...UInt8(ascii: "Z")
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let first = text.utf8.first, capitals.contains(first), text.utf8.count <= Limits.errorCodeBytes else {
            return false
        }
        return text.utf8.allSatisfy { capitals.contains($0) || digits.contains($0) || $0 == UInt8(ascii: "_") }
    }
}
