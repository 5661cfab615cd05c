extension SettingsCatalogue {
    private static let names = "1 to 32 of a-z, 0-9 and -"
    public static let nameServers = "up to 8 of IP, IP:port and [IPv6]:port, separated by commas"
    public static let sipTransports = "udp, tcp and tls, or some of them, separated by commas"
    public static let sipAddresses = "ipv4, ipv6, or both, separated by a comma"

    static let processes = [
        Setting(
            "Deployment", "id", .form(names), "default", .both,
            "Marks what is ours in Janus; never change it while something runs."),
        Setting("Deployment", "node", .form(names), "node1", .both, "This host."),
        Setting(
            "Frontdoor", "id", .integers(1...65_535, ""), "1", .frontdoor,
            "Unique in the deployment; `--id` wins."),
        Setting(
            "Frontdoor", "listen", .form("host:port"), "127.0.0.1:10888", .frontdoor,
            "Where clients connect; `--listen` wins."),
        Setting(
            "Frontdoor", "drain_time", .integers(0...86_400, "s"), "0", .frontdoor,
            "How long clients are served after SIGTERM or a hand-over (README, \"Upgrading a front door\"); 0: they are sent "
                + "away at once; `--drain-time` wins."),
        Setting(
            "Frontdoor", "loops", .integers(1...64, ""), "", note: "one for each processor", .frontdoor,
            "Threads that serve clients."),
        Setting(
            "Frontdoor", "trusted_proxies", .form("addresses and networks, as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32"),
            "none", .frontdoor,
            "Whose word is taken for a client's address (protocol, §1.1; [proxies](#tls-and-proxies))."),
        Setting(
            "Frontdoor", "management", .form("host:port, host:first-last, or none"), "127.0.0.1:20860-20869",
            .frontdoor,
            "Where [health and metrics](#observing-it) are served: the first port that is free; `--management` wins."),
        Setting(
            "TLS", "certificate", .text("path"), "", .frontdoor,
            "PEM: the certificate and its chain. Clients are then spoken with over TLS only."),
        Setting(
            "TLS", "private_key", .text("path"), "", .frontdoor,
            "PEM, without a password; both keys or none. SIGHUP reads both again."),
        Setting(
            "Worker", "slots", .form("numbers from 1 to 999, as 1-4 or 1,2,5"), "1", .worker,
            "The node's slots; a worker takes the first free one."),
        Setting(
            "Worker", "management", .form("host:port, host:first-last, or none"), "127.0.0.1:20870-20885", .worker,
            "Likewise, of a worker."),
        Setting(
            "Worker", "sip_transports", .form(sipTransports), "udp, tcp", .worker,
            "What Janus's SIP plugin can use, in the order in which they are tried where a domain has no preference "
                + "(protocol, §7.1). TLS needs certificates there."),
        Setting(
            "Worker", "sip_addresses", .form(sipAddresses), "ipv4", .worker,
            "Which addresses of SIP servers are looked up: those that Janus's SIP plugin can reach from its `local_ip`."
        ),
        Setting(
            "Worker", "dns_servers", .form(nameServers), "", note: "those of `/etc/resolv.conf`", .worker,
            "Who is asked where SIP servers are; all must answer recursively."),
        Setting(
            "Bus", "directory", .text("path, short"), "/run/continuo/bus", .both,
            "The workers' sockets and slot locks, the front doors' control sockets; 0700."),
        Setting(
            "Registry", "path", .text("path"), "/run/continuo/registry.sqlite", .both,
            "The registry of this host; volatile."),
    ]
}
