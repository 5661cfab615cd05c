import Identity
import NIOCore
import SIPLookup
import Testing

@testable import Worker

@Suite struct HandlePoolTests {
    private final class Taken {
        var lines: [String] = []
        var handles: [JanusHandleID] = []
    }

    private func take(_ pool: HandlePool, _ name: String, _ taken: Taken, _ transport: SIPTransport = .udp) {
        pool.take(transport) { result in
            switch result {
            case .success(let handle):
                taken.lines.append(name)
                taken.handles.append(handle)
            case .failure(let error): taken.lines.append("\(name): \(error.reason)")
            }
        }
    }

    @Test func `the pool fills itself, one handle at a time, up to its size`() throws {
        try CallWorld.run(size: 3) { world in
            #expect(world.pool.count == 3)
            #expect(world.janus.phones.values.allSatisfy { $0.isWarm && $0.registration == .disabled })
            #expect(world.janus.handles.values.contains { $0.opaque == "c1:main:host1/1:pooled-3" })
            world.advance(by: .seconds(10))
            #expect(world.pool.count == 3)
        }
    }

    @Test func `a handle that waits is had at once, and replaced when calls are quiet`() throws {
        try CallWorld.run(size: 2) { world in
            let taken = Taken()
            take(world.pool, "a", taken)
            #expect(taken.lines == ["a"] && world.pool.count == 1)
            #expect(!world.pool.holds(taken.handles[0]))
            world.settle()
            #expect(world.janus.requests() == [], "nothing of ours comes before the call's own messages")
            world.advance(by: HandlePool.quiet)
            world.settle()
            #expect(world.pool.count == 2)
            #expect(world.janus.requests() == ["attach", "message register"])
        }
    }

    @Test func `whoever finds none waits for the next, first come, first served`() throws {
        try CallWorld.run(size: 1) { world in
            let taken = Taken()
            for name in ["a", "b", "c"] { take(world.pool, name, taken) }
            #expect(taken.lines == ["a"])
            world.settle()
            #expect(taken.lines == ["a", "b", "c"])
            #expect(Set(taken.handles).count == 3)
        }
    }

    @Test func `a handle speaks the transport that was asked for`() throws {
        try CallWorld.run(size: 1) { world in
            var bodies: [String] = []
            world.janus.served = { if $0.type == "message" { bodies.append($0.text) } }
            let taken = Taken()
            take(world.pool, "tcp", taken, .tcp)
            world.settle()
            #expect(taken.lines == ["tcp"])
            #expect(bodies.first?.contains(#""force_tcp":true"#) == true)
            #expect(world.pool.count == 1, "none of the others was taken")
        }
    }

    @Test func `what cannot be made fails those that wait, and is tried again`() throws {
        try CallWorld.run(size: 1) { world in
            let taken = Taken()
            take(world.pool, "a", taken)
            world.janus.interfere = { $0.name == "message register" ? .refuse(460, "no plugin") : .proceed }
            take(world.pool, "b", taken)
            world.settle()
            #expect(taken.lines == ["a", "b: no plugin"])
            #expect(world.janus.requests() == ["attach", "message register", "detach"], "nothing stays")
            world.janus.interfere = { _ in .proceed }
            world.advance(by: HandlePool.retryDelay)
            world.settle()
            #expect(world.pool.count == 1)
        }
    }

    @Test func `a handle that is never ready is given up`() throws {
        try CallWorld.run(size: 1) { world in
            let taken = Taken()
            take(world.pool, "a", taken)
            world.janus.interfere = { request in
                request.name == "message register"
                    ? .say(#"{"janus":"ack","transaction":"\#(request.transaction)"}"#) : .proceed
            }
            take(world.pool, "b", taken)
            world.settle()
            world.advance(by: HandlePool.makingTime)
            #expect(taken.lines == ["a", "b: request timed out"])
            #expect(world.janus.requests().last == "detach")
        }
    }

    @Test func `a handle that a stranger rings at is replaced`() throws {
        try CallWorld.run(size: 1) { world in
            let handle = try #require(world.janus.phones.keys.first)
            world.janus.callerRings(handle, callID: "c")
            world.settle()
            #expect(world.pool.count == 0 && world.janus.handles[handle] == nil)
            world.advance(by: HandlePool.quiet)
            world.settle()
            #expect(world.pool.count == 1)
        }
    }

    @Test func `a handle that Janus removes is replaced`() throws {
        try CallWorld.run(size: 1) { world in
            world.janus.removeHandle(try #require(world.janus.phones.keys.first))
            world.settle()
            world.advance(by: HandlePool.quiet)
            world.settle()
            #expect(world.pool.count == 1)
        }
    }

    @Test func `so many can wait, and a closed pool gives nothing`() throws {
        try CallWorld.run(size: 0) { world in
            let taken = Taken()
            for _ in 0...HandlePool.maximumWaiting { take(world.pool, "x", taken) }
            #expect(taken.lines == ["x: too many calls"])
            world.pool.close()
            take(world.pool, "y", taken)
            #expect(taken.lines.last == "y: too many calls")
        }
    }

    private final class Turns {
        var all: [RegisterPace.Turn] = []
    }

    @Test func `a call that finds only what fills the stock takes its place, before all registrations`() throws {
        try CallWorld.run(size: 0) { world in
            let pace = RegisterPace(loop: world.slotWorld.loop, metrics: PhoneMetrics())
            let pool = HandlePool(world.possession, size: 1, pace: pace)
            let (taken, turns) = (Taken(), Turns())
            for _ in 0..<3 {
                pace.enter(.registration, patience: .seconds(100)) { result in
                    if case .success(let turn) = result { turns.all.append(turn) }
                }
            }
            pool.open()
            world.settle()
            #expect(pace.waiting(.pool) == 1)
            take(pool, "call", taken)
            world.settle()
            #expect(taken.lines == [] && pace.waiting(.call) == 1 && pace.waiting(.registration) == 2)
            turns.all[0].over()
            world.settle()
            #expect(taken.lines == ["call"])
            #expect(turns.all.count == 2, "then the next registration has its turn")
            pool.close()
        }
    }

    @Test func `what fills the stock waits for its turn as long as others register`() throws {
        try CallWorld.run(size: 0) { world in
            let pace = RegisterPace(loop: world.slotWorld.loop, metrics: PhoneMetrics())
            let pool = HandlePool(world.possession, size: 1, pace: pace)
            for _ in 0..<30 { pace.enter(.registration, patience: .seconds(100)) { _ in } }
            pool.open()
            world.settle()
            // Nobody ends those turns: each is over after its limit.
            for _ in 0..<29 { world.advance(by: RegisterPace.limit) }
            world.settle()
            #expect(pool.count == 0 && !world.janus.requests().contains("detach"))
            world.advance(by: RegisterPace.limit)
            world.settle()
            #expect(pool.count == 1)
            pool.close()
        }
    }
}
