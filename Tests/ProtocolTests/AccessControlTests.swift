import Protocol
import Testing

/// Who may run what: the order of calls.md, and denied unless allowed.
struct AccessControlTests {
    static let reader = Identity(id: "a", scopes: ["project:read"])
    static let deployer = Identity(
        id: "b",
        scopes: ["project:read", "project:write"],
        resources: ["project:7": ["deploy"], "spoke:*": ["drain"]]
    )
    static let root = Identity(id: "c", scopes: ["*"])

    /// The table of the rule: requirement, identity, and the code of the answer or nothing.
    static let table: [(AccessControl, Identity?, Fault.Code?)] = [
        (.anyone, nil, .unauthenticated),
        (.anyone, Identity(id: "x", scopes: []), nil),
        (.scopes("project:read"), nil, .unauthenticated),
        (.scopes("project:read"), reader, nil),
        (.scopes("project:write"), reader, .accessDenied),
        (.scopes("project:read", "project:write"), reader, .accessDenied),
        (.scopes("project:read", "project:write"), deployer, nil),
        (.scopes("project:admin"), deployer, .accessDenied),
        (.scopes("project:admin"), root, nil),
        (.anyScope(of: "project:write", "task:write"), reader, .accessDenied),
        (.anyScope(of: "project:write", "task:write"), deployer, nil),
        (AccessControl(requiredScopesAny: []), root, .accessDenied),
        (AccessControl(resourceType: "project", resourceAction: "deploy"), reader, .accessDenied),
        (AccessControl(resourceType: "project", resourceAction: "deploy"), deployer, nil),
        (AccessControl(resourceType: "project", resourceAction: "delete"), deployer, .accessDenied),
        (AccessControl(resourceType: "proj", resourceAction: "deploy"), deployer, .accessDenied),
        (AccessControl(resourceType: "project", resourceAction: "delete"), root, nil),
        (
            AccessControl(requiredScopes: ["x:read"], resourceType: "project", resourceAction: "deploy"), deployer,
            .accessDenied
        ),
    ]

    @Test func theTableOfRightsHolds() {
        for (access, identity, expected) in Self.table {
            var code: Fault.Code?
            do throws(Fault) { try access.check(identity) } catch { code = error.code }
            #expect(code == expected, "\(access) for \(identity.map { "\($0.scopes)" } ?? "nobody")")
        }
    }

    @Test func adminBringsWriteAndWriteBringsReadWithinANamespace() {
        let ranks = ["read", "write", "admin"]
        for (held, grant) in ranks.enumerated() {
            let identity = Identity(id: "a", scopes: ["key:\(grant)"])
            for (needed, rank) in ranks.enumerated() {
                #expect(identity.holds("key:\(rank)") == (needed <= held), "\(grant) for \(rank)")
                #expect(!identity.holds("keys:\(rank)") && !identity.holds("ke:\(rank)"))
            }
            #expect(!identity.holds("*") && !identity.holds("key:link") && !identity.holds("key"))
        }
        #expect(Identity(id: "a", scopes: ["spoke:link"]).holds("spoke:link"))
        #expect(!Identity(id: "a", scopes: ["spoke:link"]).holds("spoke:read"))
        #expect(!Identity(id: "a", scopes: [":admin", "admin"]).holds("key:read"))
    }

    @Test func aDenialNamesWhatIsMissing() {
        let fault = #expect(throws: Fault.self) {
            try AccessControl.scopes("a:read", "project:read").check(Self.reader)
        }
        #expect(fault?.details == ["missing": ["a:read"]])
    }

    @Test func aDenialSaysWhatToDoAboutIt() {
        func message(_ access: AccessControl, isSession: Bool = false) -> String? {
            #expect(throws: Fault.self) { try access.check(Self.reader, isSession: isSession) }?.message
        }
        #expect(message(.scopes("a:read")) == "This needs the scope a:read; ask for a key with it.")
        #expect(
            message(.scopes("a:read", "b:read")) == "This needs the scopes a:read, b:read; ask for a key with them."
        )
        #expect(
            message(.anyScope(of: "a:write", "b:write"))
                == "This needs one of the scopes a:write, b:write; ask for a key with it."
        )
        #expect(message(.anyScope(of: "a:write")) == "This needs the scope a:write; ask for a key with it.")
        let session = message(.scopes("a:write"), isSession: true)
        #expect(session == "This needs the scope a:write; a session has what its spawn grants.")
    }

    @Test func aResourceIsGrantedByItsIdOrForAllOfItsType() {
        #expect(Self.deployer.may("deploy", on: "project", id: "7"))
        #expect(!Self.deployer.may("deploy", on: "project", id: "8"))
        #expect(Self.deployer.may("drain", on: "spoke", id: "any"))
        #expect(Self.root.may("drain", on: "spoke", id: "any"))
    }

    @Test func nobodyGrantsMoreThanTheyHold() {
        #expect(Self.deployer.covers(scopes: ["project:read"], resources: ["project:7": ["deploy"]]))
        #expect(!Self.deployer.covers(scopes: ["project:admin"], resources: nil))
        #expect(!Self.deployer.covers(scopes: ["*"], resources: nil))
        #expect(!Self.deployer.covers(scopes: [], resources: ["project:8": ["deploy"]]))
        #expect(!Self.deployer.covers(scopes: [], resources: ["project:*": ["deploy"]]))
        #expect(!Self.deployer.covers(scopes: [], resources: ["spoke:1": ["*"]]))
        #expect(Self.root.covers(scopes: ["*"], resources: ["anything": ["x"]]))
    }
}
