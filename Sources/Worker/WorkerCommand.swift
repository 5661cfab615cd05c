import ArgumentParser
import Telemetry

/// Owns one Janus session and its rooms.
@main
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Worker",
        abstract: "Owns one Janus session and its rooms, for front doors to ask.",
        version: productVersion,
        subcommands: subcommands,
        defaultSubcommand: ServeCommand.self)

    private static var subcommands: [any ParsableCommand.Type] {
        var commands: [any ParsableCommand.Type] = [
            ServeCommand.self, StatusCommand.self, DrainCommand.self, UndrainCommand.self, WatchCommand.self,
        ]
        #if DEBUG
            commands.append(FaultPointsCommand.self)
        #endif
        return commands
    }
}
