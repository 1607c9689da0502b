import Glibc

/// Ports for servers that are stopped and started again on the same one.
public enum FreePort {
    /// Below those that Linux gives to outgoing connections, one of which might take a port while its server is away.
    private static let range: ClosedRange<UInt16> = 12_000...31_999

    /// A port of 127.0.0.1 that nobody has at this moment.
    public static func draw() -> UInt16 {
        for _ in 0..<1_000 {
            let port = UInt16.random(in: range)
            if isFree(port) { return port }
        }
        return 0
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
