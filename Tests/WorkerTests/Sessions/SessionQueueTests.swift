import Sylkrtc
import Testing

@testable import Worker

@Suite struct SessionQueueTests {
    private func item(_ number: UInt64, _ request: WorkerRequest) -> SessionQueue.Item {
        SessionQueue.Item(sequence: sequence(number), request: request)
    }
    private func trickle(_ number: UInt64) -> SessionQueue.Item {
        item(number, .trickle(session: sequence(1), candidates: []))
    }
    private func update(_ number: UInt64) -> SessionQueue.Item {
        item(number, .update(session: sequence(1), audio: true, video: nil, bitrate: nil))
    }

    @Test func `nothing begins before the request that makes the session is through`() {
        var queue = SessionQueue(isBusy: true)
        queue.append(trickle(2))
        #expect(queue.next() == nil)
        queue.finished()
        #expect(queue.next() == trickle(2))
    }

    @Test func `consecutive trickles are pipelined, and what follows them waits for all`() {
        var queue = SessionQueue(isBusy: false)
        for item in [trickle(2), trickle(3), update(4), trickle(5), trickle(6)] { queue.append(item) }
        #expect(queue.next() == trickle(2))
        #expect(queue.next() == trickle(3))
        #expect(queue.next() == nil)
        queue.finished()
        #expect(queue.next() == nil)
        queue.finished()
        #expect(queue.next() == update(4))
        #expect(queue.next() == nil, "a trickle does not overtake an update")
        queue.finished()
        #expect(queue.next() == trickle(5))
        #expect(queue.next() == trickle(6))
        #expect(queue.next() == nil)
    }

    @Test func `others go one at a time`() {
        var queue = SessionQueue(isBusy: false)
        queue.append(update(2))
        queue.append(item(3, .terminate(session: sequence(1))))
        #expect(queue.next() == update(2))
        #expect(queue.next() == nil)
        queue.finished()
        #expect(queue.next()?.sequence == sequence(3))
    }

    @Test func `finishing more than has begun does no harm`() {
        var queue = SessionQueue(isBusy: false)
        queue.finished()
        queue.finished()
        queue.append(update(2))
        #expect(queue.next() == update(2))
        queue.append(update(3))
        #expect(queue.next() == nil)
    }

    @Test func `what has not begun can be taken out, in order`() {
        var queue = SessionQueue(isBusy: false)
        for item in [update(2), update(3), trickle(4)] { queue.append(item) }
        #expect(queue.next() == update(2))
        #expect(queue.removeAll() == [update(3), trickle(4)])
        #expect(queue.removeAll() == [])
        queue.finished()
        #expect(queue.next() == nil)
    }
}
