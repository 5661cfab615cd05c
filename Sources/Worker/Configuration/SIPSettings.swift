import NIOCore
import SIPLookup
import Settings

/// How workers find SIP servers.
struct SIPSettings {
    /// `[General] outbound_sip_proxy`, none by default; `[Worker] sip_transports`, UDP and TCP; `[Worker] sip_addresses`,
    /// IPv4; `[Limits] dns_time`, seconds, 1 to 3600, 15.
    let lookup: ProxyLookup.Settings
    /// `[Worker] dns_servers`; empty, as by default: those of `/etc/resolv.conf`.
    let nameServers: [NameServer]

    init(_ reader: inout SettingsReader) {
        let proxy = reader.value(
            "General", "outbound_sip_proxy", default: nil as OutboundProxy?, legal: SettingsCatalogue.proxies
        ) { text in
            text.lowercased() == "none" ? .some(nil) : OutboundProxy(text).map { .some($0) }
        }
        let transports = reader.value(
            "Worker", "sip_transports", default: [.udp, .tcp], legal: SettingsCatalogue.sipTransports
        ) {
            Self.items($0) { SIPTransport(rawValue: $0) }
        }
        let families = reader.value(
            "Worker", "sip_addresses", default: [.version4], legal: SettingsCatalogue.sipAddresses
        ) {
            Self.items($0) { AddressFamily(rawValue: $0) }
        }
        nameServers = reader.value("Worker", "dns_servers", default: [], legal: SettingsCatalogue.nameServers) {
            Self.items($0, atMost: NameServer.maximumCount) { NameServer($0) }
        }
        let time = reader.integer("Limits", "dns_time", default: 15, in: 1...3600)
        // Nothing would ever come of it.
        if let proxy, !transports.contains(proxy.transport) {
            reader.refuse(
                "General", "outbound_sip_proxy", "\(proxy)",
                legal: "a transport of [Worker] sip_transports (\(transports.map(\.rawValue).joined(separator: ", ")))")
        }
        lookup = ProxyLookup.Settings(
            outboundProxy: proxy, transports: transports, families: families, time: .seconds(Int64(time)))
    }

    /// Separated by commas, each at most once, at least one.
    private static func items<Item: Hashable>(
        _ text: String, atMost count: Int = .max, _ parse: (String) -> Item?
    ) -> [Item]? {
        let parts = text.lowercased().split(separator: ",", omittingEmptySubsequences: false)
        let items = parts.compactMap { part in parse(part.filter { $0 != " " && $0 != "\t" }) }
        guard items.count == parts.count, items.count <= count, Set(items).count == items.count else { return nil }
        return items
    }
}
