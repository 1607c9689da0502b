/// What `\p{…}` asks of a scalar. Scripts are not among them: the standard library has no table of them.
enum ScalarTrait: Hashable, Sendable {
    /// One of these general categories.
    case category(Set<Unicode.GeneralCategory>)
    case alphabetic, ascii, any, assigned, whitespace, uppercase, lowercase, hexDigit, asciiHexDigit
    case emoji, emojiPresentation, idStart, idContinue, xidStart, xidContinue, ideographic, math, dash, diacritic

    /// - Parameter text: what stands between the braces, such as `Lu`, `Letter` or `General_Category=Nd`.
    init?(_ text: String) {
        let parts = text.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1:
            guard let trait = Self.categories(parts[0]).map(Self.category) ?? Self.binary[parts[0]] else { return nil }
            self = trait
        case 2 where parts[0] == "General_Category" || parts[0] == "gc":
            guard let categories = Self.categories(parts[1]) else { return nil }
            self = .category(categories)
        default: return nil
        }
    }

    func holds(of scalar: Unicode.Scalar) -> Bool {
        let properties = scalar.properties
        return switch self {
        case .category(let categories): categories.contains(properties.generalCategory)
        case .alphabetic: properties.isAlphabetic
        case .ascii: scalar.isASCII
        case .any: true
        case .assigned: properties.generalCategory != .unassigned
        case .whitespace: properties.isWhitespace
        case .uppercase: properties.isUppercase
        case .lowercase: properties.isLowercase
        case .hexDigit: properties.isHexDigit
        case .asciiHexDigit: properties.isASCIIHexDigit
        case .emoji: properties.isEmoji
        case .emojiPresentation: properties.isEmojiPresentation
        case .idStart: properties.isIDStart
        case .idContinue: properties.isIDContinue
        case .xidStart: properties.isXIDStart
        case .xidContinue: properties.isXIDContinue
        case .ideographic: properties.isIdeographic
        case .math: properties.isMath
        case .dash: properties.isDash
        case .diacritic: properties.isDiacritic
        }
    }

    private static let binary: [String: ScalarTrait] = [
        "Alphabetic": .alphabetic, "Alpha": .alphabetic, "ASCII": .ascii, "Any": .any, "Assigned": .assigned,
        "White_Space": .whitespace, "space": .whitespace, "Uppercase": .uppercase, "Upper": .uppercase,
        "Lowercase": .lowercase, "Lower": .lowercase, "Hex_Digit": .hexDigit, "Hex": .hexDigit,
        "ASCII_Hex_Digit": .asciiHexDigit, "AHex": .asciiHexDigit, "Emoji": .emoji,
        "Emoji_Presentation": .emojiPresentation, "EPres": .emojiPresentation, "ID_Start": .idStart, "IDS": .idStart,
        "ID_Continue": .idContinue, "IDC": .idContinue, "XID_Start": .xidStart, "XIDS": .xidStart,
        "XID_Continue": .xidContinue, "XIDC": .xidContinue, "Ideographic": .ideographic, "Ideo": .ideographic,
        "Math": .math, "Dash": .dash, "Diacritic": .diacritic, "Dia": .diacritic,
    ]

    private static func categories(_ name: String) -> Set<Unicode.GeneralCategory>? {
        if let group = groups.first(where: { $0.names.contains(name) }) {
            return Set(group.members.compactMap { member in single.first { $0.names[0] == member }?.category })
        }
        return single.first { $0.names.contains(name) }.map { [$0.category] }
    }

    private static let groups: [(names: [String], members: [String])] = [
        (["L", "Letter"], ["Lu", "Ll", "Lt", "Lm", "Lo"]),
        (["LC", "Cased_Letter"], ["Lu", "Ll", "Lt"]),
        (["M", "Mark", "Combining_Mark"], ["Mn", "Mc", "Me"]),
        (["N", "Number"], ["Nd", "Nl", "No"]),
        (["P", "Punctuation", "punct"], ["Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po"]),
        (["S", "Symbol"], ["Sm", "Sc", "Sk", "So"]),
        (["Z", "Separator"], ["Zs", "Zl", "Zp"]),
        (["C", "Other"], ["Cc", "Cf", "Cs", "Co", "Cn"]),
    ]

    private static let single: [(names: [String], category: Unicode.GeneralCategory)] = [
        (["Lu", "Uppercase_Letter"], .uppercaseLetter), (["Ll", "Lowercase_Letter"], .lowercaseLetter),
        (["Lt", "Titlecase_Letter"], .titlecaseLetter), (["Lm", "Modifier_Letter"], .modifierLetter),
        (["Lo", "Other_Letter"], .otherLetter), (["Mn", "Nonspacing_Mark"], .nonspacingMark),
        (["Mc", "Spacing_Mark"], .spacingMark), (["Me", "Enclosing_Mark"], .enclosingMark),
        (["Nd", "Decimal_Number", "digit"], .decimalNumber), (["Nl", "Letter_Number"], .letterNumber),
        (["No", "Other_Number"], .otherNumber), (["Pc", "Connector_Punctuation"], .connectorPunctuation),
        (["Pd", "Dash_Punctuation"], .dashPunctuation), (["Ps", "Open_Punctuation"], .openPunctuation),
        (["Pe", "Close_Punctuation"], .closePunctuation), (["Pi", "Initial_Punctuation"], .initialPunctuation),
        (["Pf", "Final_Punctuation"], .finalPunctuation), (["Po", "Other_Punctuation"], .otherPunctuation),
        (["Sm", "Math_Symbol"], .mathSymbol), (["Sc", "Currency_Symbol"], .currencySymbol),
        (["Sk", "Modifier_Symbol"], .modifierSymbol), (["So", "Other_Symbol"], .otherSymbol),
        (["Zs", "Space_Separator"], .spaceSeparator), (["Zl", "Line_Separator"], .lineSeparator),
        (["Zp", "Paragraph_Separator"], .paragraphSeparator), (["Cc", "Control", "cntrl"], .control),
        (["Cf", "Format"], .format), (["Cs", "Surrogate"], .surrogate), (["Co", "Private_Use"], .privateUse),
        (["Cn", "Unassigned"], .unassigned),
    ]
}
