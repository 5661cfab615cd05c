import Identity
import SIPLookup
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

@Suite struct RegistrationStateMachineTests {
    typealias Machine = RegistrationStateMachine
    typealias Action = RegistrationStateMachine.Action

    private let h = handle(7)
    private let fresh = handle(8)
    private let one = target(1)
    private let two = target(2)

    // MARK: Registering

    @Test func `R03 E02 a registration from the request to the registrar's word`() {
        var machine = Machine()
        #expect(machine.registerRequested() == [.stopRetryTimer, .find])
        #expect(machine.found([one, two]) == [.record])
        #expect(machine.recorded() == [.attach])
        #expect(machine.attached(h) == [.register(h, one, isRefresh: false)])
        #expect(machine.registerAccepted() == [.answer(.ack)])
        #expect(machine.registering() == [.tell(.registering)])
        #expect(machine.registered(master: 99) == [.tell(.registered), .recordMaster(99)])
        #expect(machine.registered(master: 99) == [], "Janus refreshes by itself")
    }

    @Test func `R03 events that overtake the acceptance change no order`() {
        var machine = at(.asking)
        #expect(machine.registering() == [.answer(.ack), .tell(.registering)])
        #expect(machine.registerAccepted() == [])
        machine = at(.asking)
        #expect(machine.registered(master: nil) == [.answer(.ack), .tell(.registered)])
    }

    @Test func `R03 E02 a registrar that refuses is told, and asked no more`() {
        var machine = at(.registering)
        #expect(machine.registrationFailed(code: 403, reason: "Forbidden") == [.tell(.failed(reason: "403 Forbidden"))])
        #expect(machine.registrationFailed(code: 403, reason: "Forbidden") == [], "told once")
        #expect(machine.retryDue() == [.stopRetryTimer, .find], "whoever asks")
    }

    @Test func `R03 B29 nothing is begun when the proxy cannot be found`() {
        var machine = Machine()
        _ = machine.registerRequested()
        #expect(
            machine.notFound("DNS lookup error: x") == [
                .stopRetryTimer, .answer(.error("DNS lookup error: x")), .finish,
            ])
    }

    @Test func `R03 B29 a lookup that fails leaves a registration untouched`() {
        var machine = at(.registered)
        #expect(machine.registerRequested() == [.stopRetryTimer, .find])
        #expect(machine.notFound("DNS lookup error: x") == [.answer(.error("DNS lookup error: x"))])
        #expect(machine.standing == .registered)
        #expect(!machine.isEnding)
    }

    @Test func `D24 a register that Janus does not take is undone`() {
        var machine = at(.asking)
        #expect(machine.registerRefused("no") == [.stopRetryTimer, .leave(h)])
        #expect(machine.left() == [.detach(h)])
        #expect(machine.detached() == [.markEnded])
        #expect(machine.marked() == [.answer(.error("no")), .finish])
    }

    @Test func `D24 a handle that cannot be had, and a row that cannot be written`() {
        var machine = at(.opening)
        #expect(machine.attachFailed("no handle") == [.markEnded])
        #expect(machine.marked() == [.answer(.error("no handle")), .finish])
        machine = Machine()
        _ = machine.registerRequested()
        _ = machine.found([one])
        #expect(machine.recordingFailed("no registry") == [.answer(.error("no registry")), .finish])
    }

    @Test func `B13 D16 a refusal that comes as an event fails the registration`() {
        var machine = at(.registering)
        #expect(
            machine.refused(.plugin(code: 444, reason: "Invalid element")) == [
                .tell(.failed(reason: "500 Invalid element"))
            ])
        machine = at(.asking)
        #expect(
            machine.refused(.plugin(code: 444, reason: "Invalid element"))
                == [.answer(.ack), .tell(.failed(reason: "500 Invalid element"))])
    }

    @Test func `a refusal because it is registered already is no refusal`() {
        var machine = at(.asking)
        #expect(
            machine.refused(.plugin(code: 445, reason: "Already registered")) == [.answer(.ack), .tell(.registered)])
    }

    // MARK: Registering again

    @Test func `R03 D26 registering again refreshes, and tells the states anew`() {
        var machine = at(.registered)
        #expect(machine.registerRequested() == [.stopRetryTimer, .find])
        #expect(
            machine.found([two, one]) == [.register(h, one, isRefresh: true)], "the server in use is still one of them")
        #expect(machine.registerAccepted() == [.answer(.ack)])
        #expect(machine.registering() == [.tell(.registering)])
        #expect(machine.registered(master: 99) == [.tell(.registered)])
    }

    @Test func `R03 registering again after a failure is a plain register on the same handle`() {
        var machine = at(.failed)
        _ = machine.registerRequested()
        #expect(machine.found([two]) == [.register(h, two, isRefresh: false)])
        #expect(machine.registerAccepted() == [.answer(.ack)])
    }

    @Test func `R03 another proxy gets a fresh handle, and the old one waits for its calls`() {
        var machine = at(.registered)
        _ = machine.registerRequested()
        #expect(machine.found([two]) == [.attachReplacement(two)])
        #expect(
            machine.replacementAttached(fresh, for: two) == [.retire(h), .register(fresh, two, isRefresh: false)])
        #expect(machine.registerAccepted() == [.answer(.ack)])
        #expect(machine.registering() == [.tell(.registering)])
        #expect(machine.registered(master: 100) == [.tell(.registered), .recordMaster(100)])
        #expect(machine.life.usable == fresh)
    }

    @Test func `R03 without a fresh handle the old registration stays`() {
        var machine = at(.registered)
        _ = machine.registerRequested()
        _ = machine.found([two])
        #expect(machine.replacementFailed("no handle") == [.answer(.error("no handle"))])
        #expect(machine.standing == .registered)
    }

    @Test func `another transport needs a fresh handle, even after a failure`() {
        var machine = at(.failed)
        _ = machine.registerRequested()
        #expect(machine.found([target(1, .tcp)]) == [.attachReplacement(target(1, .tcp))])
    }

    @Test func `D16 a failure before the next server is asked is told as one of the gateway's`() {
        var machine = at(.registering)
        _ = machine.registerRequested()
        _ = machine.found([one, two])
        _ = machine.registerAccepted()
        #expect(
            machine.registrationFailed(code: 503, reason: "No transport") == [.avoid(one), .attachReplacement(two)])
        #expect(machine.replacementFailed("no handle") == [.tell(.failed(reason: "500 no handle"))])
    }

    @Test func `a failure that crosses the request to register again is told before`() {
        var machine = at(.registered)
        _ = machine.registerRequested()
        #expect(
            machine.registrationFailed(code: 408, reason: "Request Timeout") == [
                .tell(.failed(reason: "408 Request Timeout"))
            ])
        #expect(machine.found([one]) == [.register(h, one, isRefresh: false)])
        #expect(machine.registerAccepted() == [.answer(.ack)])
        #expect(machine.registered(master: nil) == [.tell(.registered)])
    }

    // MARK: Other servers, other tries

    @Test(arguments: [(503, "Service Unavailable"), (408, "Request Timeout")])
    func `B29 the next server is tried before a failure is told`(_ code: Int, _ reason: String) {
        var machine = at(.registering, servers: [one, two])
        #expect(
            machine.registrationFailed(code: code, reason: reason) == [
                .avoid(one), .register(h, two, isRefresh: false),
            ])
        #expect(machine.registerAccepted() == [])
        #expect(machine.registering() == [])
        #expect(
            machine.registrationFailed(code: code, reason: reason)
                == [.avoid(two), .tell(.failed(reason: "\(code) \(reason)"))])
    }

    @Test func `B29 a transport that does not open is left with its handle`() {
        let tcp = target(1, .tcp)
        var machine = at(.registering, servers: [tcp, two])
        #expect(
            machine.registrationFailed(code: 503, reason: "No transport") == [.avoid(tcp), .attachReplacement(two)])
        #expect(
            machine.replacementAttached(fresh, for: two) == [.retire(h), .register(fresh, two, isRefresh: false)])
    }

    @Test func `E02 what was registered once is tried again, and told when something has changed`() {
        var machine = at(.registered)
        #expect(
            machine.registrationFailed(code: 500, reason: "Oops")
                == [.tell(.failed(reason: "500 Oops")), .startRetryTimer(failures: 1)])
        #expect(machine.retryDue() == [.stopRetryTimer, .find])
        #expect(machine.notFound("DNS lookup error: x") == [.startRetryTimer(failures: 2)])
        _ = machine.retryDue()
        #expect(machine.found([one]) == [.register(h, one, isRefresh: false)])
        #expect(machine.registerAccepted() == [])
        #expect(machine.registering() == [], "a try of our own")
        #expect(machine.registrationFailed(code: 500, reason: "Oops") == [.startRetryTimer(failures: 3)])
        _ = machine.retryDue()
        _ = machine.found([one])
        #expect(machine.registered(master: 99) == [.tell(.registered)])
        #expect(
            machine.registrationFailed(code: 500, reason: "Oops")
                == [.tell(.failed(reason: "500 Oops")), .startRetryTimer(failures: 1)], "and counts anew")
    }

    // MARK: Ending

    @Test func `R04 B19 unregistering waits for the calls, and tells nothing`() {
        var machine = at(.registered)
        #expect(machine.unregisterRequested() == [.stopRetryTimer, .leave(h)])
        #expect(machine.registered(master: 99) == [], "nothing is told any more (D26)")
        #expect(machine.registrationFailed(code: 408, reason: "Request Timeout") == [])
        #expect(machine.registerRequested() == [])
        #expect(machine.left() == [.detach(h)])
        #expect(machine.detached() == [.markEnded])
        #expect(machine.marked() == [.finish])
    }

    @Test func `R04 a registration that ends while it is being looked up`() {
        var machine = Machine()
        _ = machine.registerRequested()
        #expect(machine.released() == [.stopRetryTimer, .answer(.error("account unregistered")), .finish])
        #expect(machine.found([one]) == [])
    }

    @Test func `a handle that is attached after the end is detached`() {
        var machine = at(.opening)
        #expect(machine.released() == [.stopRetryTimer])
        #expect(machine.attached(h) == [.detach(h)])
        machine = at(.registered)
        _ = machine.registerRequested()
        _ = machine.found([two])
        #expect(machine.released() == [.stopRetryTimer, .leave(h)])
        #expect(machine.replacementAttached(fresh, for: two) == [.retire(fresh)])
    }

    @Test func `B14 D19 a handle that Janus takes away loses the registration`() {
        var machine = at(.registered)
        #expect(machine.handleVanished("handle detached") == [.stopRetryTimer, .tellLost, .markEnded])
        #expect(machine.marked() == [.finish])
    }

    @Test func `a drained slot's registrations are lost at once, whatever calls still last`() {
        var machine = at(.registered)
        #expect(machine.lost("drained") == [.stopRetryTimer, .tellLost, .leave(h)])
        #expect(machine.lost("drained") == [])
    }

    // MARK: Support

    private enum Point: CaseIterable { case opening, asking, registering, registered, failed }

    /// A machine that has come as far, over a UDP server.
    private func at(_ point: Point, servers: [ProxyTarget]? = nil) -> Machine {
        var machine = Machine()
        _ = machine.registerRequested()
        _ = machine.found(servers ?? [one])
        _ = machine.recorded()
        guard point != .opening else { return machine }
        _ = machine.attached(h)
        guard point != .asking else { return machine }
        _ = machine.registerAccepted()
        _ = machine.registering()
        switch point {
        case .opening, .asking, .registering: break
        case .registered: _ = machine.registered(master: 99)
        case .failed: _ = machine.registrationFailed(code: 403, reason: "Forbidden")
        }
        return machine
    }
}

/// A server by its last number.
func target(_ number: UInt8, _ transport: SIPTransport = .udp) -> ProxyTarget {
    ProxyTarget(transport, sample(IPAddress("192.0.2.\(number)")), 5060)
}
