import NIOCore
import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct ArrivalLogTests {
    @Test func `Of clients that come or go at the same time some are logged, and the next line says how many were not`()
        throws
    {
        let log = LogRecorder()
        let test = try TestDoor(logger: log.logger)
        func come() -> [Connection] {
            (0..<100).map { _ in test.door.connected(TestSocket(), dialect: .sylkRTC1, from: nil) }
        }
        for connection in come() { connection.closed() }
        for message in ["connected", "disconnected"] {
            #expect(log.lines(message) == Array(repeating: "info peer=unknown suppressed=0", count: 20))
        }
        test.pass(.seconds(1))
        for connection in come() { connection.closed() }
        for message in ["connected", "disconnected"] {
            #expect(log.lines(message).dropFirst(20).first == "info peer=unknown suppressed=80")
        }
    }
}
