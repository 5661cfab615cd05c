import Glibc
import NIOCore

/// A ROUTER on its loop.
final class ZeroMQRouterSocket: RouterSocket {
    private let pump: ZeroMQPump
    private let receive: (RoutingID, ByteBuffer) -> Void
    private var names = SenderNames()

    init(_ pump: ZeroMQPump, receive: @escaping (RoutingID, ByteBuffer) -> Void) {
        self.pump = pump
        self.receive = receive
    }

    func send(_ message: ByteBuffer, to id: RoutingID) -> SendOutcome {
        precondition(message.readableBytes > 0, "empty messages are probes")
        guard message.readableBytes <= BusLimits.maximumMessage else { return .tooLong }
        pump.sent()
        // Only the first part can be refused: ZeroMQ accepts messages as a whole.
        var code = id.bytes.withUnsafeBytes { pump.socket.send($0, hasMore: true) }
        if code == 0 { code = message.withUnsafeReadableBytes { pump.socket.send($0, hasMore: false) } }
        return switch code {
        case 0: .sent
        case EAGAIN: .full
        default: .unreachable
        }
    }

    func flush() { pump.flush() }

    func close() { pump.close() }

    func takeOne() -> Int? {
        let socket = pump.socket
        guard let hasBody = socket.receivePart() else { return nil }
        guard hasBody else { return 0 }
        let sender = socket.withPart { names.read($0) }
        guard let isLonger = socket.receivePart() else { return 0 }
        guard let sender, !isLonger else {
            if isLonger { socket.skipParts() }
            return 0
        }
        let message = socket.copyPart()
        receive(sender, message)
        return message.readableBytes
    }
}
