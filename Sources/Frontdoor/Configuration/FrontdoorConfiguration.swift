import Foundation
import Identity
import Settings
import Telemetry

/// Everything a front door is told, read once and checked as a whole.
struct FrontdoorConfiguration {
    let installation: InstallationSettings
    /// `[Frontdoor] id`: 1 to 65535, unique in the deployment. Default 1.
    let id: FrontdoorID
    /// `[Frontdoor] listen`: where clients connect. Default `127.0.0.1:10888`.
    let listen: ListenAddress
    /// `[Frontdoor] loops`: 1 to 64 threads that serve clients. Default: one a processor.
    let loops: Int
    /// `[Frontdoor] drain_time`: seconds, 0 to 86400, that clients are served after the end was asked for. Default 0: none.
    let drainTime: Int
    /// `--take-over`: the front door of this host whose place this one takes.
    let predecessor: FrontdoorID?
    /// `[General] web_origins`. Default `*`.
    let origins: OriginRules
    /// `[General] sip_domains`. Default `*`.
    let domains: DomainRules
    /// `[General] websocket_ping_interval`: seconds, 0 to 86400; 0: no pings. Default 120.
    let pingInterval: Int
    /// `[Frontdoor] trusted_proxies`: addresses and networks. Default none.
    let proxies: TrustedProxies
    /// `[TLS] certificate`, `private_key`: files. Default none: clients are spoken with in the clear.
    let tls: TLSFiles?
    /// `[Limits]`
    let limits: Limits
    /// `[Frontdoor] management`: where health and metrics are served. Default `127.0.0.1:20860-20869`.
    let management: ManagementAddress
    /// `[General] http_management_*`, `sylk_push_*`: what the SIP infrastructure may ask, and who sends push messages.
    let interface: ManagementSettings
    /// `[General] trace_client`: messages to and from clients are written down, redacted. Default no.
    let tracesClients: Bool
    /// `[General] state_dir`: what outlives the host's restarts, the device tokens. Default `/var/lib/continuo`.
    let stateDirectory: String
    /// What the operator is told of at the start.
    let warnings: [SettingsWarning]

    /// - Parameters:
    ///   - id: wins over the file.
    ///   - listen: wins over the file.
    ///   - drainTime: wins over the file.
    ///   - takeOver: another front door's number.
    ///   - management: wins over the file.
    /// - Throws: ``SettingsError`` with every mistake.
    init(
        file: String?, id: Int? = nil, listen: String? = nil, drainTime: Int? = nil, takeOver: Int? = nil,
        management: String? = nil
    ) throws(SettingsError) {
        let ini = try INIFile.read(file)
        var reader = SettingsReader(ini)
        installation = InstallationSettings(&reader)
        guard let first = FrontdoorID(1), let standard = ListenAddress("127.0.0.1:10888") else {
            preconditionFailure("the standard listen address is malformed")
        }
        let fileID = reader.value("Frontdoor", "id", default: first, legal: "1 to 65535") { text in
            Int(text).flatMap { FrontdoorID($0) }
        }
        let fileListen = reader.value("Frontdoor", "listen", default: standard, legal: "host:port") {
            ListenAddress($0)
        }
        loops = reader.integer(
            "Frontdoor", "loops", default: min(64, ProcessInfo.processInfo.activeProcessorCount), in: 1...64)
        let drainTimes = 0...86_400
        let fileDrainTime = reader.integer("Frontdoor", "drain_time", default: 0, in: drainTimes)
        origins = OriginRules(reader.list("General", "web_origins", default: ["*"]))
        domains = DomainRules(reader.list("General", "sip_domains", default: ["*"]))
        pingInterval = reader.integer("General", "websocket_ping_interval", default: 120, in: 0...86_400)
        let networks = reader.list("Frontdoor", "trusted_proxies", default: [])
        if let proxies = TrustedProxies(networks) {
            self.proxies = proxies
        } else {
            reader.refuse(
                "Frontdoor", "trusted_proxies", networks.joined(separator: ", "), legal: TrustedProxies.legal)
            proxies = TrustedProxies.none
        }
        limits = Limits(&reader)
        tls = TLSFiles(&reader)

        tracesClients = reader.boolean("General", "trace_client", default: false)
        let fileManagement = reader.value(
            "Frontdoor", "management", default: ManagementAddress.frontdoors, legal: ManagementAddress.legal
        ) { ManagementAddress($0) }

        stateDirectory = reader.text("General", "state_dir") ?? "/var/lib/continuo"

        var contradictions: [String] = []
        interface = ManagementSettings(&reader, problems: &contradictions)

        var problems = reader.problems + contradictions
        do throws(TLSFiles.Problem) {
            _ = try tls?.load(closingTime: limits.closingTime)
        } catch {
            problems.append(error.text)
        }
        let managementGiven = management.map { ManagementAddress($0) }
        if managementGiven == .some(nil) { problems.append("--management: legal is \(ManagementAddress.legal)") }
        let idGiven = id.map { FrontdoorID($0) }
        let listenGiven = listen.map { ListenAddress($0) }
        if idGiven == .some(nil) { problems.append("--id: legal is 1 to 65535") }
        if listenGiven == .some(nil) { problems.append("--listen: legal is host:port") }
        self.id = (idGiven ?? nil) ?? fileID
        predecessor = takeOver.flatMap { FrontdoorID($0) }
        if let drainTime, !drainTimes.contains(drainTime) { problems.append("--drain-time: legal is 0 to 86400") }
        if takeOver != nil, predecessor == nil || predecessor == self.id {
            problems.append("--take-over: legal is the number of another front door, 1 to 65535")
        }
        if !problems.isEmpty { throw SettingsError(problems: problems) }
        self.listen = (listenGiven ?? nil) ?? fileListen
        self.drainTime = drainTime ?? fileDrainTime
        self.management = (managementGiven ?? nil) ?? fileManagement
        warnings = reader.warnings(path: file)
    }
}

/// Where to listen: `host:port`, an IPv6 address in brackets.
struct ListenAddress: Equatable, Sendable, CustomStringConvertible {
    let host: String
    /// 0: any free one.
    let port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port)
        else { return nil }
        var host = text[..<colon]
        if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { return nil }
        self.host = String(host)
        self.port = port
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
