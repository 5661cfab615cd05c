import NIOCore
import NIOEmbedded
import NIOWebSocket
import Sylkrtc
import Testing

@testable import Frontdoor

/// A client's end of a WebSocket that the listener's own pipeline has opened, on a ``TestDoor``'s loop.
final class TestClient {
    enum Frame: Equatable {
        case text(String)
        case ping([UInt8])
        case pong([UInt8])
        case close([UInt8])
        case other(WebSocketOpcode)
    }

    static let ready = Frame.text(#"{"sylkrtc":"event","event":"ready"}"#)

    let channel: EmbeddedChannel
    let handler: ClientSocketHandler
    private let loop: EmbeddedEventLoop
    private let reader = EmbeddedChannel(handler: ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: 1 << 24)))

    /// - Parameter early: what comes right behind the opening request.
    init(_ test: TestDoor, early: ByteBuffer = ByteBuffer()) throws {
        loop = test.loop
        let visitor = try TestVisitor(test)
        channel = visitor.channel
        try visitor.say(TestVisitor.upgrade, early)
        #expect(try visitor.heard().hasPrefix("HTTP/1.1 101 "))
        handler = try channel.pipeline.syncOperations.handler(type: ClientSocketHandler.self)
        if let bytes = visitor.rest { try reader.writeInbound(bytes) }
    }

    /// What came since this was last asked.
    func frames() throws -> [Frame] {
        loop.run()
        while let bytes = try channel.readOutbound(as: ByteBuffer.self) { try reader.writeInbound(bytes) }
        var frames: [Frame] = []
        while let frame = try reader.readInbound(as: WebSocketFrame.self) {
            let data = Array(frame.data.readableBytesView)
            switch frame.opcode {
            case .text: frames.append(.text(String(decoding: data, as: UTF8.self)))
            case .ping: frames.append(.ping(data))
            case .pong: frames.append(.pong(data))
            case .connectionClose: frames.append(.close(data))
            default: frames.append(.other(frame.opcode))
            }
        }
        return frames
    }

    /// What the channel was told last; nil: nothing yet.
    var isRead: Bool? {
        channel.options.last { $0.option is ChannelOptions.Types.AutoReadOption }.flatMap { $0.value as? Bool }
    }

    func say(_ text: String) throws { try send(.text, Array(text.utf8)) }

    func ask(_ ask: Ask, as transaction: String = "t") throws { try say(ask.text(transaction)) }

    func send(
        _ opcode: WebSocketOpcode, _ payload: [UInt8] = [], isLast: Bool = true, isMasked: Bool = true,
        reserved: UInt8 = 0
    ) throws {
        try channel.writeInbound(
            Self.bytes(opcode, payload, isLast: isLast, isMasked: isMasked, reserved: reserved))
    }

    /// RFC 6455 §5.2.
    ///
    /// - Parameter reserved: three bits.
    static func bytes(
        _ opcode: WebSocketOpcode, _ payload: [UInt8], isLast: Bool = true, isMasked: Bool = true, reserved: UInt8 = 0
    ) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.writeInteger((isLast ? 0x80 : 0) | reserved << 4 | UInt8(webSocketOpcode: opcode))
        let mask: UInt8 = isMasked ? 0x80 : 0
        switch payload.count {
        case 0...125: buffer.writeInteger(mask | UInt8(payload.count))
        case 126...0xFFFF: buffer.writeMultipleIntegers(mask | 126, UInt16(payload.count))
        default: buffer.writeMultipleIntegers(mask | 127, UInt64(payload.count))
        }
        guard isMasked else {
            buffer.writeBytes(payload)
            return buffer
        }
        let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        buffer.writeBytes(key)
        buffer.writeBytes(payload.enumerated().map { $1 ^ key[$0 & 3] })
        return buffer
    }

    static func closing(_ code: UInt16, _ reason: String = "") -> Frame { .close(closingBytes(code, reason)) }

    static func closingBytes(_ code: UInt16, _ reason: String = "") -> [UInt8] {
        [UInt8(code >> 8), UInt8(code & 0xFF)] + Array(reason.utf8)
    }

    static func ack(_ transaction: String = "t") -> Frame {
        .text(#"{"sylkrtc":"ack","transaction":"\#(transaction)"}"#)
    }

    static func error(_ text: String, _ transaction: String = "t") -> Frame {
        .text(#"{"sylkrtc":"error","transaction":"\#(transaction)","error":"\#(text)"}"#)
    }
}
