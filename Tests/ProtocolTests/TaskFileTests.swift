import Foundation
import Protocol
import TestSupport
import Testing

/// Tasks as Markdown files: what people and programs write is read, what is written is read back the same.
struct TaskFileTests {
    private func refusal(_ text: String) -> String? {
        do throws(Fault) {
            _ = try TaskFile.entry(from: text, path: "a.md")
            return nil
        } catch {
            return error.message
        }
    }

    @Test func aFileAsPeopleWriteItIsRead() throws {
        let text = """
            ---
            # made by hand
            id: passkey-login
            name: 'Log in: it''s a passkey'   # a comment
            status: in_progress
            depends_on:
              - session-store
              - "quoted, with comma"

            scope: Narrow
            risk: ~
            tags: [ "a b", auth ,
              web ]
            due: 2026-03-01
            created: 2025-01-01T00:00:00Z
            ---

            # What is to be done

            ---
            Not front matter.
            """
        let entry = try TaskFile.entry(from: text, path: "web/passkey.md")
        #expect(entry.id == "passkey-login")
        #expect(entry.name == "Log in: it's a passkey")
        #expect(entry.status == .inProgress)
        #expect(entry.dependsOn == ["session-store", "quoted, with comma"])
        #expect((entry.scope, entry.risk, entry.level) == (.narrow, nil, nil))
        #expect(entry.tags == ["a b", "auth", "web"])
        #expect(entry.due == Date(timeIntervalSince1970: 1_772_323_200))
        #expect(entry.path == "web/passkey.md")
        #expect(entry.body == "# What is to be done\n\n---\nNot front matter.")
    }

    @Test func nameAndIdComeFromTheFileWhereItSaysNeither() throws {
        let plain = try TaskFile.entry(from: "Just text.\n", path: "x/fix-it.md")
        #expect((plain.id, plain.name, plain.body) == ("fix-it", "fix-it", "Just text.\n"))
        let windows = try TaskFile.entry(
            from: "\u{feff}---\r\nname: Fix\r\ndependsOn: [a]\r\n---\r\n\r\nDo.\r\n",
            path: "f.md"
        )
        #expect((windows.id, windows.name, windows.dependsOn, windows.body) == ("f", "Fix", ["a"], "Do.\r\n"))
        let folded = try TaskFile.entry(from: "---\nname: >-\n  two\n  words\nassignee: |\n  ada\n---\n", path: "f.md")
        #expect((folded.name, folded.assignee, folded.body) == ("two words", "ada\n", nil))
    }

    @Test func whatCannotBeUnderstoodIsRefusedWithItsLine() {
        #expect(refusal("---\nname: a") == "line 1: the front matter has no end; close it with ---.")
        #expect(refusal("---\nname: a: b\n---\n")?.hasPrefix("line 2: a text with a colon") == true)
        #expect(
            refusal("---\nname: a\nrisk: huge\n---\n")?.contains("a.md:3: risk must be one of trivial, low") == true
        )
        #expect(refusal("---\n\nname: {a: b}\n---\n")?.hasPrefix("line 3") == true)
        #expect(refusal("---\nname: \"a\n---\n") == "line 2: the quotes are not closed.")
        #expect(refusal("---\nname: \"a\\q\"\n---\n") == "line 2: \\q is no escape in double quotes.")
        #expect(refusal("---\ntags: [a, [b]]\n---\n")?.hasPrefix("line 2") == true)
        #expect(refusal("---\ntags: [a\n---\n")?.hasPrefix("line 2") == true)
        #expect(refusal("---\nname:\n  nested: 1\n---\n")?.hasPrefix("line 3") == true)
        #expect(refusal("---\ndue: tomorrow\n---\n")?.contains("must be a day") == true)
        #expect(refusal("---\nname: [a]\n---\n")?.contains("must be a text, not a list") == true)
    }

    @Test func everythingThatIsWrittenIsReadBackTheSame() throws {
        var random = SplitMix64(seed: 11)
        let pieces = [
            "a", "B", "7", " ", "  ", ":", ": ", "#", " #", "'", "\"", "\\", "\n", "\t", "[", "]", ",", "-", "- ", "{",
            "|",
            "ä", "\u{1F680}", "\u{85}", "\u{2028}", "\u{301}", "null", "~", "yes", "1.5",
            "---", "&", "*", "!", "%", "@", "`",
        ]
        func text(atLeast least: Int = 0) -> String {
            (0..<Int.random(in: least...6, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
                .joined()
        }
        for _ in 0..<3_000 {
            var entry = TaskEntry(id: "id-\(text(atLeast: 1))", name: "n" + text())
            entry.dependsOn = (0..<Int.random(in: 0...3, using: &random)).map { _ in "d" + text() }
            entry.tags = (0..<Int.random(in: 0...3, using: &random)).map { _ in text() + "t" }
            entry.assignee = random.chance(50) ? text() + "x" : nil
            entry.status = TaskStatus.allCases.randomElement(using: &random)
            entry.risk = random.chance(50) ? TaskRisk.allCases.randomElement(using: &random) : nil
            entry.due = random.chance(50) ? Date(timeIntervalSince1970: 1_700_000_000.25) : nil
            entry.path = "p/q.md"
            let body = text() + "\n" + text()
            entry.body = random.chance(70) ? body : nil
            let written = TaskFile.text(of: entry)
            #expect(try TaskFile.entry(from: written, path: "p/q.md") == entry, "\(written)")
        }
    }

    @Test func pathsStayBelowTheDirectory() {
        for path in ["a.md", "a/b.md", ".hidden/x", "a/..b"] { #expect(TaskFile.staysBelow(path), "\(path)") }
        for path in ["", "/a", "a/../b", "..", "./a", "a//b", "a/", "a\0"] {
            #expect(!TaskFile.staysBelow(path), "\(path)")
        }
    }
}
