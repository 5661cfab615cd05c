import Glibc
import NIOCore

/// A DEALER on its loop.
final class ZeroMQDealerSocket: DealerSocket {
    let pump: ZeroMQPump
    private let receive: (ByteBuffer) -> Void

    init(_ pump: ZeroMQPump, receive: @escaping (ByteBuffer) -> Void) {
        self.pump = pump
        self.receive = receive
    }

    func send(_ message: ByteBuffer) -> SendOutcome {
        precondition(message.readableBytes > 0, "empty messages are probes")
        guard message.readableBytes <= BusLimits.maximumMessage else { return .tooLong }
        pump.sent()
        return switch message.withUnsafeReadableBytes({ pump.socket.send($0, hasMore: false) }) {
        case 0: .sent
        case EAGAIN: .full
        default: .unreachable
        }
    }

    func flush() { pump.flush() }

    func close() { pump.close() }

    func takeOne() -> Int? {
        let socket = pump.socket
        guard let isLonger = socket.receivePart() else { return nil }
        guard !isLonger else {
            socket.skipParts()
            return 0
        }
        let message = socket.copyPart()
        receive(message)
        return message.readableBytes
    }
}
