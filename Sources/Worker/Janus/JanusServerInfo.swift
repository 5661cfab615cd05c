import JSONText

/// What Janus says of itself (`info`), and what of it hinders us.
struct JanusServerInfo: Equatable {
    let version: String
    /// Seconds without a request after which Janus drops a session; 0: never.
    let sessionTimeout: Int
    /// Seconds an orphaned session can be claimed; 0: never.
    let reclaimTimeout: Int
    let acceptsSessions: Bool
    let plugins: Set<String>

    static let videoRoomPlugin = "janus.plugin.videoroom"
    static let sipPlugin = "janus.plugin.sip"

    init?(_ root: JSONValue) {
        guard root["janus"]?.string == "server_info" else { return nil }
        version = root["version_string"]?.string?.excerpt ?? "unknown"
        sessionTimeout = root["session-timeout"]?.integer() ?? 0
        reclaimTimeout = root["reclaim-session-timeout"]?.integer() ?? 0
        acceptsSessions = root["accepting-new-sessions"]?.bool ?? true
        plugins = Set((root["plugins"]?.members ?? []).map(\.name))
    }

    enum Verdict: Equatable {
        /// The worker cannot serve.
        case unusable(String)
        /// It serves, with a loss to be named.
        case degraded(String)
    }

    /// What is wrong with the settings, in words for the operator. Unusable ones first.
    var verdicts: [Verdict] {
        var verdicts: [Verdict] = []
        for plugin in [Self.videoRoomPlugin, Self.sipPlugin] where !plugins.contains(plugin) {
            verdicts.append(.unusable("Janus has not loaded \(plugin)"))
        }
        if !acceptsSessions { verdicts.append(.unusable("Janus does not accept new sessions")) }
        if reclaimTimeout == 0 {
            verdicts.append(
                .degraded("calls will not survive a restart: reclaim_session_timeout is 0 in janus.jcfg, set it to 30"))
        } else if reclaimTimeout < 10 {
            verdicts.append(
                .degraded(
                    "calls may not survive a restart: reclaim_session_timeout is \(reclaimTimeout) s in janus.jcfg, "
                        + "set it to 30"))
        }
        if sessionTimeout > 0, sessionTimeout < 20 {
            verdicts.append(.degraded("session_timeout is \(sessionTimeout) s in janus.jcfg, set it to 60"))
        }
        return verdicts
    }
}
