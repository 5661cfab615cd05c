import ArgumentParser
import Registry

/// `Worker status`: what the registry knows of this host's slots and front doors.
struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Shows slots and front doors, as the registry has them.")

    @Flag(help: "As JSON (docs/configuration.md has the keys).")
    var json = false

    @OptionGroup var options: OperatorOptions

    func run() {
        let report = options.withRegistry(of: options.installation()) { store throws(RegistryError) in
            try store.transaction(.read) { () throws(RegistryError) in
                StatusReport(
                    slots: try store.slots(), usage: try store.slotUsage(), frontdoors: try store.frontdoors(),
                    now: .now())
            }
        }
        print(json ? report.json : report.table, terminator: "")
    }
}
