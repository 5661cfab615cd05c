import NIOCore
import Synchronization

/// One socket as the poller's thread knows it: something to poke.
final class PollRegistration: Sendable {
    private let loop: any EventLoop
    private let pump: NIOLoopBound<ZeroMQPump>
    /// A poke is queued on the loop and not taken yet. One is enough: it drains the socket.
    private let isPoked = Atomic(false)

    init(pump: NIOLoopBound<ZeroMQPump>, loop: any EventLoop) {
        self.pump = pump
        self.loop = loop
    }

    func poke() {
        guard !isPoked.exchange(true, ordering: .acquiringAndReleasing) else { return }
        loop.execute { [self] in
            // Before the socket is looked at: an edge that comes after the look must poke again.
            _ = isPoked.exchange(false, ordering: .acquiringAndReleasing)
            pump.value.readable()
        }
    }

    func close() {
        loop.execute { [self] in pump.value.close() }
    }
}
