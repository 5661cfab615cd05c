import Identity
import Settings
import Telemetry

/// Everything a worker is told, read once and checked as a whole.
struct WorkerConfiguration {
    let installation: InstallationSettings
    /// `[Worker] slots`: the node's slot set, `1-4` or `1,2,5`. Default `1`.
    let slots: [Int]
    /// `[Janus] api_url`. Default `ws://127.0.0.1:8188`.
    let janus: JanusAddress
    /// `[Janus] api_secret`; empty: none is sent.
    let janusSecret: String?
    /// `[Janus] admin_url`; none: the admin API is not used, and calls will not survive a restart.
    let admin: JanusAddress?
    let adminSecret: String?
    let rooms: RoomRules
    /// `[Worker] management`: where health and metrics are served. Default `127.0.0.1:20870-20885`.
    let management: ManagementAddress
    /// `[Janus] trace_janus`: messages to and from Janus's API are written down, redacted. Default no.
    let tracesJanus: Bool
    /// `[Limits] janus_request_time`: seconds, 1 to 3600, less than `request_time`. Default 10.
    let janusRequestTime: Int
    let sip: SIPSettings
    /// What the operator is told of at the start.
    let warnings: [SettingsWarning]

    /// The secret that the original shipped: everybody knows it (D56).
    static let publicSecret = "0745f2f74f34451c89343afcdcae5809"

    /// - Parameter management: wins over the file.
    /// - Throws: ``SettingsError`` with every mistake.
    init(file: String?, management: String? = nil) throws(SettingsError) {
        let ini = try INIFile.read(file)
        var reader = SettingsReader(ini)
        installation = InstallationSettings(&reader)
        slots = reader.value(
            "Worker", "slots", default: [1], legal: "numbers from 1 to 999, as 1-4 or 1,2,5", parse: Self.numbers)
        let address = "ws://host:port"
        guard let standard = JanusAddress("ws://127.0.0.1:8188") else {
            preconditionFailure("the standard address of Janus is malformed")
        }
        janus = reader.value("Janus", "api_url", default: standard, legal: address) { JanusAddress($0) }
        janusSecret = reader.secret("Janus", "api_secret", default: Self.publicSecret)
        admin = reader.value("Janus", "admin_url", default: nil, legal: "\(address), or nothing") { JanusAddress($0) }
        adminSecret = reader.secret("Janus", "admin_secret", default: nil)
        let defaults = RoomConfiguration.defaults(&reader)
        rooms = RoomRules(
            defaults: defaults, file: file,
            recordings: reader.text("General", "recording_dir") ?? "/var/lib/continuo/recordings")
        tracesJanus = reader.boolean("Janus", "trace_janus", default: false)
        let fileManagement = reader.value(
            "Worker", "management", default: ManagementAddress.workers, legal: ManagementAddress.legal
        ) { ManagementAddress($0) }
        let managementGiven = management.map { ManagementAddress($0) }
        self.management = (managementGiven ?? nil) ?? fileManagement
        janusRequestTime = reader.integer("Limits", "janus_request_time", default: 10, in: 1...3600)
        let requestTime = reader.integer("Limits", "request_time", default: 30, in: 1...3600)
        sip = SIPSettings(&reader)
        var problems = reader.problems
        if problems.isEmpty, janusRequestTime >= requestTime {
            problems.append(
                "[Limits] janus_request_time: \(janusRequestTime) is not legal; legal is less than request_time, \(requestTime)"
            )
        }
        if managementGiven == .some(nil) { problems.append("--management: legal is \(ManagementAddress.legal)") }
        let (ofRooms, closed) = Self.check(rooms: ini, defaults)
        problems += ofRooms
        if !problems.isEmpty { throw SettingsError(problems: problems) }
        let published: [SettingsWarning] = janusSecret == Self.publicSecret ? [.publishedSecret] : []
        warnings = reader.warnings(path: file) + published + closed
    }

    /// A room whose access rule cannot be used is closed, and everything else goes on (D41); any other wrong value is mended
    /// before the start.
    private static func check(
        rooms ini: INIFile, _ defaults: RoomConfiguration
    ) -> (problems: [String], closed: [SettingsWarning]) {
        var problems: [String] = []
        var closed: [SettingsWarning] = []
        var seen: Set<RoomURI> = []
        for section in ini.sections.keys.sorted() where section.contains("@") {
            guard let room = RoomURI(section) else {
                problems.append("[\(section)]: not a room's address")
                continue
            }
            guard seen.insert(room).inserted else { continue }
            let closing = RoomConfiguration.accessProblems(of: room, in: ini)
            closed += closing.map { .roomClosed(problem: $0) }
            problems += RoomConfiguration.of(room, in: ini, fallback: defaults).problems.filter {
                !closing.contains($0)
            }
        }
        return (problems, closed)
    }

    private static func numbers(_ text: String) -> [Int]? {
        var numbers: [Int] = []
        for part in text.split(separator: ",").map({ $0.filter { !$0.isWhitespace } }) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last,
                (1...999).contains(first), (1...999).contains(last)
            else { return nil }
            numbers += Array(first...last)
        }
        return numbers.isEmpty ? nil : Array(Set(numbers)).sorted()
    }
}
