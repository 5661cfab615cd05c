import CUnixSocket
import Glibc

/// What two front doors tell each other when one takes the other's place: a byte, and descriptors with the one that gives.
enum DescriptorMessage: Equatable {
    /// From the old one: its listening sockets.
    case sockets([ListeningSocket])
    /// From the old one: it does not listen any more itself.
    case nothing
    /// From the new one: it accepts clients.
    case accepting

    /// Over a Unix socket (unix(7), SCM_RIGHTS). The descriptors stay ours, too.
    func send(over socket: Int32) throws(ListeningProblem) {
        let descriptors: [Int32]
        if case .sockets(let sockets) = self { descriptors = sockets.map(\.descriptor) } else { descriptors = [] }
        let code = continuo_send_descriptors(socket, CChar(bitPattern: byte), descriptors, Int32(descriptors.count))
        guard code == 0 else { throw ListeningProblem("hand-over", code: code) }
    }

    /// - Returns: nil: the other end has closed.
    static func receive(from socket: Int32) throws(ListeningProblem) -> DescriptorMessage? {
        var byte: CChar = 0
        var count: Int32 = 0
        var descriptors = [Int32](repeating: -1, count: Int(CONTINUO_MAXIMUM_DESCRIPTORS))
        let code = continuo_receive_descriptors(socket, &byte, &descriptors, &count)
        guard code != ECONNRESET else { return nil }
        guard code == 0 else { throw ListeningProblem("hand-over", code: code) }
        let received = descriptors.prefix(Int(count))
        do throws(ListeningProblem) {
            return try message(UInt8(bitPattern: byte), Array(received))
        } catch {
            for descriptor in received { close(descriptor) }
            throw error
        }
    }

    private var byte: UInt8 {
        switch self {
        case .sockets: UInt8(ascii: "S")
        case .nothing: UInt8(ascii: "N")
        case .accepting: UInt8(ascii: "A")
        }
    }

    private static func message(_ byte: UInt8, _ descriptors: [Int32]) throws(ListeningProblem) -> DescriptorMessage {
        switch (byte, descriptors.isEmpty) {
        case (UInt8(ascii: "S"), false):
            var sockets: [ListeningSocket] = []
            for descriptor in descriptors { sockets.append(try .given(descriptor)) }
            return .sockets(sockets)
        case (UInt8(ascii: "N"), true): return .nothing
        case (UInt8(ascii: "A"), true): return .accepting
        default: throw ListeningProblem("hand-over: the other front door is not understood")
        }
    }
}
