extension SettingsCatalogue {
    static let limits = [
        Setting(
            "Limits", "message_size", .integers(1024...524_288, "bytes"), "262144", .frontdoor,
            "A client's message; a longer one closes its connection (1009)."),
        Setting(
            "Limits", "accounts", .integers(1...10_000, ""), "16", .frontdoor,
            "Accounts of a connection; beyond: `error`."),
        Setting(
            "Limits", "sessions", .integers(1...10_000, ""), "128", .frontdoor,
            "Sessions of a connection, feeds included; beyond: `error`."),
        Setting(
            "Limits", "candidates", .integers(1...10_000, ""), "64", .frontdoor, "Of a request; beyond: `error`."),
        Setting(
            "Limits", "invitees", .integers(1...10_000, ""), "100", .frontdoor, "Of a request; beyond: `error`."),
        Setting(
            "Limits", "unanswered_requests", .integers(1...1024, ""), "64", .frontdoor,
            "Of a connection, which is not read beyond that until some are answered."),
        Setting(
            "Limits", "unanswered_bytes", .integers(65_536...67_108_864, "bytes"), "1048576", .frontdoor,
            "Of a connection's unanswered requests; it is not read beyond that until some are answered."),
        Setting(
            "Limits", "request_time", .integers(1...3600, "s"), "30", .both,
            "How long a request may take until it is answered with an `error`."),
        Setting(
            "Limits", "janus_request_time", .integers(1...3600, "s"), "10", .worker,
            "How long Janus may take for one of the steps of a request; shorter than `request_time`."),
        Setting(
            "Limits", "dns_time", .integers(1...3600, "s"), "15", .worker,
            "How long it may take to look up where SIP servers are; shorter than `request_time`."),
        Setting(
            "Limits", "handshake_time", .integers(1...3600, "s"), "5", .frontdoor,
            "From accepting a client to answering its request, TLS included; beyond: closed."),
        Setting(
            "Limits", "closing_time", .integers(1...3600, "s"), "1", .frontdoor,
            "For a client to answer a close; beyond: closed."),
        Setting(
            "Limits", "unsent_bytes", .integers(65_536...1_073_741_824, "bytes"), "1048576", .frontdoor,
            "What may wait for a client that does not read; beyond: aborted."),
        Setting(
            "Limits", "unwritable_time", .integers(1...3600, "s"), "10", .frontdoor,
            "For a client that does not read; beyond: aborted."),
        Setting(
            "Limits", "connections", .integers(0...1_000_000, ""), "0", .frontdoor,
            "Sockets of a front door, closed at once beyond; 0: as many as it has descriptors for, less a reserve of 512."
        ),
        Setting(
            "Limits", "connections_per_address", .integers(0...1_000_000, ""), "1000", .frontdoor,
            "WebSockets of one client address, per front door; beyond: 429; 0: any number."),
        Setting(
            "Limits", "handshakes_per_address", .integers(0...1_000_000, ""), "128", .frontdoor,
            "Sockets of one address that are not WebSockets yet, closed at once beyond; 0: any number."),
    ]
}
