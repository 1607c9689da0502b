import Glibc
import HubCore
import NIOCore
import Protocol

/// Has the kernel find out that a silent peer is gone, for connections whose peers owe no heartbeat.
enum KeepAlive {
    /// A peer that does not answer the kernel is given up after about the silence limit of links.
    static func set(on channel: any Channel) {
        let idle = Int32(Limits.silence.milliseconds / 2_000)
        let options: [(ChannelOptions.Types.SocketOption, SocketOptionValue)] = [
            (.init(level: .socket, name: .so_keepalive), 1),
            (.init(level: .tcp, name: .init(rawValue: TCP_KEEPIDLE)), SocketOptionValue(idle)),
            (.init(level: .tcp, name: .init(rawValue: TCP_KEEPINTVL)), SocketOptionValue(idle / 3)),
            (.init(level: .tcp, name: .init(rawValue: TCP_KEEPCNT)), 3),
        ]
        for (option, value) in options {
            // A channel that knows no such option is no TCP socket: then there is nobody to lose.
            channel.setOption(option, value: value).whenFailure { _ in }
        }
    }
}
