import Identity

/// What both processes must agree on to find each other.
public struct InstallationSettings: Equatable, Sendable {
    /// `[Deployment] id`: marks what is ours in Janus. `a-z`, `0-9`, `-`, at most 32. Default `default`.
    public let deployment: DeploymentID
    /// `[Deployment] node`: this host. The same form. Default `node1`.
    public let node: NodeName
    /// `[Bus] directory`: the workers' sockets and slot locks; 0700. Default `/run/continuo/bus`.
    public let busDirectory: String
    /// `[Registry] path`: the SQLite file of this host. Default `/run/continuo/registry.sqlite`.
    public let registryPath: String
    /// `[General] trust_claimed_accounts`: accounts count as verified without a SIP registration (D22). Default no.
    public let trustsClaimedAccounts: Bool
    /// `[General] log_level`: trace, debug, info, notice, warning, error, critical. Default info.
    public let logLevel: String
    /// `[General] log_format`: text, json. Default text.
    public let logFormat: String
    /// `[General] trace_dir`: where traces are written, when they are. Default `/var/log/continuo`.
    public let traceDirectory: String

    public init(_ reader: inout SettingsReader) {
        let name = "1 to 32 of a-z, 0-9 and -"
        deployment = reader.value("Deployment", "id", default: .standard, legal: name) { DeploymentID($0) }
        node = reader.value("Deployment", "node", default: .standard, legal: name) { NodeName($0) }
        busDirectory = reader.text("Bus", "directory") ?? "/run/continuo/bus"
        registryPath = reader.text("Registry", "path") ?? "/run/continuo/registry.sqlite"
        trustsClaimedAccounts = reader.boolean("General", "trust_claimed_accounts", default: false)
        let levels = ["trace", "debug", "info", "notice", "warning", "error", "critical"]
        logLevel = reader.value("General", "log_level", default: "info", legal: levels.joined(separator: ", ")) {
            text in
            levels.contains(text.lowercased()) ? text.lowercased() : nil
        }
        let formats = ["text", "json"]
        logFormat = reader.value("General", "log_format", default: "text", legal: formats.joined(separator: ", ")) {
            text in
            formats.contains(text.lowercased()) ? text.lowercased() : nil
        }
        traceDirectory = reader.text("General", "trace_dir") ?? "/var/log/continuo"
    }
}

extension DeploymentID {
    fileprivate static var standard: DeploymentID {
        guard let id = DeploymentID("default") else { preconditionFailure("the standard deployment id is malformed") }
        return id
    }
}

extension NodeName {
    fileprivate static var standard: NodeName {
        guard let name = NodeName("node1") else { preconditionFailure("the standard node name is malformed") }
        return name
    }
}
