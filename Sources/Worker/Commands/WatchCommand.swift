import ArgumentParser
import Foundation
import Logging
import Settings
import Telemetry

/// `Worker watch`: what systemd's watchdog does, where there is no systemd.
struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Runs a command and kills it when its beats fail to come; ends as it ends.",
        discussion: """
            The command is told where to beat (NOTIFY_SOCKET, WATCHDOG_USEC). Before its first beat it may take its time. \
            It dies with this process.
            """)

    @Option(help: "Seconds without a beat after which it is killed, 0.1 to 3600.")
    var timeout = 3.0

    @Option(
        help: "The configuration file (webrtcgateway.ini) that says how logs are written; without one they are text.")
    var config: String?

    @Option(help: "A file that holds the command's process id from READY=1 until it stops.")
    var ready: String?

    @Argument(parsing: .postTerminator, help: "The command and its arguments, after --.")
    var command: [String]

    func validate() throws {
        guard (0.1...3600).contains(timeout) else { throw ValidationError("--timeout is 0.1 to 3600 seconds") }
        guard !command.isEmpty else { throw ValidationError("the command to run follows --") }
    }

    func run() throws {
        let installation = config.map { OperatorOptions.installation($0) }
        bootstrapLogging(
            level: installation.flatMap { Logger.Level(rawValue: $0.logLevel) } ?? .info,
            format: installation.flatMap { LogFormat(rawValue: $0.logFormat) } ?? .text)
        let watchdog = Watchdog(
            command: command, limit: UInt64(timeout * 1000), readyFile: ready, logger: Logger(label: "watchdog"))
        let status: Int32
        do throws(WatchedChild.Failure) {
            status = try watchdog.run()
        } catch {
            endForFailure("\(command[0]) cannot be watched: \(error.reason)")
        }
        throw ExitCode(status)
    }
}
