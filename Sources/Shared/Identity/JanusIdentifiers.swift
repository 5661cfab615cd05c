import COpenSSL

/// A Janus session: chosen by us, derived from deployment and slot, so that a successor knows it without being told.
public struct JanusSessionID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The session of a slot: 53 bits, never 0.
    public static func of(_ slot: SlotID, in deployment: DeploymentID) -> JanusSessionID {
        JanusSessionID(rawValue: derivedNumber(key: deployment.description, message: "session \(slot)"))
    }

    public var description: String { String(rawValue) }
}

/// A plugin handle: 64 bits, drawn by Janus, never to be squeezed through a floating-point number.
public struct JanusHandleID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public var description: String { String(rawValue) }
}

/// A VideoRoom room: drawn at random once per room life, 1 to 2^53 - 1, so that every JSON reader keeps it exact.
public struct JanusRoomID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    public static func random(using generator: inout some RandomNumberGenerator) -> JanusRoomID {
        JanusRoomID(rawValue: UInt64.random(in: 1..<(1 << 53), using: &generator))
    }

    public var description: String { String(rawValue) }
}

/// A participant's number in a VideoRoom: chosen by us, never shown to clients.
public struct PublisherID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// The publisher id of a session: 53 bits, never 0. A join repeated with it is answered 436, which proves that the
    /// first one arrived.
    public static func of(_ session: SessionID, in deployment: DeploymentID) -> PublisherID {
        PublisherID(rawValue: derivedNumber(key: deployment.description, message: "publisher \(session)"))
    }

    public var description: String { String(rawValue) }
}

/// The mark every handle of ours carries: `c1:<deployment>:<slot>:<purpose>`.
///
/// It answers "whose is this?" and "did that attach happen?" when a reply was lost.
public struct OpaqueID: Hashable, Sendable, CustomStringConvertible {
    public enum Purpose: Hashable, Sendable {
        /// Serves one session.
        case session(SessionID)
        /// Takes a call that comes in while the registration's own handle is busy.
        case spare(of: SessionID)
        /// Waits for a call that needs one; which one has it stands in the call's row.
        case pooled(UInt64)
        /// Creates, lists and destroys the slot's rooms.
        case rooms
    }

    public let deployment: DeploymentID
    public let slot: SlotID
    public let purpose: Purpose

    public init(deployment: DeploymentID, slot: SlotID, purpose: Purpose) {
        self.deployment = deployment
        self.slot = slot
        self.purpose = purpose
    }

    /// How every opaque id and every room description of a slot begins.
    public static func mark(of slot: SlotID, in deployment: DeploymentID) -> String { "c1:\(deployment):\(slot)" }

    public var description: String {
        let purpose =
            switch purpose {
            case .session(let session): session.description
            case .spare(let registration): "spare-\(registration)"
            case .pooled(let number): "pooled-\(number)"
            case .rooms: "rooms"
            }
        return "\(Self.mark(of: slot, in: deployment)):\(purpose)"
    }

    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "c1", let deployment = DeploymentID(String(parts[1])),
            let slot = SlotID(String(parts[2]))
        else { return nil }
        let purpose: Purpose
        if parts[3] == "rooms" {
            purpose = .rooms
        } else if parts[3].hasPrefix("spare-"), let registration = SessionID(parts[3].dropFirst(6)) {
            purpose = .spare(of: registration)
        } else if parts[3].hasPrefix("pooled-"), let number = UInt64(canonical: parts[3].dropFirst(7)) {
            purpose = .pooled(number)
        } else if let session = SessionID(parts[3]) {
            purpose = .session(session)
        } else {
            return nil
        }
        self.init(deployment: deployment, slot: slot, purpose: purpose)
    }
}

/// The Call-ID of an outgoing call (RFC 3261 §8.1.1.4): derived, so that the same request repeated cannot make a second call that
/// looks like another, and not to be guessed by those who do not know the deployment.
public struct SIPCallID: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public static func of(_ session: SessionID, in deployment: DeploymentID) -> SIPCallID {
        let halves = [1, 2].map { half in
            String(derivedNumber(key: deployment.description, message: "call \(half) \(session)"), radix: 36)
        }
        return SIPCallID(description: halves.joined(separator: "-"))
    }
}

/// The first 53 bits of HMAC-SHA256, never 0: a stable number that fits into every JSON reader's integers.
private func derivedNumber(key: String, message: String) -> UInt64 {
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    let (key, message) = (Array(key.utf8), Array(message.utf8))
    let outcome = HMAC(EVP_sha256(), key, Int32(key.count), message, message.count, &digest, &length)
    precondition(outcome != nil && length == 32, "libcrypto has no HMAC-SHA256")
    let number = digest.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } >> 11
    return number == 0 ? 1 : number
}
