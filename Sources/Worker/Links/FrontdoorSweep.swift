import Identity
import Logging
import NIOCore
import Registry
import Telemetry

/// Forgets front doors that have been lost for so long that nobody wants to hear of them any more, and the accounts that were on
/// them. Every worker looks; the registry decides. Confined to the core loop.
final class FrontdoorSweep {
    static let interval = TimeAmount.seconds(60)

    private let registry: LoopRegistry
    private let loop: any EventLoop
    private let logger: Logger
    private var timer: RepeatedTask?

    init(registry: LoopRegistry, loop: any EventLoop, logger: Logger) {
        self.registry = registry
        self.loop = loop
        self.logger = logger
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: loop)
        timer = loop.scheduleRepeatedTask(initialDelay: Self.interval, delay: Self.interval) { _ in bound.value.look() }
    }

    func stop() { timer?.cancel() }

    private func look() {
        registry.submit { store throws(RegistryError) in
            try store.sweepFrontdoors()
        } then: { [logger] result in
            switch result {
            case .success(let swept):
                for frontdoor in swept {
                    logger.notice("a lost front door is forgotten", metadata: .keyed([.frontdoor: "\(frontdoor)"]))
                }
            case .failure(let error):
                logger.warning("lost front doors are not forgotten", metadata: .keyed([.error: "\(error)"]))
            }
        }
    }
}
