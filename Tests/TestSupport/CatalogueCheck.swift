import Settings

/// What a process reads of its configuration, beside what the catalogue of settings says of it (B34). Both processes are held
/// to the same.
public struct CatalogueCheck {
    private let own: [Setting]
    private let readElsewhere: Set<String>
    private let read: (String) throws -> Any

    /// The keys of the catalogue that a process reads, or refuses because nobody does.
    ///
    /// - Parameter readElsewhere: `section/key` of those that have tests of their own.
    public static func own(_ process: Setting.Readers, besides readElsewhere: Set<String> = []) -> [Setting] {
        SettingsCatalogue.standard.settings.filter { setting in
            guard let section = setting.section, !readElsewhere.contains("\(section)/\(setting.key)") else {
                return false
            }
            return setting.readers == process || setting.readers == .both || !setting.hasEffect
        }
    }

    /// - Parameter read: what comes out of a file with such a text.
    public init(
        _ process: Setting.Readers, besides readElsewhere: Set<String> = [], read: @escaping (String) throws -> Any
    ) {
        own = Self.own(process, besides: readElsewhere)
        self.readElsewhere = readElsewhere
        self.read = read
    }

    /// A refusal in the words of the documentation; nil: every value is legal.
    public static func refusal(_ setting: Setting, in section: String) -> String? {
        setting.legal.map { "[\(section)] \(setting.key): \"?!\" is not legal; legal is \($0)" }
    }

    /// What is said of a file that has nonsense everywhere, and what the documentation says of it.
    public func nonsense() throws -> (said: [String], documented: [String]) {
        let lines = SettingsCatalogue.standard.settings.compactMap { setting -> String? in
            guard let section = setting.section, !readElsewhere.contains("\(section)/\(setting.key)") else {
                return nil
            }
            return "[\(section)]\n\(setting.key) = ?!\n"
        }
        let documented = own.compactMap { Self.refusal($0, in: $0.section ?? "") }.sorted()
        do {
            _ = try read(lines.joined())
            return ([], documented)
        } catch let error as SettingsError {
            return (error.problems.sorted(), documented)
        }
    }

    /// Whether a file with that value of the key is read like one without the key.
    public func isDefault(_ value: String, of setting: Setting) throws -> Bool {
        let section = "[\(setting.section ?? "")]\n"
        return try described(section) == described("\(section)\(setting.key) = \(value)\n")
    }

    private func described(_ file: String) throws -> String {
        var text = ""
        dump(try read(file), to: &text)
        return text
    }
}
