import HubCore
import Protocol
import Testing

/// What a provider's errors become before a caller hears them, and what an operation may declare.
struct DomainFaultTests {
    private static func spec(_ errors: [ErrorDefinition]?) -> OperationSpec {
        var spec = RegistrationTests.spec("demo.dry")
        spec.errorSchemas = errors
        return spec
    }

    private static let declaring = spec([
        ErrorDefinition(code: "TOO_WET", description: "It drips.", httpStatus: 422),
        ErrorDefinition(code: "TOO_OLD", description: "It crumbles."),
        ErrorDefinition(code: "NOT_FOUND", description: "It is not there.", httpStatus: 404),
    ])

    private static func heard(_ code: String, _ message: String, by spec: OperationSpec = declaring) -> Fault {
        spec.heard(Fault(Fault.Code(rawValue: code), message, details: ["x": 1]))
    }

    @Test func aDeclaredCodeIsHeardWithItsStatus() {
        let wet = Self.heard("TOO_WET", "Wait.")
        #expect(wet.code.rawValue == "TOO_WET" && wet.message == "Wait." && wet.details == ["x": 1])
        #expect(wet.httpStatus == 422)
        #expect(Self.heard("TOO_OLD", "Buy one.").httpStatus == 500)
        // The contract's own codes mean what they mean, whoever declares them.
        #expect(Self.heard("NOT_FOUND", "Gone.") == Fault(.notFound, "Gone.", details: ["x": 1]))
        #expect(Self.heard("RATE_LIMITED", "Later.").httpStatus == 429)
        // Whoever is told VALIDATION_ERROR finds a list.
        #expect(Self.heard("VALIDATION_ERROR", "Wrong.").details == [["path": "", "message": "Wrong."]])
    }

    @Test func detailsComeAsTheyAreDeclared() throws {
        let schema: JSONValue = [
            "type": "object", "properties": ["drops": ["type": "integer"]], "additionalProperties": false,
            "required": ["drops"],
        ]
        let contract = try OperationContract(
            Self.spec([ErrorDefinition(code: "TOO_WET", description: "It drips.", schema: schema, httpStatus: 422)])
        )
        func shaped(_ code: String, _ details: JSONValue?) -> (fault: Fault, flaws: [Fault.Violation]) {
            let fault = Fault(Fault.Code(rawValue: code), "Wait.", details: details)
            return contract.shaped(contract.spec.heard(fault))
        }
        let fits = shaped("TOO_WET", ["drops": 3])
        #expect(fits.fault.details == ["drops": 3] && fits.flaws.isEmpty && fits.fault.httpStatus == 422)
        let more = shaped("TOO_WET", ["drops": 3, "puddles": 1])
        #expect(more.fault.details == ["drops": 3] && more.flaws.map(\.path) == ["puddles"])
        let less = shaped("TOO_WET", ["puddles": 1])
        #expect(less.fault.code.rawValue == "TOO_WET" && Set(less.flaws.map(\.path)) == ["drops", "puddles"])
        // Nothing was said of these.
        #expect(shaped("TOO_WET", nil).fault.details == nil && shaped("TOO_WET", nil).flaws.isEmpty)
        #expect(shaped("NOT_FOUND", ["x": 1]).fault.details == ["x": 1])
        #expect(shaped("TOO_DRY", ["x": 1]).flaws.isEmpty)
    }

    @Test func aThrownTextThatBeginsWithADeclaredCodeIsThatCode() {
        let wet = Self.heard("EXECUTION_ERROR", "TOO_WET: Wait: it drips.")
        #expect(wet.code.rawValue == "TOO_WET" && wet.message == "Wait: it drips." && wet.httpStatus == 422)
        #expect(wet.details == ["x": 1])
        #expect(Self.heard("EXECUTION_ERROR", "TOO_WET:").message == "It drips.")
        for other in ["TOO_DRY: Wait.", "too_wet: Wait.", "NOT_FOUND: Wait.", "TOO_WET Wait.", ": Wait.", ""] {
            #expect(Self.heard("EXECUTION_ERROR", other) == Fault(.execution, other, details: ["x": 1]))
        }
        // Only what failed in the operation is its own to name.
        #expect(Self.heard("TIMEOUT", "TOO_WET: Wait.").code == .timeout)
    }

    @Test func anyOtherCodeIsAnExecutionErrorThatKeepsTheWord() {
        let odd = Self.heard("TOO_ODD", "Look.")
        #expect(odd == Fault(.execution, "TOO_ODD: Look.", details: ["x": 1]) && odd.httpStatus == 500)
        #expect(Self.heard("TOO_WET", "Wait.", by: Self.spec(nil)).message == "TOO_WET: Wait.")
        #expect(Self.heard("", "Wait.").message == "Wait.")
        let long = Self.heard(String(repeating: "X", count: 10_000), "Wait.")
        #expect(long.message.utf8.count < 100 && long.code == .execution)
        // What was heard once is heard so again.
        for fault in [odd, Self.heard("TOO_WET", "Wait."), Self.heard("EXECUTION_ERROR", "TOO_WET: Wait.")] {
            #expect(Self.declaring.heard(fault) == fault)
        }
    }

    @Test func whatAnErrorMayBeDeclaredAsIsBounded() {
        func refusal(_ errors: ErrorDefinition...) -> String? {
            let check = RegistrationCheck(served: [String]())
            return check.read([JSONValue(encoding: Self.spec(errors))]).refusals.first?.message
        }
        func error(_ code: String, status: Int? = nil, saying text: String = "It drips.") -> ErrorDefinition {
            ErrorDefinition(code: code, description: text, httpStatus: status)
        }
        #expect(refusal(error("TOO_WET", status: 400), error("E2_BIG", status: 599), error("NOT_FOUND")) == nil)
        #expect(refusal(error("NOT_FOUND", status: 404)) == nil)
        for code in ["", "wet", "Too_Wet", "TOO-WET", "_WET", "2WET", "TOO WET", String(repeating: "X", count: 65)] {
            #expect(refusal(error(code))?.contains("errorSchemas[0].code") == true, "\(code)")
        }
        for status in [-1, 0, 200, 302, 399, 600] {
            #expect(refusal(error("TOO_WET", status: status))?.contains("errorSchemas[0].httpStatus") == true)
        }
        #expect(refusal(error("NOT_FOUND", status: 410))?.contains("must be 404") == true)
        #expect(
            refusal(error("TOO_WET"), error("TOO_WET"))?.contains("errorSchemas[1].code: is declared twice") == true
        )
        let long = String(repeating: "x", count: Limits.operationTextBytes)
        #expect(refusal(error("TOO_WET", saying: long))?.contains("description") == true)
    }
}
