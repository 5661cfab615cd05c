import Identity
import Settings
import Testing

@testable import Frontdoor

@Suite struct ManagementSettingsTests {
    private func settings(_ text: String) throws -> ManagementSettings {
        try FrontdoorConfiguration(file: TemporaryFolder.file("[General]\n\(text)\n")).interface
    }

    @Test func `B31 B32 B34 By default it is on loopback without a secret, and nobody sends pushes`() throws {
        let settings = try settings("")
        #expect(settings.interface.description == "127.0.0.1:20888")
        #expect(settings.secret == nil)
        #expect(settings.push == PushSettings(url: nil, appID: nil, platform: "android"))
    }

    @Test func `B31 B32 Every key is read`() throws {
        let settings = try settings(
            """
            http_management_interface = [::]:9000
            http_management_auth_secret = hush
            sylk_push_url = HTTPS://push.example.com:8443/push?x=1
            sylk_push_app_id = com.example.app
            sylk_push_platform = iOS
            """)
        #expect(settings.interface == .address(ListenAddress(host: "::", port: 9000)))
        #expect(settings.secret?.equals("hush") == true)
        #expect(
            settings.push
                == PushSettings(
                    url: "HTTPS://push.example.com:8443/push?x=1", appID: "com.example.app", platform: "ios"))
    }

    @Test(arguments: ["", "\nhttp_management_auth_secret ="])
    func `B31 Off loopback without a secret stops the start, and says which keys`(secret: String) throws {
        let problem =
            "[General] http_management_interface: 192.0.2.1:20888 is not loopback, so http_management_auth_secret is needed"
        #expect(throws: SettingsError(problems: [problem])) {
            try settings("http_management_interface = 192.0.2.1\(secret)")
        }
        #expect(try settings("http_management_interface = none\(secret)").interface == .none)
    }

    @Test func `B32 B34 A push server has to be told which application is meant`() throws {
        #expect(throws: SettingsError(problems: ["[General] sylk_push_app_id: needed with sylk_push_url"])) {
            try settings("sylk_push_url = http://127.0.0.1:8400/push")
        }
    }

    @Test(arguments: [
        "push.example.com", "ftp://push.example.com", "http://", "http:///push", "http://user:word@push.example.com",
        "http://user@push.example.com/", "http://push.example.com/#x", "http://push.example.com:0/",
        "http://push example",
        "http://push.example.com:99999/",
    ])
    func `B34 Another address of a push server stops the start`(url: String) throws {
        let error = #expect(throws: SettingsError.self) {
            try settings("sylk_push_url = \(url)\nsylk_push_app_id = a")
        }
        #expect(error?.problems.count == 1)
        #expect(error?.description.contains("word") == false, "D56")
    }
}
