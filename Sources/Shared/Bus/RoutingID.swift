import Identity

/// How a link calls itself to the worker's ROUTER: its owner and its number, `f1.<incarnation>.0/7`.
///
/// Text, so that it can be read in traces; and in one spelling only, so that what is equal has equal bytes.
public struct RoutingID: Hashable, Sendable, CustomStringConvertible {
    public let owner: FrontdoorLoopID
    /// A loop gives every link a number of its own: a link that was given up never comes back.
    public let link: UInt32
    /// The spelling on the wire, at most 48 bytes of ASCII.
    public let bytes: [UInt8]

    public init(owner: FrontdoorLoopID, link: UInt32) {
        self.owner = owner
        self.link = link
        bytes = Array("\(owner)/\(link)".utf8)
    }

    /// - Returns: nil unless `bytes` are the spelling that ``init(owner:link:)`` gives. What a peer of another kind
    ///   calls itself, and the names that ZeroMQ draws for the nameless and for doubles, are none.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count <= Self.maximumLength, bytes.allSatisfy({ $0 < 0x80 }) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let slash = text.utf8.firstIndex(of: UInt8(ascii: "/")), let owner = FrontdoorLoopID(text[..<slash]),
            let link = UInt32(text[text.utf8.index(after: slash)...])
        else { return nil }
        self.init(owner: owner, link: link)
        guard bytes.elementsEqual(self.bytes) else { return nil }
    }

    private static let maximumLength = 48

    public var description: String { "\(owner)/\(link)" }

    public static func == (left: RoutingID, right: RoutingID) -> Bool {
        left.link == right.link && left.owner == right.owner
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(link)
        hasher.combine(owner)
    }
}
