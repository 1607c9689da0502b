import Foundation
import Protocol
import TestSupport

/// `docs/operations.md`, from the operations themselves.
enum OperationPages {
    static func page(_ specs: [OperationSpec]) -> String {
        let specs = specs.sorted { $0.id < $1.id }
        var page = head
        page += WrittenPage.table(
            ["operation", "is a", "needs", "does"],
            specs.map {
                ["[`\($0.id)`](#\(anchor($0.id)))", $0.type.rawValue, needs($0.accessControl), $0.description]
            }
        )
        for namespace in Dictionary(grouping: specs, by: \.namespace).sorted(by: { $0.key < $1.key }) {
            page += "\n## \(namespace.key)\n"
            for spec in namespace.value { page += section(spec) }
        }
        return page
    }

    private static let head = """
        # Operations

        <!-- Written by `make docs` from the operation table; a test keeps it true. Do not edit. -->

        Everything that the hub can be asked. An operation is called by `POST /v1/call/OPERATION` with its input as the
        body, by `hub call OPERATION JSON`, and from inside a session by `spoke call OPERATION JSON`; a subscription by
        `POST /v1/subscribe/OPERATION` or `hub subscribe OPERATION JSON`. The answer is `{"data": …, "meta": …}` or
        `{"error": {"code", "message", "details"}}` ([errors](protocol.md#errors)). Input is read strictly: a field that
        is not listed here is a `VALIDATION_ERROR`. `[]` stands for each element of a list, `.*` for each value of an
        object with free keys; **bold** fields of an input must be given, the other fields may be left out.


        """

    private static func section(_ spec: OperationSpec) -> String {
        var text =
            "\n### \(spec.id)\n\n\(spec.description) A \(spec.type.rawValue); needs \(needs(spec.accessControl)).\n\n"
        let input = SchemaOutline.fields(of: spec.inputSchema, choice: choice)
        text += input.isEmpty ? "Input: nothing.\n\n" : table(input, "input", bold: true) + "\n"
        let output = SchemaOutline.fields(of: spec.outputSchema, choice: choice)
        let said = spec.type == .subscription ? "each value" : "answer"
        text +=
            output.isEmpty
            ? "Answer: `\(SchemaOutline.type(of: spec.outputSchema, choice: choice))`\n"
            : table(output, said, bold: false)
        for example in spec.inputSchema["examples"]?.arrayValue ?? [] {
            text += "\n```\nhub \(spec.type == .subscription ? "subscribe" : "call") \(spec.id) '"
            text += String(decoding: example.serialized(), as: UTF8.self).replacing("'", with: "'\\''") + "'\n```\n"
        }
        return text
    }

    private static func choice(_ values: [String]) -> String {
        values.map { "`\($0)`" }.joined(separator: " ")
    }

    private static func table(_ fields: [SchemaOutline.Field], _ said: String, bold: Bool) -> String {
        WrittenPage.table(
            [said, "type", "means"],
            fields.map { field in
                let name = "`\(field.path)`"
                return [bold && field.isRequired ? "**\(name)**" : name, field.type, field.meaning]
            }
        )
    }

    private static func needs(_ access: AccessControl) -> String {
        var parts = access.requiredScopes.map { "`\($0)`" }
        if let any = access.requiredScopesAny, !any.isEmpty {
            parts.append(any.map { "`\($0)`" }.joined(separator: " or "))
        }
        if let type = access.resourceType { parts.append("`\(access.resourceAction ?? "*")` on a `\(type)`") }
        return parts.isEmpty ? "any key" : parts.joined(separator: " and ")
    }

    /// GitHub's anchor of a heading.
    private static func anchor(_ heading: String) -> String {
        String(heading.lowercased().filter { $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" })
    }
}
