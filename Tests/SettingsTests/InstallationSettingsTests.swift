import Identity
import Settings
import Testing

@Suite struct InstallationSettingsTests {
    private func read(_ text: String) throws -> (settings: InstallationSettings, reader: SettingsReader) {
        var reader = SettingsReader(try INIFile(text))
        let settings = InstallationSettings(&reader)
        return (settings, reader)
    }

    @Test func `B34 An empty file gives the defaults`() throws {
        let (settings, reader) = try read("")
        #expect(settings.deployment.description == "default")
        #expect(settings.node.description == "node1")
        #expect(settings.busDirectory == "/run/continuo/bus")
        #expect(settings.registryPath == "/run/continuo/registry.sqlite")
        #expect(!settings.trustsClaimedAccounts)
        #expect(settings.logLevel == "info")
        try reader.finish()
    }

    @Test func `Everything can be set`() throws {
        let (settings, reader) = try read(
            """
            [General]
            trust-claimed-accounts = yes
            Log_Level = Debug

            [Deployment]
            id = prod
            node: host-2

            [Bus]
            directory = /tmp/bus

            [Registry]
            path = /tmp/registry.sqlite
            """)
        #expect(settings.deployment == DeploymentID("prod"))
        #expect(settings.node == NodeName("host-2"))
        #expect(settings.busDirectory == "/tmp/bus")
        #expect(settings.registryPath == "/tmp/registry.sqlite")
        #expect(settings.trustsClaimedAccounts)
        #expect(settings.logLevel == "debug")
        try reader.finish()
        #expect(reader.warnings(path: nil).isEmpty)
    }

    @Test(arguments: ["trace", "debug", "info", "notice", "warning", "error", "critical"])
    func `B34 Every log level is legal`(level: String) throws {
        #expect(try read("[General]\nlog_level = \(level)").settings.logLevel == level)
    }

    @Test func `B34 Each invalid value is named, all at once`() throws {
        let (settings, reader) = try read(
            """
            [General]
            trust_claimed_accounts = maybe
            log_level = verbose
            [Deployment]
            id = Prod_1
            node = this-name-is-longer-than-32-characters
            """)
        #expect(
            reader.problems == [
                "[Deployment] id: \"Prod_1\" is not legal; legal is 1 to 32 of a-z, 0-9 and -",
                "[Deployment] node: \"this-name-is-longer-than-32-characters\" is not legal; "
                    + "legal is 1 to 32 of a-z, 0-9 and -",
                "[General] trust_claimed_accounts: \"maybe\" is not legal; "
                    + "legal is yes, true, on, 1, no, false, off, 0",
                "[General] log_level: \"verbose\" is not legal; "
                    + "legal is trace, debug, info, notice, warning, error, critical",
            ])
        #expect(throws: SettingsError.self) { try reader.finish() }
        #expect(settings == (try read("")).settings)
    }
}
