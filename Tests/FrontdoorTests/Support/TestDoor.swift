import Bus
import Logging
import NIOCore
import NIOEmbedded
import Registry
import Sylkrtc

@testable import Frontdoor

/// A front door's loop and its workers on one embedded loop. Its registry cannot be reached: nobody joins here.
final class TestDoor {
    let loop = EmbeddedEventLoop()
    let network = InMemoryNetwork()
    let door: DoorLoop
    let gate: Gate
    private let registry: RegistryThread
    private var workers: [ScriptedWorker] = []

    /// - Parameter settings: an INI file's text.
    init(_ settings: String = "", logger: Logger = .silent) throws {
        registry = RegistryThread(label: "registry", logger: .silent) { () throws(RegistryError) in
            throw RegistryError.unavailable("there is none")
        }
        let configuration = try FrontdoorConfiguration(file: TemporaryFolder.file(settings))
        door = DoorLoop(
            .test, loop: loop, configuration: configuration, network: network, registry: registry,
            tokens: DeviceTokens(directory: TemporaryFolder.newPath(), logger: .silent), logger: logger)
        gate = Gate(configuration.limits, descriptors: 1000, proxies: configuration.proxies, hits: door.hits)
        door.start()
    }

    deinit { registry.stop() }

    /// A worker appears, and serves.
    @discardableResult
    func addWorker(_ number: Int = 1) throws -> ScriptedWorker {
        let worker = try ScriptedWorker(slot(number), network, on: loop)
        workers.append(worker)
        door.slotsChanged(workers.map(\.row))
        loop.run()
        return worker
    }

    /// Time passes, in steps, and the workers that live show it.
    func pass(_ time: TimeAmount) {
        var left = time
        while left > .nanoseconds(0) {
            let step = min(left, .milliseconds(250))
            loop.advanceTime(by: step)
            for worker in workers { worker.beat() }
            loop.run()
            left = left - step
        }
    }
}
