/// One key of the configuration file, as it is documented: what the sample file and the configuration page say of it, what
/// is no mistake in a file, and what the processes' own readers are tested against.
public struct Setting: Equatable, Sendable {
    public enum Readers: String, Sendable {
        case frontdoor = "front door"
        case worker = "worker"
        case both = "both"
    }

    public enum Values: Equatable, Sendable {
        case boolean
        /// With their unit, which may be empty.
        case integers(ClosedRange<Int>, String)
        /// Any text, described.
        case text(String)
        /// Separated by commas; its items, described.
        case list(String)
        /// What a reader calls legal.
        case form(String)
        /// Any text, which is never repeated.
        case secret
    }

    /// nil: a room's own section, whose name is its address.
    public let section: String?
    /// As readers name it: in lower case, with underscores.
    public let key: String
    public let values: Values
    /// As it would be written; empty: none.
    public let standard: String
    /// What the default is where it cannot be written down.
    public let standardNote: String?
    public let readers: Readers
    /// A sentence or two, in Markdown.
    public let meaning: String
    /// Why it does nothing, in a few words, although it may be set; nil: it does something.
    public let withoutEffect: String?

    init(
        _ section: String?, _ key: String, _ values: Values, _ standard: String, note: String? = nil,
        _ readers: Readers, withoutEffect: String? = nil, _ meaning: String
    ) {
        self.section = section
        self.key = key
        self.values = values
        self.standard = standard
        standardNote = note
        self.readers = readers
        self.withoutEffect = withoutEffect
        self.meaning = meaning
    }

    public var hasEffect: Bool { withoutEffect == nil }

    public static let booleans = "yes, true, on, 1, no, false, off, 0"

    /// What a refusal names as legal; nil: any text is.
    public var legal: String? {
        switch values {
        case .boolean: Self.booleans
        case .integers(let range, _): "\(range.lowerBound) to \(range.upperBound)"
        case .form(let legal): legal
        case .text, .list, .secret: nil
        }
    }

    public var isSecret: Bool { values == .secret }
}
