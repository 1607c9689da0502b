import Testing

@testable import Protocol

/// Regular expressions as ECMA-262 has them.
struct PatternTests {
    private static let plenty = 1_000_000

    @Test(
        arguments: [
            ("^foo", ["foo", "foobar"], ["bar", "xfoo"]), ("a{2,3}$", ["aa", "aaa", "baaaa"], ["a", "aab"]),
            ("^(a|bc)*d?$", ["", "abcad", "bcd"], ["b", "add"]), ("^[^\\d\\s]+$", ["ab", "é"], ["a1", "a b", ""]),
            ("^\\w+$", ["aZ_9"], ["é", "a-b"]), ("^\\d$", ["7"], ["٧"]), ("^\\s$", ["\u{FEFF}", "\u{2003}"], ["x"]),
            ("^.$", ["😀", "é"], ["\n", "\u{2028}", "ab"]), ("^\\p{Letter}+$", ["Žá"], ["a1"]),
            ("^\\p{Lu}\\P{L}$", ["A1"], ["AB", "a1"]), ("^\\u00e9\\x41\\u{1F600}$", ["éA😀"], ["eA😀"]),
            ("^\\uD83D\\uDE00$", ["😀"], ["x"]), ("\\bcat\\b", ["a cat.", "cat"], ["concat", "cats"]),
            ("a\\Bb", ["ab"], ["a b"]), ("^(?=.*\\d)(?=.*[a-z])(?!.*!).{3,}$", ["ab1", "1xx"], ["abc", "a1", "ab1!"]),
            ("^(?:a(?<name>b))+$", ["abab"], ["aba"]), ("^[-a]$|^[a-]b$|^[\\w-.]c$", ["-", "a", "-b", ".c"], [",c"]),
            ("^[]$", [], ["", "]"]), ("^[^]$", ["\n"], [""]), ("^a{$|^a{,2}$|^]$", ["a{", "a{,2}", "]"], ["aa"]),
            ("^a*?b+?$", ["aab", "bb"], ["a"]), ("^$", [""], ["a"]), ("", ["", "x"], []),
            ("^\\cJ\\t\\0[\\b]$", ["\n\t\0\u{8}"], []),
            ("^\\/\\.\\-\\[$", ["/.-["], ["/x-["]), ("^(a*)*$", ["aaa"], ["b"]),
            ("(^a|b$)", ["ax", "xb"], ["xa", "bx"]),
            ("\\Bb", ["ab", "..ab"], ["b", ".b"]), ("\\bx", ["  x"], ["  ax"]), ("(?=b)b", ["aab"], ["aa"]),
            ("x*", ["", "y"], []), ("^[\\p{Lu}\\d]+$", ["A1"], ["a"]), ("^(a{0}b)?$", ["", "b"], ["ab"]),
        ] as [(String, [String], [String])]
    )
    func patternsMatchWhatTheyShould(text: String, matching: [String], others: [String]) throws {
        let pattern = try Pattern(text)
        for sample in matching {
            var steps = Self.plenty
            #expect(pattern.matches(sample, steps: &steps) == true, "\(text) in \(sample)")
        }
        for sample in others {
            var steps = Self.plenty
            #expect(pattern.matches(sample, steps: &steps) == false, "\(text) in \(sample)")
        }
    }

    @Test(arguments: [
        ("(a", "nothing closes"), ("a)", "nothing opens"), ("*a", "nothing to repeat"), ("a**", "repeats a repetition"),
        ("[a", "nothing closes"), ("[z-a]", "backwards"), ("a{3,2}", "more to less"), ("(a)\\1", "refers back"),
        ("(?<=a)b", "looks behind"), ("\\p{Script=Greek}", "not checked here"), ("\\Z", "does not know"),
        ("\\", "ends in a backslash"), ("(?i:a)", "of a kind"), ("(?=a)*", "no length"),
        ("\\u{110000}", "beyond Unicode"),
        ("\\x4", "hexadecimal"), ("(a{1000}){1000}", "repeats too much"),
        ("a{999999999999999999999}", "repeats too much"),
        (String(repeating: "(", count: 100_000), "longer than"), (String(repeating: "(", count: 1_000), "deep"),
    ])
    func patternsThatAreNoneAreRefusedWithTheReason(text: String, reason: String) {
        let problem = #expect(throws: PatternProblem.self) { try Pattern(text) }
        #expect(problem?.sentence.contains(reason) == true, "\(problem?.sentence ?? "")")
    }

    /// Patterns over which backtracking engines take ages.
    @Test(arguments: ["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(.*)(.*)(.*)(.*)(.*)x$", "^(([a-z])+.)+[A-Z]([a-z])+$"])
    func noPatternTakesMoreThanTextTimesPattern(text: String) throws {
        let pattern = try Pattern(text)
        let sample = String(repeating: "a", count: 10_000) + "!"
        var steps = Self.plenty * 4
        #expect(pattern.matches(sample, steps: &steps) == false)
        #expect(steps > 0)
    }

    /// Lookahead from each place of a long text is quadratic; the count of steps ends it.
    @Test func lookaheadIsBoundedByTheSteps() throws {
        var steps = Self.plenty
        let sample = String(repeating: "a", count: 100_000)
        #expect(try Pattern("(?=a*b)c").matches(sample, steps: &steps) == nil)
        #expect(steps <= 0)
    }
}
