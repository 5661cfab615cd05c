#if DEBUG
    import ArgumentParser

    /// Where tests can end a worker; only debug builds have it.
    struct FaultPointsCommand: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "fault-points", abstract: "Prints the names of the points at which tests can kill a worker.")

        func run() { for name in FaultPoints.allNames { print(name) } }
    }
#endif
