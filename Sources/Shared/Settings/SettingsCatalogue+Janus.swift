extension SettingsCatalogue {
    public static let codecs = "a comma-separated list of vp8, vp9, h264"
    public static let policies = "none, all, or addresses and domains separated by commas"

    static let janus = [
        Setting("Janus", "api_url", .form("ws://host:port"), "ws://127.0.0.1:8188", .worker, "Janus's WebSocket."),
        Setting(
            "Janus", "api_secret", .secret, "0745f2f74f34451c89343afcdcae5809", .worker,
            "Janus's `api_secret`; empty: none is sent. The default is published, and warned of (D56)."),
        Setting(
            "Janus", "admin_url", .form("ws://host:port, or nothing"), "", .worker,
            "Janus's admin API, needed to know what a predecessor left behind handle by handle; nothing: conferences do not "
                + "survive a restart."),
        Setting("Janus", "admin_secret", .secret, "", .worker, "Janus's `admin_secret`."),
        Setting(
            "Janus", "trace_janus", .boolean, "no", .worker,
            "Workers write down what they say to Janus's API and are told ([traces](#traces))."),
        Setting(
            "Janus", "max_bitrate", .integers(64_000...4_194_304, "bit/s"), "2016000", .worker,
            "Shared by a room's participants (protocol, §6.4)."),
        Setting("Janus", "video_codec", .form(codecs), "vp9", .worker, "In order of preference."),
        Setting("Janus", "max_publishers", .integers(1...1000, ""), "10", .worker, "Participants of a room."),
    ]

    static let rooms = [
        Setting(nil, "record", .boolean, "no", .worker, "Whether the room is recorded, in `recording_dir`."),
        Setting(
            nil, "access_policy", .form("allow,deny or deny,allow"), "allow,deny", .worker,
            "Which list decides (protocol, §6.3)."),
        Setting(
            nil, "allow", .form(policies), "all", .worker,
            "Who may join. A rule that cannot be used closes the room (D41)."),
        Setting(nil, "deny", .form(policies), "none", .worker, "Who may not. Likewise."),
        Setting(
            nil, "max_bitrate", .integers(64_000...4_194_304, "bit/s"), "", note: "as in `[Janus]`", .worker,
            "As in `[Janus]`."),
        Setting(nil, "video_codec", .form(codecs), "", note: "as in `[Janus]`", .worker, "As in `[Janus]`."),
        Setting(
            nil, "max_publishers", .integers(1...1000, ""), "", note: "as in `[Janus]`", .worker, "As in `[Janus]`."),
    ]
}
