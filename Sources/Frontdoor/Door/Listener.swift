import Foundation
import Identity
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket
import Sylkrtc
import Telemetry

/// Accepts clients, and builds each one's pipeline on the loop that will own it.
struct Listener: Sendable {
    /// What one client gets done before the next has his turn: so many bytes are read from a socket each time the loop comes
    /// round. However many ask as fast as they can, the loop comes round for links and timers, too.
    static let turn = 8 << 10

    let files: PageFiles
    /// Every loop's own part of the front door.
    let doors: [ObjectIdentifier: NIOLoopBound<DoorLoop>]
    /// Shared by all loops.
    let gate: Gate
    let limits: Limits
    /// nil: clients are spoken with in the clear.
    let tls: TLSIdentity?
    let logger: Logger

    /// Begins to accept.
    ///
    /// - Parameter sockets: belong to the acceptor from now on.
    func open(_ sockets: [ListeningSocket]) throws(ListeningProblem) -> Acceptor {
        let loops = doors.values.map(\.eventLoop)
        return try Acceptor(sockets) { number, descriptor in
            guard let peer = IPAddress(peerOf: descriptor), let visit = gate.admit(peer) else {
                close(descriptor)
                return
            }
            serve(descriptor, visit, on: loops[number % loops.count])
        } failed: { code in
            gate.hits.hit(.descriptors, by: .keyed([.error: String(cString: strerror(code))]))
        }
    }

    /// - Parameter descriptor: a client's socket.
    private func serve(_ descriptor: Int32, _ visit: Visit, on loop: any EventLoop) {
        ClientBootstrap(group: loop)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 2048, maximum: Self.turn)
            )
            .channelOption(.writeBufferWaterMark, value: limits.waterMark)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try configure(channel, visit) }
            }
            .withConnectedSocket(descriptor)
            .whenFailure { error in
                // He was gone before he was served.
                visit.end()
                logger.debug("client lost", metadata: .keyed([.error: "\(error)"]))
            }
    }

    func configure(_ channel: any Channel, _ visit: Visit) throws {
        guard let bound = doors[ObjectIdentifier(channel.eventLoop)] else {
            preconditionFailure("a client on a loop without a door")
        }
        let door = bound.value
        door.visitorCame()
        channel.closeFuture.whenComplete { _ in
            visit.end()
            bound.value.visitorLeft()
        }
        if let tls { try channel.pipeline.syncOperations.addHandler(tls.handler()) }
        let doorkeeper = Doorkeeper(door, gate: gate, visit: visit, logger: logger)
        let keeper = NIOLoopBound(doorkeeper, eventLoop: channel.eventLoop)
        let http = HTTPHandler(
            files: files, timeout: limits.handshakeTime, hits: gate.hits, handshake: doorkeeper.judge, logger: logger)
        let removable = NIOLoopBound(http, eventLoop: channel.eventLoop)
        let upgrader = NIOWebSocketServerUpgrader(
            maxFrameSize: limits.messageSize,
            automaticErrorHandling: false,
            shouldUpgrade: { channel, head in
                channel.eventLoop.makeSucceededFuture(Self.agree(head, on: channel, keeper.value))
            },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    guard case .accepted(let dialect) = keeper.value.judge(head, from: channel.remoteAddress) else {
                        throw ChannelError.inappropriateOperationForState
                    }
                    try channel.pipeline.syncOperations.addHandlers(
                        MaskingHandler(),
                        NIOWebSocketFrameAggregator(
                            minNonFinalFragmentSize: 0, maxAccumulatedFrameCount: 1024,
                            maxAccumulatedFrameSize: limits.messageSize),
                        ClientSocketHandler(
                            door: bound.value, dialect: dialect, client: keeper.value.client, logger: logger))
                }
            })
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withServerUpgrade: (
                upgraders: [upgrader],
                completionHandler: { context in
                    context.pipeline.syncOperations.removeHandler(removable.value, promise: nil)
                }
            ))
        try channel.pipeline.syncOperations.addHandler(http)
    }

    /// - Returns: the headers of the upgrade; nil: there is none, and ``HTTPHandler`` says why.
    private static func agree(
        _ head: HTTPRequestHead, on channel: any Channel, _ doorkeeper: Doorkeeper
    ) -> HTTPHeaders? {
        guard head.uri.prefix(while: { $0 != "?" }) == Handshake.path,
            case .accepted(let dialect) = doorkeeper.judge(head, from: channel.remoteAddress)
        else { return nil }
        return ["Server": serverHeader, "Sec-WebSocket-Protocol": dialect.rawValue]
    }
}
