import Logging
import NIOCore
import Telemetry

/// Tells the supervisor that the core loop turns. A process that was stopped, or whose loop hangs, falls silent, and is
/// killed: one that lost its slot must never act again. Confined to the loop.
final class Heart {
    /// Between two beats; a third of what the supervisor bears, if that is less.
    static let interval = TimeAmount.milliseconds(250)

    /// nil: nobody waits for beats.
    private let interval: TimeAmount?
    private let tell: (Supervisor.Notice) throws(Supervisor.Failure) -> Void
    private let logger: Logger
    private var timer: RepeatedTask?
    private var isReady = false
    private var isReadyTold = false
    private var isFailing = false

    /// - Parameter watchdog: the time that the supervisor bears without a beat, in microseconds.
    init(
        watchdog: UInt64?, logger: Logger,
        tell: @escaping (Supervisor.Notice) throws(Supervisor.Failure) -> Void
    ) {
        interval = watchdog.map { min(Self.interval, .microseconds(Int64(clamping: max($0 / 3, 1)))) }
        self.tell = tell
        self.logger = logger
    }

    /// - Parameter supervisor: nil: it beats for nobody.
    convenience init(_ supervisor: Supervisor?, logger: Logger) {
        self.init(watchdog: supervisor?.watchdog, logger: logger) { notice throws(Supervisor.Failure) in
            try supervisor?.tell(notice)
        }
    }

    /// The first beat comes at once; from then on silence is deadly, until the process ends.
    func start(on loop: any EventLoop) {
        guard let interval, timer == nil else { return }
        let bound = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleRepeatedTask(initialDelay: .zero, delay: interval) { _ in bound.value.beat() }
    }

    private func beat() {
        say(.alive)
        if isReady, !isReadyTold { isReadyTold = say(.ready) }
    }

    /// It serves or stands by. More than once is fine; what does not leave goes with the next beat.
    func ready() {
        guard !isReady else { return }
        isReady = true
        isReadyTold = say(.ready)
    }

    /// It ends. The beats go on: an end that hangs is an end by force.
    func stopping() { say(.stopping) }

    /// - Returns: whether it left.
    @discardableResult
    private func say(_ notice: Supervisor.Notice) -> Bool {
        do throws(Supervisor.Failure) {
            try tell(notice)
            isFailing = false
            return true
        } catch {
            if !isFailing {
                logger.warning(
                    "the supervisor is not told", metadata: .keyed([.value: notice.rawValue, .error: error.reason]))
            }
            isFailing = true
            return false
        }
    }
}
