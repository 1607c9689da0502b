/// Reads a regular expression as ECMA-262 with the `u` flag has it, and what its Annex B lets pass.
///
/// Left out is what cannot be matched in linear time or without a table that the standard library lacks:
/// backreferences, lookbehind, scripts. Such a pattern is refused, not ignored.
struct PatternParser {
    private let scalars: [UInt32]
    private var index = 0
    private var depth = 0

    /// Groups within groups.
    private static let nesting = 64
    /// Scalars of one pattern.
    static let lengthMax = 16_384

    static func tree(of text: String) throws(PatternProblem) -> PatternTree {
        var parser = PatternParser(scalars: text.unicodeScalars.map(\.value))
        guard parser.scalars.count <= lengthMax else {
            throw PatternProblem(sentence: "is longer than \(lengthMax) characters.")
        }
        let tree = try parser.choice()
        guard parser.index == parser.scalars.count else {
            throw PatternProblem(sentence: "has a “)” that nothing opens, at character \(parser.index + 1).")
        }
        return tree
    }

    private init(scalars: [UInt32]) { self.scalars = scalars }

    private func problem(_ sentence: String) -> PatternProblem {
        PatternProblem(sentence: "\(sentence), at character \(index + 1).")
    }

    private var next: UInt32? { index < scalars.count ? scalars[index] : nil }

    private func sees(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { bytes in
            index + bytes.count <= scalars.count
                && zip(bytes, scalars[index...]).allSatisfy { UInt32($0) == $1 }
        }
    }

    private mutating func take(_ text: StaticString) -> Bool {
        guard sees(text) else { return false }
        index += text.utf8CodeUnitCount
        return true
    }

    // MARK: Terms

    private mutating func choice() throws(PatternProblem) -> PatternTree {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.nesting else { throw problem("nests groups more than \(Self.nesting) deep") }
        var branches = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(PatternProblem) -> PatternTree {
        var parts: [PatternTree] = []
        while let scalar = next, scalar != "|", scalar != ")" {
            let (part, isRepeatable) = try term()
            guard let range = try quantifier() else {
                parts.append(part)
                continue
            }
            guard isRepeatable else { throw problem("repeats what has no length") }
            parts.append(.repetition(part, least: range.least, most: range.most))
        }
        return parts.count == 1 ? parts[0] : parts.isEmpty ? .empty : .sequence(parts)
    }

    private mutating func term() throws(PatternProblem) -> (tree: PatternTree, isRepeatable: Bool) {
        if take("^") { return (.start, false) }
        if take("$") { return (.end, false) }
        if take("\\b") { return (.wordBoundary(isNegated: false), false) }
        if take("\\B") { return (.wordBoundary(isNegated: true), false) }
        if sees("*") || sees("+") || sees("?") { throw problem("has nothing to repeat") }
        if take(".") { return (.set(ScalarSet.lineEnds.inverted().sealed()), true) }
        if take("[") { return (.set(try scalarClass()), true) }
        if sees("(") { return try group() }
        if take("\\") { return (try escape(), true) }
        let scalar = scalars[index]
        index += 1
        return (.scalar(scalar), true)
    }

    private mutating func group() throws(PatternProblem) -> (tree: PatternTree, isRepeatable: Bool) {
        if sees("(?<=") || sees("(?<!") { throw problem("looks behind, which is not checked here") }
        let opening = index
        let isAhead = take("(?=")
        let isNotAhead = !isAhead && take("(?!")
        if !isAhead, !isNotAhead, !take("(?:") {
            if take("(?<") {
                try groupName()
            } else if sees("(?") {
                throw problem("has a group of a kind that is not checked here")
            } else {
                index += 1
            }
        }
        let inner = try choice()
        guard take(")") else {
            index = opening
            throw problem("opens a group that nothing closes")
        }
        if isAhead || isNotAhead { return (.lookahead(inner, isNegated: isNotAhead), false) }
        return (inner, true)
    }

    private mutating func groupName() throws(PatternProblem) {
        let start = index
        while let scalar = next, ScalarSet.wordsSealed.contains(scalar) || scalar > 127 || scalar == "$" { index += 1 }
        guard index > start, take(">") else { throw problem("has a group without a proper name") }
    }

    private mutating func quantifier() throws(PatternProblem) -> (least: Int, most: Int?)? {
        let range: (least: Int, most: Int?)
        if take("*") {
            range = (0, nil)
        } else if take("+") {
            range = (1, nil)
        } else if take("?") {
            range = (0, 1)
        } else if let counted = try countedRange() {
            range = counted
        } else {
            return nil
        }
        // Lazy or not is the same where only the fact of a match counts.
        _ = take("?")
        if sees("*") || sees("+") || sees("?") { throw problem("repeats a repetition") }
        return range
    }

    /// `{2}`, `{2,}` or `{2,5}`; a brace that is none of them stands for itself.
    private mutating func countedRange() throws(PatternProblem) -> (least: Int, most: Int?)? {
        let start = index
        guard take("{"), let least = number() else {
            index = start
            return nil
        }
        var most: Int? = least
        if take(",") { most = number() }
        guard take("}") else {
            index = start
            return nil
        }
        if let most, most < least { throw problem("counts from more to less") }
        return (least, most)
    }

    private mutating func number() -> Int? {
        let start = index
        var value = 0
        while let scalar = next, 48...57 ~= scalar {
            // More than any program may hold, so that it is refused by its weight.
            value = min(value * 10 + Int(scalar - 48), 1 << 20)
            index += 1
        }
        return index > start ? value : nil
    }
}

// MARK: - Classes and escapes

extension PatternParser {
    private mutating func scalarClass() throws(PatternProblem) -> ScalarSet {
        let isNegated = take("^")
        var set = ScalarSet()
        while !take("]") {
            guard next != nil else { throw problem("opens a class that nothing closes") }
            let first = try member()
            guard sees("-"), index + 1 < scalars.count, scalars[index + 1] != "]" else {
                set.formUnion(first.set)
                continue
            }
            index += 1
            let last = try member()
            guard let from = first.scalar, let to = last.scalar else {
                // Annex B: beside a class the dash stands for itself.
                set.formUnion(first.set)
                set.insert(45...45)
                set.formUnion(last.set)
                continue
            }
            guard from <= to else { throw problem("has a range that runs backwards") }
            set.insert(from...to)
        }
        return (isNegated ? set.inverted() : set).sealed()
    }

    /// One scalar of a class, or one of the classes that have an escape of their own.
    private mutating func member() throws(PatternProblem) -> (set: ScalarSet, scalar: UInt32?) {
        guard take("\\") else {
            guard let scalar = next else { throw problem("opens a class that nothing closes") }
            index += 1
            return (ScalarSet([scalar...scalar]), scalar)
        }
        if take("b") { return (ScalarSet([8...8]), 8) }
        switch try escape() {
        case .set(let set): return (set, nil)
        case .scalar(let scalar): return (ScalarSet([scalar...scalar]), scalar)
        default: throw problem("has an escape that makes no sense in a class")
        }
    }

    /// What stands behind a backslash.
    private mutating func escape() throws(PatternProblem) -> PatternTree {
        guard let scalar = next else { throw problem("ends in a backslash") }
        index += 1
        switch scalar {
        case "d": return .set(ScalarSet.digits.sealed())
        case "D": return .set(ScalarSet.digits.inverted().sealed())
        case "w": return .set(ScalarSet.wordsSealed)
        case "W": return .set(ScalarSet.words.inverted().sealed())
        case "s": return .set(ScalarSet.spaces.sealed())
        case "S": return .set(ScalarSet.spaces.inverted().sealed())
        case "p", "P": return .set(try trait(isNegated: scalar == "P"))
        case "n": return .scalar(0xA)
        case "r": return .scalar(0xD)
        case "t": return .scalar(0x9)
        case "v": return .scalar(0xB)
        case "f": return .scalar(0xC)
        case "c":
            guard let letter = next, 65...90 ~= (letter & ~0x20) else { throw problem("has “\\c” without a letter") }
            index += 1
            return .scalar(letter & 31)
        case "x": return .scalar(try hex(2))
        case "u": return .scalar(try unicode())
        case "0" where !(next.map { 48...57 ~= $0 } ?? false): return .scalar(0)
        case "k", 48...57: throw problem("refers back to a group, which is not checked here")
        case 65...90, 97...122: throw problem("has an escape that ECMA-262 does not know")
        default: return .scalar(scalar)
        }
    }

    private mutating func trait(isNegated: Bool) throws(PatternProblem) -> ScalarSet {
        guard take("{"), let end = scalars[index...].firstIndex(of: 125) else {
            throw problem("has “\\p” without a name in braces")
        }
        let name = String(String.UnicodeScalarView(scalars[index..<end].compactMap(Unicode.Scalar.init)))
        guard let trait = ScalarTrait(name) else {
            throw problem("asks for \\p{\(name.prefix(40))}, which is not checked here")
        }
        index = end + 1
        var set = ScalarSet()
        set.insert(trait, isNegated: isNegated)
        return set.sealed()
    }

    private mutating func hex(_ count: Int) throws(PatternProblem) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<count {
            guard let digit = hexDigit() else { throw problem("lacks a hexadecimal digit") }
            value = value << 4 | digit
        }
        return value
    }

    private mutating func hexDigit() -> UInt32? {
        guard let scalar = next, let text = Unicode.Scalar(scalar), let digit = Character(text).hexDigitValue,
            text.isASCII
        else { return nil }
        index += 1
        return UInt32(digit)
    }

    private mutating func unicode() throws(PatternProblem) -> UInt32 {
        if take("{") {
            var value: UInt32 = 0
            while let digit = hexDigit() {
                value = value << 4 | digit
                guard value <= 0x10_FFFF else { throw problem("names a character beyond Unicode") }
            }
            guard take("}") else { throw problem("lacks a closing brace") }
            return value
        }
        let first = try hex(4)
        guard 0xD800...0xDBFF ~= first, sees("\\u") else { return first }
        let place = index
        index += 2
        // A high surrogate without its low one stands for itself, and is in no string.
        guard let second = try? hex(4), 0xDC00...0xDFFF ~= second else {
            index = place
            return first
        }
        return 0x1_0000 + (first - 0xD800) << 10 + (second - 0xDC00)
    }
}

extension ScalarSet {
    /// ``words``, ready to be asked.
    static let wordsSealed = words.sealed()
}

/// Scalars are compared with the letters that they are.
private func ~= (letter: Unicode.Scalar, scalar: UInt32) -> Bool { letter.value == scalar }
private func == (scalar: UInt32, letter: Unicode.Scalar) -> Bool { letter.value == scalar }
private func != (scalar: UInt32, letter: Unicode.Scalar) -> Bool { letter.value != scalar }
