import Foundation
import Protocol

/// System calls on the socket between agent and supervisor.
enum ControlSocket {
    private static let kind = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)

    enum Received {
        case bell(ControlBell)
        case nothing
        case ended
    }

    /// Two connected ends: ours, which never blocks, and the supervisor's.
    static func pair() throws(Fault) -> (own: Int32, supervisor: Int32) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw .system("make a pair of sockets") }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        return (ends[0], ends[1])
    }

    static func close(_ descriptor: Int32) { _ = Foundation.close(descriptor) }

    /// Connects to the supervisor of a folder; `nil` if nobody listens there.
    static func connect(in folder: SessionFolder) -> Int32? {
        let directory = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { return nil }
        defer { close(directory) }
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { return nil }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // A socket's path may have 107 bytes: the folder's own may be longer, its descriptor's is not.
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: "/proc/self/fd/\(directory)/control".utf8) }
        let connected = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else {
            close(descriptor)
            return nil
        }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        return descriptor
    }

    /// Sends a whole packet. False if there is no room for it yet; a broken connection swallows it, and receiving says
    /// that it is broken.
    static func send(_ packet: [UInt8], to descriptor: Int32) -> Bool {
        while true {
            let count = Foundation.send(descriptor, packet, packet.count, Int32(MSG_NOSIGNAL))
            if count >= 0 { return true }
            if errno == EINTR { continue }
            return errno != EAGAIN
        }
    }

    /// Receives one packet, without waiting.
    static func receive(from descriptor: Int32) -> Received {
        var packet: [UInt8] = Array(repeating: 0, count: ControlBell.byteCount)
        while true {
            let count = recv(descriptor, &packet, packet.count, 0)
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN { return .nothing }
            guard count > 0, let bell = ControlBell(packet.prefix(count)) else { return .ended }
            return .bell(bell)
        }
    }
}
