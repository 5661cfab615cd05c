import Bus
import Glibc
import NIOCore

/// Lets a busy loop rest between two turns, so that it takes what clients ask and workers answer many at a time
/// (``Batching``). The loop's thread sleeps: whatever a turn takes in, from however many sockets, comes in batches then, and what it
/// sends has left before. Confined to its loop.
final class LoopRest {
    /// Everybody on the loop waits as long, those who have nothing to do with the others' requests included.
    static let longest = TimeAmount.microseconds(400)

    private let loop: any EventLoop
    private let underWay: () -> Int
    private var batching = Batching(longest: longest)
    private var isDue = false

    /// - Parameter underWay: requests that wait for a worker.
    init(on loop: any EventLoop, underWay: @escaping () -> Int) {
        self.loop = loop
        self.underWay = underWay
    }

    func requestSent() {
        batching.requestBegan(at: loop.now)
        guard !isDue, underWay() >= Batching.minimumUnderWay else { return }
        isDue = true
        // Behind what this turn has yet to send, and what that puts off in its turn.
        let bound = NIOLoopBound(self, eventLoop: loop)
        loop.execute { bound.value.loop.execute { bound.value.rest() } }
    }

    func requestAnswered() { batching.requestAnswered() }

    private func rest() {
        isDue = false
        guard let pause = batching.taken(underWay: underWay(), at: loop.now) else { return }
        usleep(UInt32(clamping: pause.nanoseconds / 1000))
    }
}
