import Foundation
import Settings

/// `[General] sylk_push_*`: who sends push messages for us, and to which application. Tokens of sylkRTC-1 do not say.
struct PushSettings: Equatable, Sendable {
    /// `sylk_push_url`: nil: nobody.
    let url: String?
    /// `sylk_push_app_id`: as the push server knows the application on the devices.
    let appID: String?
    /// `sylk_push_platform`. Default `android`.
    let platform: String

    private static let platforms = ["android", "firebase", "ios", "apple"]

    init(url: String?, appID: String?, platform: String = platforms[0]) {
        self.url = url
        self.appID = appID
        self.platform = platform
    }

    init(_ reader: inout SettingsReader, problems: inout [String]) {
        let text = reader.text("General", "sylk_push_url")
        if let text, !Self.isLegal(text) {
            reader.refuse("General", "sylk_push_url", text, legal: SettingsCatalogue.pushURLs)
            url = nil
        } else {
            url = text
        }
        appID = reader.text("General", "sylk_push_app_id")
        platform = reader.value(
            "General", "sylk_push_platform", default: Self.platforms[0], legal: SettingsCatalogue.pushPlatforms
        ) { text in
            Self.platforms.contains(text.lowercased()) ? text.lowercased() : nil
        }
        if url != nil, appID == nil { problems.append("[General] sylk_push_app_id: needed with sylk_push_url") }
    }

    /// Without a user: what is not for the log has no place in it.
    private static func isLegal(_ text: String) -> Bool {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), let url = URL(string: text),
            ["http", "https"].contains(url.scheme?.lowercased()), let host = url.host, !host.isEmpty
        else { return false }
        return url.user == nil && url.password == nil && url.fragment == nil
            && url.port.map { (1...65_535).contains($0) } ?? true
    }
}
