import ArgumentParser
import Foundation
import Identity
import Registry
import Settings
import Telemetry

/// What the operator's commands share: the configuration that says where the registry is, and how they end.
struct OperatorOptions: ParsableArguments {
    @Option(help: "The configuration file (webrtcgateway.ini).")
    var config: String?

    /// How long somebody else's lock is waited for: an operator is more patient than a worker.
    private static let patience = Duration.seconds(2)

    /// Ends the process (78) when the configuration cannot be used; so does the other.
    func installation() -> InstallationSettings { Self.installation(config) }

    static func installation(_ config: String?) -> InstallationSettings {
        do throws(SettingsError) {
            return try WorkerConfiguration(file: config).installation
        } catch {
            endForConfiguration(error.problems)
        }
    }

    /// Does something with the registry, and ends the process (69) when it cannot be reached. It is not made: where there
    /// is none, no gateway runs.
    func withRegistry<Value>(
        of installation: InstallationSettings, _ body: (any RegistryStore) throws(RegistryError) -> Value
    ) -> Value {
        let path = installation.registryPath
        guard FileManager.default.fileExists(atPath: path) else {
            endUnavailable("there is no registry at \(path): nothing runs, or [Registry] path is another")
        }
        do throws(RegistryError) {
            let store = try SQLiteRegistryStore(path: path, busyTimeout: Self.patience)
            defer { store.close() }
            return try body(store)
        } catch .unavailable(let reason) {
            endUnavailable("the registry is not available: \(reason)")
        } catch {
            endUnavailable("the registry cannot be used: \(error)")
        }
    }
}

/// A slot as an operator names it: `node/number`, or the number alone for one of this node.
struct SlotName: ExpressibleByArgument {
    let text: String

    init?(argument: String) { text = argument }

    /// Ends the process (64) when it is no name of a slot.
    func slot(on node: NodeName) -> SlotID {
        let slot = text.contains("/") ? SlotID(text) : Int(text).flatMap { SlotID(node: node, number: $0) }
        guard let slot else {
            endForUsage("\"\(text)\" names no slot: it is a number from 1 to 999, or node/number")
        }
        return slot
    }
}

/// Status 64, EX_USAGE of sysexits.h.
func endForUsage(_ problem: String) -> Never { endInOneLine(problem, status: 64) }

/// Status 66, EX_NOINPUT: what was named is not there.
func endForNoSuch(_ problem: String) -> Never { endInOneLine(problem, status: 66) }

/// Status 69, EX_UNAVAILABLE.
func endUnavailable(_ problem: String) -> Never { endInOneLine(problem, status: 69) }
