import Foundation
import Logging
import NIOCore
import Telemetry

/// Waits for a free slot: the first of the node's set that can be locked. With none free the process is the standby.
final class SlotSeeker {
    /// A standby has the slot this soon after its holder died.
    static let interval = TimeAmount.milliseconds(10)

    private let numbers: [Int]
    private let directory: String
    private let loop: any EventLoop
    private let logger: Logger
    private var timer: RepeatedTask?
    /// Which numbers may be taken, asked at every look: drained slots are to stay free.
    var isWanted: (Int) -> Bool = { _ in true }

    init(numbers: [Int], directory: String, loop: any EventLoop, logger: Logger) {
        self.numbers = numbers
        self.directory = directory
        self.loop = loop
        self.logger = logger
    }

    /// - Parameter found: called once, on the loop; a failure is one that waiting cannot mend.
    func seek(found: @escaping (Result<SlotLock, SlotLock.Failure>) -> Void) {
        stop()
        guard !attempt(found) else { return }
        logger.info("standby: no slot is free", metadata: .keyed([.slot: "\(numbers)"]))
        let bound = NIOLoopBound((self, found), eventLoop: loop)
        timer = loop.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { task in
            let (seeker, found) = bound.value
            if seeker.attempt(found) { task.cancel() }
        }
    }

    func stop() { timer?.cancel() }

    private func attempt(_ found: (Result<SlotLock, SlotLock.Failure>) -> Void) -> Bool {
        for number in numbers where isWanted(number) {
            do throws(SlotLock.Failure) {
                guard let lock = try SlotLock.take(number, in: directory) else { continue }
                found(.success(lock))
            } catch {
                found(.failure(error))
            }
            return true
        }
        return false
    }
}
