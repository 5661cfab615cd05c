import ArgumentParser
import Foundation
import Identity
import Logging
import ServiceLifecycle
import Settings
import Telemetry
import UnixSignals

/// Owns one Janus session and its rooms.
@main
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Worker",
        abstract: "Owns one Janus session and its rooms, for front doors to ask.",
        version: productVersion)

    @Option(help: "The configuration file (webrtcgateway.ini).")
    var config: String?

    @Flag(help: "Check the configuration and end.")
    var checkConfig = false

    func run() async throws {
        let configuration: WorkerConfiguration
        do throws(SettingsError) {
            configuration = try WorkerConfiguration(file: config)
        } catch {
            endForConfiguration(error.problems)
        }
        guard !checkConfig else { return }
        bootstrapLogging(level: Logger.Level(rawValue: configuration.installation.logLevel) ?? .info)
        let logger = Logger(label: "worker")
        for key in configuration.unknownKeys {
            logger.warning("unknown configuration key", metadata: .keyed([.value: key]))
        }
        let group = ServiceGroup(
            services: [WorkerService(configuration: configuration, logger: logger)],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        do {
            try await group.run()
        } catch WorkerCore.End.fatal(let problem) {
            endForFailure(problem)
        }
    }
}
