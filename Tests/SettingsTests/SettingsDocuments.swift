import Foundation

@testable import Settings

/// What people read about the configuration, as the catalogue has it.
enum SettingsDocuments {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let page = root.appendingPathComponent("docs/configuration.md")
    static let sampleFile = root.appendingPathComponent("deploy/webrtcgateway.ini.sample")

    /// Where the documents are written instead of being compared.
    static let isWriting = ProcessInfo.processInfo.environment["CONTINUO_WRITE_DOCUMENTS"] != nil

    // MARK: The page's table

    static let tableHead = "| Section | Key | Values | Default | Read by | Meaning |\n|---|---|---|---|---|---|\n"

    static var table: String {
        tableHead
            + SettingsCatalogue.standard.settings.map { setting in
                let effect = setting.hasEffect ? "" : " *No effect.*"
                let columns = [
                    setting.section ?? "*room address*", "`\(setting.key)`", values(setting), standard(setting, "`"),
                    setting.readers.rawValue, setting.meaning + effect,
                ]
                return "| \(columns.joined(separator: " | ")) |\n"
            }.joined()
    }

    /// The page's table as it stands.
    static func table(in text: String) -> Substring? {
        guard let start = text.range(of: tableHead)?.lowerBound else { return nil }
        let end = text[start...].range(of: "\n\n").map { text.index(after: $0.lowerBound) } ?? text.endIndex
        return text[start..<end]
    }

    private static func values(_ setting: Setting) -> String {
        switch setting.values {
        case .boolean: "boolean"
        case .integers(let range, ""): "\(range.lowerBound) to \(range.upperBound)"
        case .integers(let range, let unit): "\(range.lowerBound) to \(range.upperBound) \(unit)"
        case .text(let what), .form(let what): what
        case .list(let items): "list of \(items)"
        case .secret: "text; a secret"
        }
    }

    private static func standard(_ setting: Setting, _ quote: String) -> String {
        setting.standard.isEmpty ? setting.standardNote ?? "none" : "\(quote)\(setting.standard)\(quote)"
    }

    // MARK: The sample file

    static var sample: String {
        var text = """
            # webrtcgateway.ini: one file for front doors and workers, each of which reads what concerns it.
            #
            # Every key is here with its default, commented out. [section], key = value; comments begin with # or ;, and a line
            # that is indented deeper than its key continues the value. In keys, case does not matter and dashes equal
            # underscores. Booleans are \(Setting.booleans). Lists are separated by commas; none
            # is the empty list. A wrong value stops the start and is named together with the legal ones; an unknown key is
            # warned of. Frontdoor --check-config and Worker --check-config say what they think of a file.
            #
            # It should be readable for the gateway's user only: there are secrets in it.

            """
        let sections: [String?] = SettingsCatalogue.standard.sections + [nil]
        for section in sections {
            if let section {
                text += "\n[\(section)]\n"
            } else {
                text +=
                    "\n"
                    + comment("A room's own section bears its address, and is read again whenever the room is created.")
                text += "#[room@conference.example.com]\n"
            }
            for setting in SettingsCatalogue.standard.settings where setting.section == section {
                let effect = setting.hasEffect ? "" : " No effect."
                let facts =
                    "\(values(setting)); default: \(standard(setting, "")). Read by: \(setting.readers.rawValue)."
                text +=
                    "\n" + comment(plain(setting.meaning + effect))
                    + comment(plain(facts))
                text += "#\(setting.key) =\(setting.standard.isEmpty ? "" : " ")\(setting.standard)\n"
            }
        }
        return text
    }

    /// Without Markdown's marks and the targets of links.
    private static func plain(_ text: String) -> String {
        text.replacing(/\[([^\]]+)\]\(#[^)]+\)/) { String($0.output.1) }.replacing("`", with: "")
    }

    /// Prose: there is a blank behind its mark, and none behind that of a key.
    private static func comment(_ text: String) -> String {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + word.count < 118 {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append("# \(word)")
            }
        }
        return lines.map { "\($0)\n" }.joined()
    }
}
