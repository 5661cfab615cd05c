/// One client WebSocket: the loop that owns it and its number there. Never used twice.
public struct ConnectionID: Hashable, Sendable, CustomStringConvertible {
    public let owner: FrontdoorLoopID
    /// Counts from 1.
    public let number: UInt64

    public init(owner: FrontdoorLoopID, number: UInt64) {
        self.owner = owner
        self.number = number
    }

    /// `f<front door>.<incarnation>.<loop>.<number>`
    public var description: String { "\(owner).\(number)" }

    public init?(_ text: some StringProtocol) {
        guard let (before, behind) = text.splitAtLastDot, let owner = FrontdoorLoopID(before),
            let number = UInt64(canonical: behind)
        else { return nil }
        self.init(owner: owner, number: number)
    }
}

/// The place of a request among all requests of its connection. Counts from 1.
public struct RequestSequence: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public var description: String { String(rawValue) }

    /// A call that comes in is created by no request: its number is drawn, beyond all that requests can have, and fits a signed
    /// integer.
    public static func ofIncomingCall(using generator: inout some RandomNumberGenerator) -> RequestSequence {
        RequestSequence(rawValue: UInt64.random(in: incomingCalls, using: &generator))
    }

    public var isOfIncomingCall: Bool { Self.incomingCalls.contains(rawValue) }

    private static let incomingCalls: Range<UInt64> = 1 << 62..<1 << 63

    public static func < (left: RequestSequence, right: RequestSequence) -> Bool { left.rawValue < right.rawValue }
}

/// What a session is called inside: its connection and the request that created it.
///
/// Because it is derived and not drawn, the same request repeated after a loss meets its own session, and everything
/// with an effect in Janus (``OpaqueID``, ``PublisherID``) carries an identity that was known beforehand.
public struct SessionID: Hashable, Sendable, CustomStringConvertible {
    public let connection: ConnectionID
    public let request: RequestSequence

    public init(connection: ConnectionID, request: RequestSequence) {
        self.connection = connection
        self.request = request
    }

    /// `f<front door>.<incarnation>.<loop>.<connection>.<request>`
    public var description: String { "\(connection).\(request)" }

    public init?(_ text: some StringProtocol) {
        guard let (before, behind) = text.splitAtLastDot, let connection = ConnectionID(before),
            let request = UInt64(canonical: behind)
        else { return nil }
        self.init(connection: connection, request: RequestSequence(rawValue: request))
    }
}

/// What a client calls its session: its own choice, unique among its sessions and in a room.
///
/// Not empty, at most 128 bytes, and not `videoroom`, the server's own name in `configure-room` events. Two are the same if their
/// bytes are, as for clients and for the registry; to `String`, texts are equal already if they look the same (`é` in its two
/// spellings).
public struct ClientSessionID: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public static let maximumLength = 128
    public static let reserved = "videoroom"

    public init?(_ text: String) {
        guard (1...Self.maximumLength).contains(text.utf8.count), text != Self.reserved else { return nil }
        description = text
    }

    public static func == (left: ClientSessionID, right: ClientSessionID) -> Bool {
        left.description.utf8.elementsEqual(right.description.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        var text = description
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
