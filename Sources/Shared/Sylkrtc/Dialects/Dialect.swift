import Identity

/// How requests and events are written on a client's WebSocket: picked by the subprotocol at the handshake, fixed for the
/// life of the connection. Nothing behind the door knows which one a client speaks.
///
/// A further dialect (`sylkRTC-2`) is one more case here; the compiler then asks for its decoder and its encoder.
public enum Dialect: String, CaseIterable, Sendable {
    case sylkRTC1 = "sylkRTC-1"

    /// The best dialect among the subprotocols a client offers (RFC 6455 §4.2.2), or nil.
    public static func negotiated(among offers: [String]) -> Dialect? {
        allCases.last { offers.contains($0.rawValue) }
    }

    /// Reads one text message. Nothing in it can trap; what is wrong is part of the answer.
    public func decode(_ text: [UInt8], limits: ElementLimits = ElementLimits()) -> DecodedMessage {
        switch self {
        case .sylkRTC1: SylkRTC1Decoder.decode(text, limits: limits)
        }
    }

    /// Writes one text message: pure ASCII.
    public func encode(_ message: ServerMessage) -> [UInt8] {
        switch self {
        case .sylkRTC1: SylkRTC1Encoder.encode(message)
        }
    }
}

/// The verdict on a client's message.
public enum DecodedMessage: Equatable, Sendable {
    case request(transaction: String, Request)
    /// To be answered with an error.
    case refused(transaction: String, type: String?, ProtocolError)
    /// There is nobody to answer: no JSON, no object, no usable transaction.
    case unanswerable(ProtocolError)
}

/// What is wrong with a client's message, in words for that client. They never repeat a password.
public struct ProtocolError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
    /// Something is longer, or more, than is allowed.
    public let exceedsLimit: Bool
    /// It is nothing that this version knows, but a newer one may.
    public let isUnknown: Bool

    public init(_ description: String, exceedsLimit: Bool = false, isUnknown: Bool = false) {
        self.description = description
        self.exceedsLimit = exceedsLimit
        self.isUnknown = isUnknown
    }
}

/// Bounds of validation that an operator may choose: elements of a request.
public struct ElementLimits: Equatable, Sendable {
    /// What an operator may choose.
    public static let legal = 1...10_000

    public var candidates = 64
    public var invitees = 100

    public init() {}
}

/// Bounds that are part of validation. Bytes of UTF-8.
public enum MessageLimits {
    public static let transaction = 128
    public static let sessionID = ClientSessionID.maximumLength
    public static let displayName = 128
    public static let userAgent = 255
    public static let deviceToken = 4096
    public static let password = 1...9999
    /// Ample for dozens of media sections.
    public static let sessionDescription = 128 * 1024
    public static let candidate = 1024
    public static let activeParticipants = 2
    public static let minimumBitrate = 64_000
}
