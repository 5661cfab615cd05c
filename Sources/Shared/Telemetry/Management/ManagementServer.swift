import Logging
import NIOCore
import NIOPosix

/// The management address: a small HTTP/1.1 listener with a thread of its own, which answers also when the process's loops
/// do not.
public struct ManagementServer: Sendable {
    static let maximumConnections = 32

    private let channel: any Channel
    private let group: MultiThreadedEventLoopGroup

    /// Listens at the first free port. That there is none is a warning, and the process goes on without.
    ///
    /// - Returns: nil when there is none.
    public static func start(
        _ address: ManagementAddress, pages: ManagementPages, logger: Logger
    ) async throws -> ManagementServer? {
        guard case .ports(let host, let ports) = address else { return nil }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var problem = ""
        for port in ports {
            do {
                let channel = try await bootstrap(group, pages).bind(host: host, port: port).get()
                let endpoint = channel.localAddress.flatMap { address in
                    address.ipAddress.map { "\($0.contains(":") ? "[\($0)]" : $0):\(address.port ?? port)" }
                }
                logger.notice("management", metadata: .keyed([.endpoint: endpoint ?? "\(host):\(port)"]))
                return ManagementServer(channel: channel, group: group)
            } catch {
                problem = "\(error)"
            }
        }
        logger.warning(
            "no management address is free: health and metrics are not served",
            metadata: .keyed([.endpoint: "\(host):\(ports.lowerBound)-\(ports.upperBound)", .error: problem]))
        try await group.shutdownGracefully()
        return nil
    }

    /// Before the loops that it asks end.
    public func stop() async throws {
        // The group closes what is still open.
        try await group.shutdownGracefully()
    }

    /// Where it listens.
    var port: Int? { channel.localAddress?.port }

    private static func bootstrap(_ group: MultiThreadedEventLoopGroup, _ pages: ManagementPages) -> ServerBootstrap {
        // One thread: the listener's loop is every connection's.
        let connections = NIOLoopBoundBox.makeBoxSendingValue(0, eventLoop: group.any())
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard connections.value < maximumConnections else { throw ChannelError.operationUnsupported }
                    connections.value += 1
                    channel.closeFuture.whenComplete { _ in connections.value -= 1 }
                    try WholeRequestHandler.configure(channel, pages)
                }
            }
    }
}
