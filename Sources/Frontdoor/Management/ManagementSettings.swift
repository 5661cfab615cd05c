import Identity
import Settings

/// What the configuration says of the management interface and of the pushes that are asked for there.
struct ManagementSettings {
    /// `http_management_interface`. Default `127.0.0.1:20888`.
    let interface: ManagementInterface
    /// `http_management_auth_secret`. Default none.
    let secret: SharedSecret?
    /// `sylk_push_*`.
    let push: PushSettings

    /// - Parameter problems: what is wrong with keys that are each legal by themselves is added.
    init(_ reader: inout SettingsReader, problems: inout [String]) {
        interface = reader.value(
            "General", "http_management_interface", default: ManagementInterface.standard,
            legal: SettingsCatalogue.interfaces
        ) { ManagementInterface($0) }
        secret = reader.secret("General", "http_management_auth_secret", default: nil).map { SharedSecret($0) }
        push = PushSettings(&reader, problems: &problems)
        if secret == nil, !interface.isLoopback {
            problems.append(
                "[General] http_management_interface: \(interface) is not loopback, so http_management_auth_secret is "
                    + "needed")
        }
    }
}
