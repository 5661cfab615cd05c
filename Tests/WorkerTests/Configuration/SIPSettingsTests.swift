import NIOCore
import SIPLookup
import Settings
import Testing

@testable import Worker

@Suite struct SIPSettingsTests {
    private func read(_ text: String) throws -> (settings: SIPSettings, problems: [String]) {
        var reader = SettingsReader(try INIFile(text))
        let settings = SIPSettings(&reader)
        return (settings, reader.problems)
    }

    @Test func `Without settings a worker asks the system's name servers, for IPv4, UDP and TCP`() throws {
        let (settings, problems) = try read("")
        #expect(settings.lookup == ProxyLookup.Settings())
        #expect(settings.nameServers.isEmpty && problems.isEmpty)
        #expect(settings.lookup.time == .seconds(15) && settings.lookup.outboundProxy == nil)
    }

    @Test func `Everything can be set`() throws {
        let (settings, problems) = try read(
            """
            [General]
            outbound_sip_proxy = proxy.example.com;transport=TLS
            [Worker]
            sip_transports = TLS, udp
            sip_addresses = IPv6,ipv4
            dns_servers = 192.0.2.53, [2001:db8::53]:5353 , 127.0.0.1:5353
            [Limits]
            dns_time = 3
            """)
        #expect(problems.isEmpty)
        let proxy = try #require(OutboundProxy("proxy.example.com:5060;transport=tls"))
        #expect(
            settings.lookup
                == ProxyLookup.Settings(
                    outboundProxy: proxy, transports: [.tls, .udp], families: [.version6, .version4],
                    time: .seconds(3)))
        #expect(
            settings.nameServers.map(\.description) == ["192.0.2.53:53", "[2001:db8::53]:5353", "127.0.0.1:5353"])
    }

    @Test(arguments: ["none", "None"])
    func `No outbound proxy may be said`(text: String) throws {
        let (settings, problems) = try read("[General]\noutbound_sip_proxy = \(text)")
        #expect(settings.lookup.outboundProxy == nil && problems.isEmpty)
    }

    @Test(arguments: [
        ("Worker", "sip_transports", "sctp", SettingsCatalogue.sipTransports),
        ("Worker", "sip_transports", "udp,", SettingsCatalogue.sipTransports),
        ("Worker", "sip_transports", "udp, udp", SettingsCatalogue.sipTransports),
        ("Worker", "sip_addresses", "ipv5", SettingsCatalogue.sipAddresses),
        ("Worker", "dns_servers", "localhost", SettingsCatalogue.nameServers),
        (
            "Worker", "dns_servers", "1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9",
            SettingsCatalogue.nameServers
        ),
        ("General", "outbound_sip_proxy", "proxy:0", SettingsCatalogue.proxies),
        ("Limits", "dns_time", "0", "1 to 3600"),
    ])
    func `B34 Anything else stops the start and is told what is legal`(
        section: String, key: String, value: String, legal: String
    ) throws {
        let problem = "[\(section)] \(key): \"\(value)\" is not legal; legal is \(legal)"
        #expect(try read("[\(section)]\n\(key) = \(value)").problems == [problem])
    }

    @Test func `B34 An outbound proxy of a transport that is not enabled stops the start`() throws {
        let text = "[General]\noutbound_sip_proxy = proxy.example.com;transport=tls\n"
        #expect(
            try read(text).problems == [
                "[General] outbound_sip_proxy: \"proxy.example.com:5060;transport=tls\" is not legal; "
                    + "legal is a transport of [Worker] sip_transports (udp, tcp)"
            ])
        #expect(try read(text + "[Worker]\nsip_transports = tls").problems == [])
    }
}
