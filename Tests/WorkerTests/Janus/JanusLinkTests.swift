import NIOCore
import Testing

@testable import Worker

@Suite struct JanusLinkTests {
    private let loop = TestLoop()
    private let janus: FakeJanus
    private let link: JanusLink
    private let heard = Heard()

    private final class Heard {
        var lines: [String] = []
    }

    init() {
        janus = FakeJanus(loop: loop)
        link = JanusLink(
            JanusLink.Settings(
                address: sample(JanusAddress("ws://fake:1")), subprotocol: "janus-protocol", secretName: "apisecret",
                secret: nil),
            connector: janus, loop: loop, transactionPrefix: "life", logger: silentLogger)
        link.up = { [heard] _ in heard.lines.append("up") }
        link.down = { [heard] reason in heard.lines.append("down: \(reason)") }
    }

    private func run(_ test: () throws -> Void) rethrows {
        defer {
            link.stop()
            loop.end()
        }
        try test()
    }

    @Test func `it connects`() {
        run {
            link.start()
            #expect(link.gateway == nil)
            loop.run()
            #expect(heard.lines == ["up"])
            #expect(link.gateway?.isOpen == true)
        }
    }

    @Test func `B33 that the link is down is information, once`() {
        let book = LogBook()
        let link = JanusLink(
            JanusLink.Settings(
                address: sample(JanusAddress("ws://fake:1")), subprotocol: "janus-protocol", secretName: "apisecret",
                secret: nil),
            connector: janus, loop: loop, transactionPrefix: "life", logger: book.logger)
        defer {
            link.stop()
            loop.end()
        }
        link.start()
        loop.run()
        janus.isReachable = false
        janus.breakLinks()
        loop.advance(by: .seconds(3))
        #expect(book.lines("Janus is not connected") == ["info"])
    }

    @Test func `a broken link is told after everything on it has failed, and is made anew within a second (D20)`() {
        run {
            link.start()
            loop.run()
            janus.interfere = { _ in .drop }
            link.gateway?.request("info") { [heard] in heard.lines.append(words($0)) }
            let old = link.gateway
            janus.breakLinks()
            #expect(
                heard.lines == ["up", "failed: the media server is not connected", "down: the link broke"])
            #expect(link.gateway == nil)
            loop.advance(by: .seconds(1))
            #expect(heard.lines.last == "up")
            #expect(link.gateway !== old)
            #expect(old?.isOpen == false)
        }
    }

    @Test func `each connection has transactions of its own`() throws {
        try run {
            link.start()
            loop.run()
            let first = try #require(link.gateway).request("info") { _ in }
            janus.breakLinks()
            loop.advance(by: .seconds(1))
            let second = try #require(link.gateway).request("info") { _ in }
            #expect(first.hasPrefix("life-"))
            #expect(second.hasPrefix("life-"))
            #expect(first != second)
        }
    }

    @Test func `an unreachable Janus is tried without end, and that is no loss`() {
        run {
            janus.isReachable = false
            link.start()
            for _ in 0..<100 { loop.advance(by: .seconds(1)) }
            #expect(heard.lines == [])
            janus.isReachable = true
            loop.advance(by: .seconds(1))
            #expect(heard.lines == ["up"])
        }
    }

    @Test func `deadlines are kept without anybody's help`() {
        run {
            link.start()
            loop.run()
            janus.interfere = { _ in .drop }
            link.gateway?.request("info") { [heard] in heard.lines.append(words($0)) }
            loop.advance(by: .milliseconds(9900))
            #expect(heard.lines == ["up"])
            loop.advance(by: .milliseconds(500))
            #expect(heard.lines == ["up", "failed: request timed out"])
        }
    }

    @Test func `a link that is given up is told as lost, once, and made anew`() {
        run {
            link.start()
            loop.run()
            janus.interfere = { _ in .drop }
            link.gateway?.request("info") { [heard] in heard.lines.append(words($0)) }
            link.abandon("it hangs")
            janus.breakLinks()
            #expect(heard.lines == ["up", "failed: the media server is not connected", "down: it hangs"])
            loop.advance(by: .seconds(1))
            #expect(heard.lines.count == 4)
            #expect(heard.lines.last == "up")
        }
    }

    @Test func `a stopped link stays down and tells nothing`() {
        run {
            link.start()
            loop.run()
            link.stop()
            janus.breakLinks()
            loop.advance(by: .seconds(10))
            #expect(heard.lines == ["up"])
            #expect(link.gateway == nil)
        }
    }

    @Test func `a connection that opens after the stop is closed`() {
        run {
            link.start()
            link.stop()
            loop.run()
            #expect(heard.lines == [])
            #expect(link.gateway == nil)
        }
    }
}
