import Identity
import NIOCore
import Testing

@testable import Frontdoor

/// When pushes are sent, tried again, and given up.
@Suite struct PushQueueStateMachineTests {
    private typealias Machine = PushQueueStateMachine

    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    private let destination: AddressOfRecord

    init() throws { destination = try #require(AddressOfRecord("alice@example.com")) }

    private func push(
        _ token: String = "token", _ event: PushMessage.Event = .incomingSession, told: NIODeadline = start
    ) -> Push {
        Push(
            message: PushMessage(
                event: event, originator: "bob@example.org", destination: destination, told: told, callID: "call"),
            token: token)
    }

    private static let lost = PushOutcome.unreachable(reason: "refused")

    @Test func `B32 A push is sent at once, once, and has 5 s`() {
        var machine = Machine()
        let push = push()
        #expect(machine.asked(push, at: Self.start) == [.send(1, push, by: Self.start + .seconds(5))])
        #expect(machine.answered(1, .delivered, at: Self.start) == [.end(push, .answered(.delivered))])
        #expect(machine.count == 0)
    }

    @Test
    func `B32 While the server is not there an incoming session is told again after 1, 2, 4, 8, 8 s, until it expires`()
    {
        var machine = Machine()
        let push = push()
        var now = Self.start
        var actions = machine.asked(push, at: now)
        var pauses: [TimeAmount] = []
        while case .send(let number, push, _) = actions.first {
            actions = machine.answered(number, Self.lost, at: now)
            guard case .rest(number, push, let pause, "refused") = actions.first else { break }
            #expect(actions.count == 1)
            pauses.append(pause)
            now = now + pause
            actions = machine.timerFired(number, at: now)
        }
        #expect(pauses == ([1, 2, 4] + Array(repeating: 8, count: 6)).map { .seconds($0) })
        #expect(actions == [.end(push, .answered(Self.lost))])
        #expect(now < Self.start + PushMessage.ringing)
        #expect(machine.count == 0)
    }

    @Test func `B32 The server comes back before it expires`() {
        var machine = Machine()
        let push = push()
        _ = machine.asked(push, at: Self.start)
        _ = machine.answered(1, Self.lost, at: Self.start)
        let back = Self.start + .seconds(1)
        #expect(machine.timerFired(1, at: back) == [.send(1, push, by: back + .seconds(5))])
        #expect(machine.answered(1, .delivered, at: back) == [.end(push, .answered(.delivered))])
        #expect(machine.timerFired(1, at: back) == [], "it is over")
    }

    @Test func `B32 The last try ends with the ringing`() {
        var machine = Machine()
        let push = push()
        let now = Self.start + .seconds(58)
        #expect(machine.asked(push, at: now) == [.send(1, push, by: Self.start + .seconds(60))])
    }

    @Test func `B32 A missed session does not expire, and is tried once`() {
        var machine = Machine()
        let push = push("token", .missedSession)
        let late = Self.start + .hours(1)
        #expect(machine.asked(push, at: late) == [.send(1, push, by: late + .seconds(5))])
        #expect(machine.answered(1, Self.lost, at: late) == [.end(push, .answered(Self.lost))])
    }

    @Test(arguments: [
        PushOutcome.delivered, .rejected(code: 404, reason: "x"), .deadToken("t"), .failed(code: 500, reason: "x"),
    ])
    func `B32 What the server has answered is not asked again`(outcome: PushOutcome) {
        var machine = Machine()
        let push = push()
        _ = machine.asked(push, at: Self.start)
        #expect(machine.answered(1, outcome, at: Self.start) == [.end(push, .answered(outcome))])
        #expect(machine.count == 0)
    }

    @Test func `B32 Eight are sent at a time, the others in their order, and not when they have expired`() {
        var machine = Machine()
        let pushes = (0..<12).map { push("\($0)") }
        let missed = push("missed", .missedSession)
        for push in pushes.prefix(8) { #expect(machine.asked(push, at: Self.start).count == 1) }
        for push in pushes.dropFirst(8) { #expect(machine.asked(push, at: Self.start) == []) }
        #expect(machine.asked(missed, at: Self.start) == [])
        let soon = Self.start + .seconds(1)
        #expect(
            machine.answered(3, .delivered, at: soon)
                == [.end(pushes[2], .answered(.delivered)), .send(9, pushes[8], by: soon + .seconds(5))])
        let late = Self.start + .seconds(60)
        #expect(
            machine.answered(5, .delivered, at: late) == [
                .end(pushes[4], .answered(.delivered)), .end(pushes[9], .expired), .end(pushes[10], .expired),
                .end(pushes[11], .expired), .send(13, missed, by: late + .seconds(5)),
            ])
    }

    @Test func `B32 Who rests makes room for others, and goes first when he is rested`() {
        var machine = Machine()
        let pushes = (0..<10).map { push("\($0)") }
        for push in pushes { _ = machine.asked(push, at: Self.start) }
        #expect(
            machine.answered(1, Self.lost, at: Self.start) == [
                .rest(1, pushes[0], .seconds(1), reason: "refused"), .send(9, pushes[8], by: Self.start + .seconds(5)),
            ])
        let soon = Self.start + .seconds(1)
        #expect(machine.timerFired(1, at: soon) == [])
        #expect(
            machine.answered(2, .delivered, at: soon)
                == [.end(pushes[1], .answered(.delivered)), .send(1, pushes[0], by: soon + .seconds(5))])
    }

    @Test func `B32 Beyond 1024 that wait one is dropped, and those that rest count`() {
        var machine = Machine()
        for number in 0..<8 { _ = machine.asked(push("\(number)"), at: Self.start) }
        for number in 1...8 { _ = machine.answered(UInt64(number), Self.lost, at: Self.start) }
        for number in 0..<(8 + 1016) { _ = machine.asked(push("more \(number)"), at: Self.start) }
        #expect(machine.count == 1024 + 8)
        let last = push("last")
        #expect(machine.asked(last, at: Self.start) == [.end(last, .dropped)])
        _ = machine.answered(9, .delivered, at: Self.start)
        #expect(machine.asked(last, at: Self.start) == [])
    }

    @Test func `At the end what waits is dropped, and what is under way ends`() {
        var machine = Machine()
        let pushes = (0..<10).map { push("\($0)") }
        for push in pushes { _ = machine.asked(push, at: Self.start) }
        _ = machine.answered(1, Self.lost, at: Self.start)
        #expect(machine.stopRequested() == [.end(pushes[0], .dropped), .end(pushes[9], .dropped)])
        #expect(machine.timerFired(1, at: Self.start) == [])
        #expect(machine.asked(pushes[0], at: Self.start) == [.end(pushes[0], .dropped)])
        for number in 2...8 {
            #expect(
                machine.answered(UInt64(number), Self.lost, at: Self.start)
                    == [.end(pushes[number - 1], .answered(Self.lost))])
        }
        #expect(machine.answered(9, .delivered, at: Self.start) == [.end(pushes[8], .answered(.delivered)), .stopped])
        var idle = Machine()
        #expect(idle.stopRequested() == [.stopped])
    }

    @Test func `D56 A push says nothing of its token`() {
        #expect("\(push("secret"))" == "incoming_session for alice@example.com")
    }
}
