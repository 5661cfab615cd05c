import NIOCore
import Telemetry
import Testing

@testable import Worker

@Suite struct HeartTests {
    private let loop = TestLoop()

    private final class Heard {
        var notices: [Supervisor.Notice] = []
        var isDeaf = false
    }

    private let heard = Heard()

    private func heart(watchdog: UInt64?) -> Heart {
        Heart(watchdog: watchdog, logger: silentLogger) { [heard] notice throws(Supervisor.Failure) in
            if heard.isDeaf { throw Supervisor.Failure(reason: "nobody there") }
            heard.notices.append(notice)
        }
    }

    @Test func `it beats at once and four times a second`() {
        defer { loop.end() }
        heart(watchdog: 3_000_000).start(on: loop)
        loop.run()
        #expect(heard.notices == [.alive])
        for _ in 1...4 { loop.advance(by: .milliseconds(250)) }
        #expect(heard.notices == Array(repeating: .alive, count: 5))
    }

    @Test func `it beats three times in the time that an impatient supervisor bears`() {
        defer { loop.end() }
        heart(watchdog: 300_000).start(on: loop)
        loop.run()
        for _ in 1...3 { loop.advance(by: .milliseconds(100)) }
        #expect(heard.notices.count == 4)
    }

    @Test func `without a watchdog it does not beat, and still says what happens`() {
        defer { loop.end() }
        let heart = heart(watchdog: nil)
        heart.start(on: loop)
        loop.advance(by: .seconds(10))
        #expect(heard.notices == [])
        heart.ready()
        heart.ready()
        heart.stopping()
        #expect(heard.notices == [.ready, .stopping])
    }

    @Test func `it beats while the worker ends`() {
        defer { loop.end() }
        let heart = heart(watchdog: 3_000_000)
        heart.start(on: loop)
        loop.run()
        heart.ready()
        heart.stopping()
        loop.advance(by: .milliseconds(250))
        #expect(heard.notices == [.alive, .ready, .stopping, .alive])
    }

    @Test func `a supervisor that does not listen for a while is told again`() {
        defer { loop.end() }
        heard.isDeaf = true
        heart(watchdog: 3_000_000).start(on: loop)
        loop.advance(by: .seconds(1))
        #expect(heard.notices == [])
        heard.isDeaf = false
        loop.advance(by: .milliseconds(250))
        #expect(heard.notices == [.alive])
    }
}
