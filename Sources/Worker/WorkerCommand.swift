import ArgumentParser
import Telemetry

/// Owns one Janus session and its rooms.
@main
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Worker",
        abstract: "Owns one Janus session and its rooms, for front doors to ask.",
        version: productVersion,
        subcommands: [
            ServeCommand.self, StatusCommand.self, DrainCommand.self, UndrainCommand.self, WatchCommand.self,
        ],
        defaultSubcommand: ServeCommand.self)
}
