import Identity
import JSONText

/// What the VideoRoom plugin says on a publisher's or subscriber's handle (protocol page, section 5). The whole event is
/// read before anything is done with it (D31).
enum VideoRoomEvent: Equatable {
    /// The join is done; `publishers` are those whose media is up.
    case joined(PublisherID, publishers: [PublisherID])
    case publishers([PublisherID])
    /// Another participant left, unpublished or was kicked.
    case gone(PublisherID)
    /// Our own leave is confirmed.
    case left
    /// We were kicked, or the room was destroyed under us.
    case expelled(String)
    /// The subscription is set up; the offer comes along.
    case attached
    /// A renegotiation of the subscription: what it shows has changed.
    case updated(isActive: Bool)
    case failed(JanusError)
    /// Known, and nothing to do.
    case confirmation
    case unknown(String)

    init(_ data: JSONValue) {
        guard let kind = data["videoroom"]?.string else {
            self = .unknown("an event without kind")
            return
        }
        switch kind {
        case "joined":
            guard let id = data["id"]?.integer(UInt64.self) else {
                self = .unknown("joined without id")
                return
            }
            self = .joined(PublisherID(rawValue: id), publishers: Self.identifiers(data["publishers"]))
        case "attached": self = .attached
        case "updated":
            guard let streams = data["streams"]?.elements else {
                self = .unknown("updated without streams")
                return
            }
            self = .updated(isActive: streams.contains { $0["active"]?.bool ?? true })
        case "destroyed": self = .expelled("destroyed")
        case "event": self = Self.event(data)
        case "slow_link", "talking", "stopped-talking": self = .confirmation
        default: self = .unknown(kind.excerpt)
        }
    }

    private static func event(_ data: JSONValue) -> VideoRoomEvent {
        if let publishers = data["publishers"] { return .publishers(identifiers(publishers)) }
        if let code = data["error_code"]?.integer(Int.self) {
            return .failed(.plugin(code: code, reason: data["error"]?.string?.excerpt ?? "unknown error"))
        }
        if let leaving = data["leaving"] {
            if leaving.string == "ok" { return data["reason"]?.string == "kicked" ? .expelled("kicked") : .left }
            return departure(leaving)
        }
        if let unpublished = data["unpublished"] {
            return unpublished.string == "ok" ? .confirmation : departure(unpublished)
        }
        if let kicked = data["kicked"] { return departure(kicked) }
        for known: StaticString in [
            "left", "started", "configured", "paused", "id", "joining", "switched", "moderation",
        ]
        where data[known] != nil {
            return .confirmation
        }
        return .unknown("event")
    }

    private static func departure(_ value: JSONValue) -> VideoRoomEvent {
        guard let id = value.integer(UInt64.self) else { return .unknown("a departure without id") }
        return .gone(PublisherID(rawValue: id))
    }

    private static func identifiers(_ value: JSONValue?) -> [PublisherID] {
        (value?.elements ?? []).compactMap { $0["id"]?.integer(UInt64.self).map(PublisherID.init) }
    }
}
