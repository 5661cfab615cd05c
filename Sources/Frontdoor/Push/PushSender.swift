import Identity
import Logging
import NIOCore
import Registry
import Telemetry

/// Sends push messages as ``PushQueueStateMachine`` decides, says what became of them, and forgets devices that are gone.
/// Confined to its loop.
final class PushSender {
    private let service: (any PushService)?
    private let tokens: LoopDeviceTokens
    private let loop: any EventLoop
    private let logger: Logger
    private let metrics = PushMetrics()
    private var machine = PushQueueStateMachine()
    private var timers: [PushQueueStateMachine.Number: Scheduled<Void>] = [:]
    private var whenStopped: (() -> Void)?
    private var logGates: [PushResult: LogGate] = [:]
    private var retryGate = LogGate(perSecond: 5)

    /// - Parameter service: nil: there is none, and nothing is sent.
    init(_ service: (any PushService)?, tokens: LoopDeviceTokens, loop: any EventLoop, logger: Logger) {
        self.service = service
        self.tokens = tokens
        self.loop = loop
        self.logger = logger
    }

    /// Tells each of these devices.
    func send(_ message: PushMessage, to tokens: [String]) {
        guard service != nil else {
            metrics.ended(.notConfigured)
            log(.notConfigured, .warning, "nobody sends push messages", about: message, [.value: "sylk_push_url"])
            return
        }
        for token in tokens { perform(machine.asked(Push(message: message, token: token), at: loop.now)) }
    }

    func report(to report: inout MetricsReport) { metrics.report(waiting: machine.count, to: &report) }

    /// - Parameter then: called when nothing is under way any more.
    func stop(_ then: @escaping () -> Void) {
        whenStopped = then
        for timer in timers.values { timer.cancel() }
        timers = [:]
        perform(machine.stopRequested())
    }

    private func perform(_ actions: [PushQueueStateMachine.Action]) {
        for action in actions {
            switch action {
            case .send(let number, let push, let deadline):
                guard let service else { preconditionFailure("a push without anybody who sends it") }
                service.send(push, by: deadline) { [self] outcome in
                    perform(machine.answered(number, outcome, at: loop.now))
                }
            case .rest(let number, let push, let pause, let reason): rest(number, push, for: pause, reason)
            case .end(let push, let ending): ended(push, ending)
            case .stopped:
                whenStopped?()
                whenStopped = nil
            }
        }
    }

    private func rest(_ number: PushQueueStateMachine.Number, _ push: Push, for pause: TimeAmount, _ reason: String) {
        metrics.restsBeforeNextTry()
        if let suppressed = retryGate.passes(at: loop.now) {
            logger.warning(
                "the push server was not reached, once more later",
                metadata: Self.metadata(push.message, suppressed, [.reason: reason]))
        }
        let bound = NIOLoopBound(self, eventLoop: loop)
        timers[number] = loop.scheduleTask(in: pause) {
            let sender = bound.value
            sender.timers[number] = nil
            sender.perform(sender.machine.timerFired(number, at: sender.loop.now))
        }
    }

    private func ended(_ push: Push, _ ending: PushQueueStateMachine.Ending) {
        let result = PushResult(ending)
        metrics.ended(result)
        switch ending {
        case .answered(.delivered): log(result, .debug, "pushed", about: push.message)
        case .answered(.rejected(let code, let reason)):
            log(result, .warning, "push rejected", about: push.message, [.value: "\(code)", .reason: reason])
        case .answered(.deadToken(let token)):
            log(result, .info, "a device is gone, its token is forgotten", about: push.message)
            forget(token, of: push.message.destination)
        case .answered(.failed(let code, let reason)):
            log(result, .warning, "push failed", about: push.message, [.value: "\(code)", .reason: reason])
        case .answered(.unreachable(let reason)):
            log(result, .warning, "the push server was not reached", about: push.message, [.reason: reason])
        case .expired: log(result, .warning, "push expired", about: push.message)
        case .dropped: log(result, .warning, "push dropped", about: push.message)
        }
    }

    private func forget(_ token: String, of account: AddressOfRecord) {
        guard let change = DeviceTokenChange(removed: token, added: nil) else { return }
        tokens.change([change], of: account) { [logger] isStored in
            // Why not has been said by whoever stores.
            guard isStored else { return }
            logger.debug("device token changed", metadata: .keyed([.account: "\(account)"]))
        }
    }

    /// At most ten a second of each kind.
    private func log(
        _ result: PushResult, _ level: Logger.Level, _ text: Logger.Message, about message: PushMessage,
        _ more: KeyValuePairs<LogKey, String> = [:]
    ) {
        guard let suppressed = logGates[result, default: LogGate(perSecond: 10)].passes(at: loop.now) else { return }
        logger.log(level: level, text, metadata: Self.metadata(message, suppressed, more))
    }

    private static func metadata(
        _ message: PushMessage, _ suppressed: Int, _ more: KeyValuePairs<LogKey, String>
    ) -> Logger.Metadata {
        Logger.Metadata.keyed([
            .event: message.event.rawValue, .account: "\(message.destination)", .suppressed: "\(suppressed)",
        ]).merging(.keyed(more)) { own, _ in own }
    }
}
