import ArgumentParser
import Foundation
import Logging
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

    @Flag(help: "Check the configuration and end.")
    var checkConfig = false

    func run() async throws {
        let configuration: FrontdoorConfiguration
        do throws(SettingsError) {
            configuration = try FrontdoorConfiguration(file: config, id: id, listen: listen)
        } catch {
            endForConfiguration(error.problems)
        }
        guard !checkConfig else { return }
        bootstrapLogging(level: Logger.Level(rawValue: configuration.installation.logLevel) ?? .info)
        let logger = Logger(label: "frontdoor")
        for key in configuration.unknownKeys {
            logger.warning("unknown configuration key", metadata: .keyed([.value: key]))
        }
        let group = ServiceGroup(
            services: [FrontdoorService(configuration: configuration, logger: logger)],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        do {
            try await group.run()
        } catch let failure as FrontdoorService.Failure {
            endForFailure(failure.problem)
        }
    }
}
