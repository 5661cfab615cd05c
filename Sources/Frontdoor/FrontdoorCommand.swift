import ArgumentParser
import Foundation
import Logging
import NIOPosix
import ServiceLifecycle
import Settings
import Telemetry
import UnixSignals

/// Terminates clients' WebSockets and forwards what they ask to the workers.
@main
struct FrontdoorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Frontdoor",
        abstract: "Terminates clients' WebSockets and forwards what they ask to the workers.",
        version: productVersion)

    @Option(help: "The configuration file (webrtcgateway.ini).")
    var config: String?

    @Option(help: "This front door's number, unique in the deployment.")
    var id: Int?

    @Option(help: "Where to listen: host:port.")
    var listen: String?

    @Option(help: "Seconds that clients are served after SIGTERM, or after another front door has taken over.")
    var drainTime: Int?

    @Option(
        help: ArgumentHelp(
            "Take the listening sockets of that front door of this host, which then drains. If it does not run, listen.",
            valueName: "id"))
    var takeOver: Int?

    @Option(help: "Where health and metrics are served: host:port, host:first-last, or none.")
    var management: String?

    @Flag(help: "Check the configuration and end.")
    var checkConfig = false

    func run() async throws {
        // Until it is heeded: who rotates logs is not to end what has just begun.
        signal(SIGHUP, SIG_IGN)
        let configuration: FrontdoorConfiguration
        do throws(SettingsError) {
            configuration = try FrontdoorConfiguration(
                file: config, id: id, listen: listen, drainTime: drainTime, takeOver: takeOver, management: management)
        } catch {
            endForConfiguration(error.problems)
        }
        if checkConfig { endChecked(configuration.warnings) }
        bootstrapLogging(
            level: Logger.Level(rawValue: configuration.installation.logLevel) ?? .info,
            format: LogFormat(rawValue: configuration.installation.logFormat) ?? .text)
        let logger = Logger(label: "frontdoor")
        logger.report(configuration.warnings)
        let reload = Reload()
        let (signals, received) = AsyncStream.makeStream(of: Void.self)
        do {
            let tls = try configuration.tls.map { files throws(TLSFiles.Problem) in
                try TLSIdentity(files, closingTime: configuration.limits.closingTime, logger: logger)
            }
            if let tls { reload.whenAsked { tls.reload() } }
            let service = FrontdoorService(
                configuration: configuration, inherited: try InheritedSockets.take(), signals: signals, tls: tls,
                reload: reload, logger: logger)
            logger.info(
                "starting",
                metadata: .keyed([
                    .version: productVersion, .endpoint: "ws://\(configuration.listen)\(Handshake.path)",
                    .origins: configuration.origins.description, .domains: configuration.domains.description,
                ]))
            try await run(service, telling: received)
        } catch let problem as ListeningProblem {
            endForFailure(problem.text)
        } catch let problem as TLSFiles.Problem {
            endForFailure(problem.text)
        } catch let failure as FrontdoorService.Failure {
            endForFailure(failure.problem)
        }
    }

    /// The life cycle itself takes only the first signal, and a drain can be cut short by a second.
    private func run(_ service: FrontdoorService, telling received: AsyncStream<Void>.Continuation) async throws {
        // It ends by itself when another front door has taken over.
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: service.logger))
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                for await _ in signals {
                    received.yield()
                    await group.triggerGracefulShutdown()
                }
            }
            tasks.addTask { await service.reload.run() }
            defer { tasks.cancelAll() }
            try await group.run()
        }
    }
}
