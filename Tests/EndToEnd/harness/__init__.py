"""The real thing around the tests: Janus, the gateway's processes, clients, media peers and browsers."""
