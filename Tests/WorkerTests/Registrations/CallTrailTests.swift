import Identity
import Registry
import Sylkrtc
import Testing

@testable import Worker

/// Which calls nobody has been told of, by what Janus keeps of a handle's last call.
@Suite struct CallTrailTests {
    private let h = handle(7)

    private func trail(_ callers: [JanusHandleID: String] = [:], number: UInt64 = 0) -> CallTrail {
        CallTrail(SeenCalls(number: number, callers: callers))
    }

    /// What of a handle is found unseen, by caller.
    private func found(_ caller: String?, _ trail: inout CallTrail, dealtWith: Set<String> = []) -> [String] {
        trail.found(caller, on: h, dealtWith: dealtWith, before: trail[h])
        return trail.untold.map { "\($0.caller.uri) as \($0.number)" }
    }

    @Test func `E04 a caller whom nobody has seen has called while nobody looked`() {
        var first = trail()
        #expect(found("bob", &first) == ["bob as 1"])
        var next = trail([h: "carol"], number: 4)
        #expect(found("bob", &next) == ["bob as 5"])
    }

    @Test func `E04 who was seen, or has a row, is not told again`() {
        var seen = trail([h: "bob"])
        #expect(found("bob", &seen) == [])
        var recorded = trail([h: "carol"])
        #expect(found("bob", &recorded, dealtWith: ["bob"]) == [])
        #expect(recorded[h] == "bob", "the row will be gone some day")
    }

    @Test func `a handle that names nobody has no call behind it: whoever calls next is new`() {
        var seen = trail([h: "bob"])
        #expect(found(nil, &seen) == [])
        #expect(found("bob", &seen) == ["bob as 1"])
        var ended = trail([h: "bob"])
        ended.ended(on: h)
        #expect(found("bob", &ended) == ["bob as 1"], "Janus has forgotten the call that was ended from here")
    }

    @Test func `what an earlier version left counts as seen`() {
        var unknown = CallTrail(nil)
        #expect(found("bob", &unknown) == [])
        #expect(unknown.seen == SeenCalls(callers: [h: "bob"]))
    }

    @Test func `what is told is seen, and not before`() {
        var trail = trail(number: 4)
        _ = found("bob", &trail)
        #expect(trail.seen == SeenCalls(number: 4), "a successor tells it again, as the same")
        trail.told(5)
        #expect(trail.seen == SeenCalls(number: 5, callers: [h: "bob"]))
        #expect(trail.untold == [])
        trail.told(5)
        #expect(trail.seen.number == 5)
    }

    @Test func `a call that comes before the last is told is the one that was seen last`() {
        var trail = trail()
        _ = found("bob", &trail)
        trail.came(from: "carol", on: h)
        trail.told(1)
        #expect(trail.seen == SeenCalls(number: 1, callers: [h: "carol"]))
    }

    @Test func `a call that came since Janus was asked changes nothing about those before`() {
        var dealtWith = trail([h: "bob"])
        dealtWith.came(from: "carol", on: h)
        dealtWith.found("bob", on: h, dealtWith: [], before: "bob")
        #expect(dealtWith.untold == [] && dealtWith[h] == "carol")
        dealtWith.found("carol", on: h, dealtWith: [], before: "bob")
        #expect(dealtWith.untold == [])
        dealtWith.found(nil, on: h, dealtWith: [], before: "bob")
        #expect(dealtWith[h] == "carol")

        var unseen = trail([h: "bob"])
        unseen.came(from: "carol", on: h)
        unseen.found("dave", on: h, dealtWith: [], before: "bob")
        unseen.told(1)
        #expect(unseen.seen == SeenCalls(number: 1, callers: [h: "carol"]))
    }

    @Test func `each handle has its own calls, and each call its own number`() {
        var trail = trail()
        trail.found("bob", on: h, dealtWith: [], before: nil)
        trail.found("bob", on: handle(8), dealtWith: [], before: nil)
        #expect(trail.untold.map(\.number) == [1, 2])
        trail.told(2)
        #expect(trail.seen == SeenCalls(number: 2, callers: [handle(8): "bob"]))
        trail.told(1)
        #expect(trail.seen == SeenCalls(number: 2, callers: [h: "bob", handle(8): "bob"]))
        trail.keep([handle(8)])
        #expect(trail.seen.callers == [handle(8): "bob"])
    }

    @Test func `a recorded number of any size does no harm`() {
        var trail = trail(number: .max)
        #expect(found("bob", &trail) == ["bob as 0"])
    }

    @Test func `E04 calls that somebody looked after are told by their own numbers, the latest of them`() {
        var trail = trail(number: 4)
        let bob = Caller(uri: "bob", displayName: "Bob")
        trail.missed(bob, 1 << 62)
        trail.missed(bob, 1 << 62)
        #expect(trail.untold.map(\.number) == [1 << 62])
        #expect(found("carol", &trail).last == "carol as 5")
        trail.told(1 << 62)
        trail.told(5)
        #expect(trail.seen == SeenCalls(number: 5, callers: [h: "carol"]), "only those that nobody saw are counted")
        for number in 0..<(20 as UInt64) { trail.missed(bob, (1 << 62) + number) }
        #expect(trail.untold.map(\.number) == (4..<20).map { (1 << 62) + $0 })
    }
}
