extension SettingsCatalogue {
    public static let proxies =
        "host, host:port or [IPv6]:port, and then ;transport=udp, ;transport=tcp or ;transport=tls"

    public static let interfaces = "IP or IP:port, [IPv6] or [IPv6]:port, or none"
    public static let pushURLs = "http://host or https://host, with :port and /path where there are any"
    public static let pushPlatforms = "android, firebase, ios or apple"

    static let general = [
        Setting(
            "General", "web_origins", .list("origins, `*` as wildcard"), "*", .frontdoor,
            "Which pages may connect (protocol, §1.1); `none`: no page."),
        Setting("General", "sip_domains", .list("domains"), "*", .frontdoor, "Domains that accounts may have."),
        Setting(
            "General", "websocket_ping_interval", .integers(0...86_400, "s"), "120", .frontdoor,
            "Between pings to clients; 0: none are sent."),
        Setting(
            "General", "trust_claimed_accounts", .boolean, "no", .both,
            "Accounts count as verified without a SIP registration (D22): for guests and closed networks."),
        Setting(
            "General", "recording_dir", .text("path"), "/var/lib/continuo/recordings", .worker,
            "Where rooms with `record` are recorded, each in a directory of its own; Janus must be able to write there."
        ),
        Setting(
            "General", "state_dir", .text("path"), "/var/lib/continuo", .frontdoor,
            "What outlives a restart of the host, as device tokens do."),
        Setting(
            "General", "log_level", .form("trace, debug, info, notice, warning, error, critical"), "info", .both,
            "The least that is logged."),
        Setting("General", "log_format", .form("text, json"), "text", .both, "[How log records are written](#logs)."),
        Setting(
            "General", "trace_dir", .text("path"), "/var/log/continuo", .both,
            "Where traces are written; must be there."),
        Setting(
            "General", "trace_client", .boolean, "no", .frontdoor,
            "Front doors write down what clients say and are told ([traces](#traces))."),
        Setting(
            "General", "outbound_sip_proxy", .form(proxies), "", .worker,
            "Where SIP requests are sent, instead of looking up each domain; port 5060 and UDP when not said."),
        Setting(
            "General", "http_management_interface", .form(interfaces), "127.0.0.1:20888", .frontdoor,
            "Where the SIP infrastructure tells of calls and changes device tokens (protocol, §8.2); every front door of the "
                + "host answers there. Port 20888 when not said."),
        Setting(
            "General", "http_management_auth_secret", .secret, "", .frontdoor,
            "What users of the management interface must know; needed unless that is on loopback."),
        Setting(
            "General", "sylk_push_url", .form(pushURLs), "", .frontdoor,
            "The sylk-push server that is asked to send push messages (protocol, §8.3); none: none are sent."),
        Setting(
            "General", "sylk_push_app_id", .text("name"), "", .frontdoor,
            "Which of the applications that the push server knows is on the devices; needed with `sylk_push_url`."),
        Setting(
            "General", "sylk_push_platform", .form(pushPlatforms), "android", .frontdoor,
            "Whose push service reaches the devices."),
        Setting(
            "General", "firebase_server_key", .secret, "", .frontdoor,
            withoutEffect: "that push service is gone, sylk_push_url takes its place",
            "Of the original's push service, which is gone."),
    ]
}
