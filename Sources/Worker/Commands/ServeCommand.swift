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
