import Identity
import NIOCore
import Registry
import Sylkrtc
import Testing

@testable import Worker

/// A whole worker whose slot is drained, or whose Janus goes, while somebody is on the telephone.
@Suite struct TelephonyDrainTests {
    private func drain(_ world: CoreWorld, seconds: Int) throws {
        _ = try world.registry.read { store throws(RegistryError) in
            try store.drainSlot(slot, until: .now().advanced(byMilliseconds: seconds * 1000))
        }.get()
    }

    @Test(arguments: [true, false])
    func `a drained slot leaves calls alone until its deadline, and ends them then`(isAnswered: Bool) throws {
        try CoreWorld.run { world in
            let (handle, call) = try world.ringAlice()
            if isAnswered { world.request(.accept(call: call, answer: sdp("answer")), 1, 2) }
            let expected: FakeJanus.Phone.Call = isAnswered ? .incall : .invited
            // Long enough for the test, whose clock is not the registry's.
            try drain(world, seconds: 3600)
            world.advance(by: .seconds(20))
            #expect(world.janus.phones[handle]?.call == expected)
            #expect(world.core.conferences?.telephony.load == 2)
            try drain(world, seconds: 0)
            world.advance(by: .seconds(5))
            #expect(world.janus.handles[handle] == nil)
            #expect(world.core.conferences?.telephony.load ?? 0 == 0)
        }
    }

    @Test func `E02 B07 when Janus is restarted a registration is told to be lost, and its call to be over`() throws {
        try CoreWorld.run { world in
            let (handle, _) = try world.ringAlice()
            _ = world.door.transcript()
            world.janus.restart()
            world.advance(by: .seconds(3))
            #expect(world.janus.handles[handle] == nil)
            #expect(world.core.conferences?.telephony.load ?? 0 == 0)
        }
    }
}
