import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

@testable import SIPLookup

/// A name server over UDP and TCP on a loopback port that says what a test tells it to.
final class ScriptedNameServer: Sendable {
    struct Query: Sendable {
        let id: UInt16
        /// As in a transcript, `A example.com`; nil: not one of our types.
        let question: DNSQuestion?
        let isTCP: Bool
    }

    /// nil: silence.
    typealias Script = @Sendable (Query) -> [UInt8]?

    private let channels: [any Channel]
    private let queries: NIOLockedValueBox<[Query]>
    let port: UInt16

    var asked: [Query] { queries.withLockedValue { $0 } }
    var server: NameServer { NameServer(address("127.0.0.1"), port: port) }

    init(on group: any EventLoopGroup, _ script: @escaping Script) throws {
        let queries = NIOLockedValueBox<[Query]>([])
        self.queries = queries
        let heard: Script = { query in
            queries.withLockedValue { $0.append(query) }
            return script(query)
        }
        // Both on one port: should another program have it for TCP, another is tried.
        var last: (any Error)?
        for _ in 0..<20 {
            let datagrams = try DatagramBootstrap(group: group)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Datagrams(heard))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).wait()
            let number = datagrams.localAddress?.port ?? 0
            do {
                let streams = try ServerBootstrap(group: group)
                    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                    .childChannelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try channel.pipeline.syncOperations.addHandler(Streams(heard))
                        }
                    }
                    .bind(host: "127.0.0.1", port: number).wait()
                channels = [datagrams, streams]
                port = UInt16(number)
                return
            } catch {
                last = error
                try datagrams.close().wait()
            }
        }
        throw last ?? ChannelError.unknownLocalAddress
    }

    func close() throws { for channel in channels { try channel.close().wait() } }

    private static func query(_ bytes: [UInt8], isTCP: Bool) -> Query? {
        guard bytes.count > 12 else { return nil }
        var labels: [String] = []
        var position = 12
        while position < bytes.count, bytes[position] > 0, position + Int(bytes[position]) < bytes.count {
            let end = position + 1 + Int(bytes[position])
            labels.append(String(decoding: bytes[position + 1..<end], as: UTF8.self))
            position = end
        }
        guard position + 2 < bytes.count else { return nil }
        let number = UInt16(bytes[position + 1]) << 8 | UInt16(bytes[position + 2])
        let type = DNSType.allCases.first { $0.number == number }
        let name = DNSName(labels.joined(separator: "."))
        return Query(
            id: UInt16(bytes[0]) << 8 | UInt16(bytes[1]),
            question: name.flatMap { name in type.map { DNSQuestion($0, name) } }, isTCP: isTCP)
    }

    private final class Datagrams: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        typealias OutboundOut = AddressedEnvelope<ByteBuffer>
        private let script: Script

        init(_ script: @escaping Script) { self.script = script }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let envelope = unwrapInboundIn(data)
            guard let query = ScriptedNameServer.query(Array(envelope.data.readableBytesView), isTCP: false),
                let answer = script(query)
            else { return }
            let reply = AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: ByteBuffer(bytes: answer))
            context.writeAndFlush(wrapOutboundOut(reply), promise: nil)
        }
    }

    private final class Streams: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let script: Script
        private var received = ByteBuffer()

        init(_ script: @escaping Script) { self.script = script }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received.writeImmutableBuffer(unwrapInboundIn(data))
            while let length = received.getInteger(at: received.readerIndex, as: UInt16.self),
                received.readableBytes >= Int(length) + 2
            {
                received.moveReaderIndex(forwardBy: 2)
                let bytes = received.readBytes(length: Int(length)) ?? []
                guard let query = ScriptedNameServer.query(bytes, isTCP: true), let answer = script(query) else {
                    continue
                }
                var reply = ByteBuffer()
                reply.writeInteger(UInt16(answer.count))
                reply.writeBytes(answer)
                context.writeAndFlush(wrapOutboundOut(reply), promise: nil)
            }
        }
    }
}
