/// Where a hub may send requests for others: to the open Internet, and to what its operator names.
///
/// Whoever lets others make it ask is a confused deputy: from inside it reaches what they cannot. So addresses that
/// have a meaning only inside are refused: before a name is looked up, after it, and once more at the connection.
public struct OutboundRules: Hashable, Sendable {
    /// Places that the operator allows wherever they are: `host:port`, in small letters.
    private let allowed: Set<String>

    /// - Parameter allowed: `HOST:PORT`, an IPv6 address in brackets.
    /// - Throws: `VALIDATION_ERROR` for what is no such place.
    public init(allowing places: [String] = []) throws(Fault) {
        var allowed: Set<String> = []
        for place in places {
            let address = try? WebAddress("http://\(place)", field: "outbound")
            guard let address, place.contains(/:[0-9]{1,5}$/), !place.contains("/"), !place.contains("?"),
                (1...65_535).contains(address.port)
            else { throw Fault.invalid("outbound", "“\(place.prefix(100))” must be HOST:PORT, such as 10.0.0.7:8080.") }
            allowed.insert(Self.name(address))
        }
        self.allowed = allowed
    }

    /// Nothing but the open Internet.
    public static let internetOnly = OutboundRules()

    private init() { allowed = [] }

    /// Whether the operator vouches for this place.
    public func isNamed(_ address: WebAddress) -> Bool { allowed.contains(Self.name(address)) }

    /// What stands against a connection to one of a place's addresses; `nil` if nothing.
    public func objection(to address: WebAddress, at bytes: [UInt8]) -> Fault? {
        isNamed(address) || Self.isOpen(bytes) ? nil : Self.refusal(of: "\(address.host):\(address.port)")
    }

    /// What is said of a place that is refused.
    public static func refusal(of place: String) -> Fault {
        Fault(
            .accessDenied,
            "\(place) is an address inside; the hub reaches it only if its operator lists it under outbound."
        )
    }

    private static func name(_ address: WebAddress) -> String { "\(address.host):\(address.port)" }

    /// Whether 4 or 16 bytes are an address of the open Internet.
    ///
    /// Sources: the IANA registries of special-purpose addresses for IPv4 (RFC 6890 and updates) and IPv6. An IPv6
    /// address that holds one of IPv4 (mapped, compatible, NAT64, 6to4) is judged by that.
    public static func isOpen(_ bytes: [UInt8]) -> Bool {
        switch bytes.count {
        case 4: return !inside4.contains { $0.holds(bytes) }
        case 16:
            if let inner = embedded(in: bytes) { return isOpen(inner) }
            return !inside6.contains { $0.holds(bytes) }
        default: return false
        }
    }

    private static func embedded(in bytes: [UInt8]) -> [UInt8]? {
        let head = Array(bytes[..<12])
        let zeros = [UInt8](repeating: 0, count: 10)
        if head == zeros + [0xFF, 0xFF] { return Array(bytes[12...]) }
        // ::1 and :: are compatible addresses, too, of 0.0.0.0/8.
        if head == zeros + [0, 0] { return Array(bytes[12...]) }
        if head == [0, 0x64, 0xFF, 0x9B] + [UInt8](repeating: 0, count: 8) { return Array(bytes[12...]) }
        if bytes.starts(with: [0x20, 0x02]) { return Array(bytes[2..<6]) }
        return nil
    }

    /// Addresses that begin with the same bits.
    private struct Block {
        let start: [UInt8]
        let bits: Int

        init(_ start: [UInt8], _ bits: Int) { (self.start, self.bits) = (start, bits) }

        func holds(_ bytes: [UInt8]) -> Bool {
            (0..<bits).allSatisfy { bit in
                let mask = UInt8(0x80) >> (bit % 8)
                let wanted = bit / 8 < start.count ? start[bit / 8] : 0
                return bytes[bit / 8] & mask == wanted & mask
            }
        }
    }

    private static let inside4 = [
        Block([0], 8), Block([10], 8), Block([100, 64], 10), Block([127], 8), Block([169, 254], 16),
        Block([172, 16], 12), Block([192, 0, 0], 24), Block([192, 0, 2], 24), Block([192, 88, 99], 24),
        Block([192, 168], 16), Block([198, 18], 15), Block([198, 51, 100], 24), Block([203, 0, 113], 24),
        Block([224], 4), Block([240], 4),
    ]

    /// NAT64 of a network's own, discard, Teredo and other assignments of protocols, documentation, unique local,
    /// link-local, site-local, multicast.
    private static let inside6 = [
        Block([0, 0x64, 0xFF, 0x9B, 0, 1], 48), Block([1], 64), Block([0x20, 1], 23),
        Block([0x20, 1, 0x0D, 0xB8], 32), Block([0x3F, 0xFF], 20), Block([0x5F], 16), Block([0xFC], 7),
        Block([0xFE, 0x80], 10), Block([0xFE, 0xC0], 10), Block([0xFF], 8),
    ]
}
