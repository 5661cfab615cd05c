import Sylkrtc
import Testing

@testable import Frontdoor

@Suite struct ThrottleTests {
    @Test func `B36 With 64 unanswered requests the client is not read until one is answered`() {
        var connection = Transcript()
        _ = connection.join()
        for _ in 1..<64 { #expect(!connection.ask(.trickle()).contains(.pauseReading)) }
        let last = connection.ask(.trickle())
        #expect(last.last == .pauseReading)
        #expect(connection.machine.unansweredCount == 64)
        #expect(connection.ask(.trickle()).contains(.pauseReading) == false, "what was read already is not lost")
        #expect(connection.answered(3) == [.ack("t")], "still 64")
        #expect(connection.answered(4) == [.ack("t"), .resumeReading])
        #expect(connection.ask(.trickle()).last == .pauseReading)
    }

    @Test func `B36 With a mebibyte of unanswered requests the client is not read until some are answered`() {
        var connection = Transcript(limits: Limits())
        _ = connection.join()
        let filler = String(repeating: "x", count: 200_000)
        let long = Ask.control("pub-a", "update", "\"video\":true,\"x\":\"\(filler)\"")
        for _ in 1...5 { #expect(!connection.ask(long).contains(.pauseReading)) }
        #expect(connection.ask(long).last == .pauseReading)
        #expect(connection.machine.unansweredCount == 6)
        #expect(connection.ask(.trickle()).contains(.pauseReading) == false, "what was read already is not lost")
        #expect(connection.answered(3).last == .resumeReading)
        #expect(connection.machine.unansweredBytes > 1_000_000)
        for number in UInt64(4)...9 { _ = connection.answered(number) }
        #expect(connection.machine.unansweredBytes == 0)
        _ = connection.ask(long)
        _ = connection.closed()
        #expect(connection.machine.unansweredBytes == 0)
    }

    @Test func `Requests that wait for the registry count with their bytes, too`() {
        var connection = Transcript(accounts: [], trustsClaims: true)
        _ = connection.ask(.addAccount())
        #expect(connection.machine.unansweredBytes > 0)
        _ = connection.claimed()
        #expect(connection.machine.unansweredBytes == 0)
    }

    @Test func `Requests that are answered at once do not count`() {
        var connection = Transcript()
        for _ in 0..<100 { #expect(!connection.ask(.trickle()).contains(.pauseReading)) }
        #expect(connection.machine.unansweredCount == 0)
    }

    @Test func `Whatever answers a request makes room`() {
        func full() -> Transcript {
            var connection = Transcript()
            _ = connection.join()
            for _ in 0..<63 { _ = connection.ask(.trickle()) }
            #expect(connection.ask(.join("pub-b")).last == .pauseReading)
            return connection
        }
        var connection = full()
        #expect(connection.notLocated(connection.last, "no worker is available").last == .resumeReading)
        connection = full()
        #expect(connection.deadlinePassed().last == .resumeReading)
        connection = full()
        #expect(connection.slotAbandoned().last == .resumeReading)
        connection = full()
        #expect(connection.undeliverable(3).last == .resumeReading)
        connection = full()
        #expect(connection.located(nil, at: 2).contains(.resumeReading) == false)
        #expect(connection.answered(nil, .error("internal error"), by: 2).last == .resumeReading)
    }
}
