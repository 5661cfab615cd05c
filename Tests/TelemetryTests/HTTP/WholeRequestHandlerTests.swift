import NIOConcurrencyHelpers
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import Telemetry

struct WholeRequestHandlerTests {
    /// Keeps what it is asked, and answers with what it read.
    private final class Echo: WholeRequestAnswering {
        let asked = NIOLockedValueBox<[String]>([])
        let isSilent: Bool

        init(isSilent: Bool = false) { self.isSilent = isSilent }

        func answer(_ request: WholeRequest, on loop: any EventLoop) -> EventLoopFuture<WholeReply> {
            asked.withLockedValue { $0.append("\(request.method) \(request.path)") }
            let promise = loop.makePromise(of: WholeReply.self)
            let body = String(decoding: request.body, as: UTF8.self)
            if !isSilent { promise.succeed(WholeReply(status: .ok, body: body)) }
            loop.scheduleTask(in: .hours(1)) { promise.succeed(WholeReply(status: .ok, body: "late")) }
            return promise.futureResult
        }

        func refuseBody(of request: WholeRequest) -> WholeReply {
            WholeReply(status: .payloadTooLarge, body: "too much", allow: nil)
        }
    }

    private let echo = Echo()

    private static let head = "POST /a/b?c HTTP/1.1\r\nHost: h\r\n"

    @Test(arguments: [
        "Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    ])
    func `A request is answered when it is whole, in however many pieces it came`(rest: String) throws {
        let asker = try Asker(echo)
        let bytes = Array((Self.head + rest).utf8)
        for byte in bytes.dropLast() {
            try asker.channel.writeInbound(ByteBuffer(bytes: [byte]))
            #expect(try asker.answer() == "")
        }
        try asker.send(String(decoding: [bytes[bytes.count - 1]], as: UTF8.self))
        let answer = try asker.answer()
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("\r\n\r\nhello"))
        #expect(answer.contains("Connection: close\r\n"))
        #expect(!asker.channel.isActive)
        #expect(echo.asked.withLockedValue { $0 } == ["POST /a/b"])
    }

    @Test func `Whoever waits to be asked for the body is asked`() throws {
        let asker = try Asker(echo)
        try asker.send(Self.head + "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        #expect(try asker.answer() == "HTTP/1.1 100 Continue\r\n\r\n")
        try asker.send("ok")
        #expect(try asker.answer().hasSuffix("\r\n\r\nok"))
    }

    @Test(arguments: ["Content-Length: 8193\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n2001\r\n"])
    func `A body that is too long is refused before it has come, and read to its end`(rest: String) throws {
        let asker = try Asker(echo)
        try asker.send(Self.head + rest)
        let body = String(repeating: "x", count: 8193)
        try asker.send(body)
        let answer = try asker.answer()
        #expect(answer.hasPrefix("HTTP/1.1 413 ") && answer.hasSuffix("too much"))
        try asker.send(rest.hasPrefix("T") ? "\r\n0\r\n\r\n" : "")
        #expect(try asker.answer() == "")
        #expect(!asker.channel.isActive)
        #expect(echo.asked.withLockedValue { $0 } == [])
    }

    @Test func `Nobody sends a body without end`() throws {
        let asker = try Asker(echo)
        try asker.send(Self.head + "Content-Length: 1000000000\r\n\r\n")
        for _ in 0..<200 where asker.channel.isActive { try asker.send(String(repeating: "x", count: 8192)) }
        #expect(!asker.channel.isActive)
    }

    @Test func `What is too long or no HTTP is not answered by us, and closed`() throws {
        let long = try Asker(echo)
        try long.send("GET / HTTP/1.1\r\nX: \(String(repeating: "x", count: 25_000))\r\n\r\n")
        #expect(try long.answer() == "" && !long.channel.isActive)
        let garbage = try Asker(echo)
        try garbage.send("\u{16}\u{3}\u{1}\r\n\r\n")
        #expect(!(try garbage.answer().contains("200 OK")) && !garbage.channel.isActive)
        #expect(echo.asked.withLockedValue { $0 } == [])
    }

    @Test(arguments: ["", head, head + "Content-Length: 5\r\n\r\nhel"])
    func `Who does not say what he wants in time is let go`(beginning: String) throws {
        let asker = try Asker(echo)
        try asker.send(beginning)
        asker.channel.embeddedEventLoop.advanceTime(by: WholeRequestHandler.requestTime - .nanoseconds(1))
        #expect(asker.channel.isActive)
        asker.channel.embeddedEventLoop.advanceTime(by: .nanoseconds(1))
        #expect(!asker.channel.isActive)
    }

    @Test func `An answer has a time of its own, and is nobody's when it comes late`() throws {
        let asker = try Asker(Echo(isSilent: true))
        asker.channel.embeddedEventLoop.advanceTime(by: .seconds(4))
        try asker.send(Self.head + "Content-Length: 0\r\n\r\n")
        asker.channel.embeddedEventLoop.advanceTime(by: WholeRequestHandler.answerTime - .nanoseconds(1))
        #expect(asker.channel.isActive)
        asker.channel.embeddedEventLoop.advanceTime(by: .nanoseconds(1))
        #expect(!asker.channel.isActive)
        asker.channel.embeddedEventLoop.advanceTime(by: .hours(2))
        #expect(try asker.answer() == "")
    }
}
