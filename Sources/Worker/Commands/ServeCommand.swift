import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle
import Settings
import Telemetry
import UnixSignals

/// What a worker does unless it is told otherwise.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Takes a slot and serves; stands by while there is none. The default.")

    @Option(help: "The configuration file (webrtcgateway.ini).")
    var config: String?

    @Option(help: "Where health and metrics are served: host:port, host:first-last, or none.")
    var management: String?

    @Flag(help: "Check the configuration and end.")
    var checkConfig = false

    func run() async throws {
        // Until it is heeded: who rotates logs is not to end what has just begun.
        signal(SIGHUP, SIG_IGN)
        let configuration: WorkerConfiguration
        do throws(SettingsError) {
            configuration = try WorkerConfiguration(file: config, management: management)
        } catch {
            endForConfiguration(error.problems)
        }
        if checkConfig { endChecked(configuration.warnings) }
        bootstrapLogging(
            level: Logger.Level(rawValue: configuration.installation.logLevel) ?? .info,
            format: LogFormat(rawValue: configuration.installation.logFormat) ?? .text)
        let logger = Logger(label: "worker")
        logger.report(configuration.warnings)
        logger.info(
            "starting", metadata: .keyed([.version: productVersion, .janus: "\(configuration.janus)"]))
        let reload = Reload()
        let reloading = Task { await reload.run() }
        defer { reloading.cancel() }
        let group = ServiceGroup(
            services: [WorkerService(configuration: configuration, reload: reload, logger: logger)],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        do {
            try await group.run()
        } catch WorkerCore.End.fatal(let problem) {
            endForFailure(problem)
        }
    }
}
