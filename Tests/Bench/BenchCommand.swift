import ArgumentParser

/// What `deploy/bench-load` measures with: a load generator, and the floors beside which the gateway is measured.
@main
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "Bench", abstract: "A load generator and floors; deploy/bench-load calls it.",
        subcommands: [EchoCommand.self, RelayCommand.self, EchoWorkerCommand.self, LoadCommand.self])
}
