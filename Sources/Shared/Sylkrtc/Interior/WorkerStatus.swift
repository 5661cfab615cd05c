import Identity
import JSONText

/// How a worker is: the body of `hello` and of a worker's heartbeats.
public struct WorkerStatus: Equatable, Sendable {
    /// Far beyond what one process can serve; front doors may add to it without a thought.
    public static let maximumLoad = 1_000_000_000

    public let slot: SlotID
    /// Participants and feeds it serves.
    public let load: Int
    public let isJanusUp: Bool

    public init(slot: SlotID, load: Int, isJanusUp: Bool) {
        self.slot = slot
        self.load = load
        self.isJanusUp = isJanusUp
    }

    public var encoded: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("slot", slot.description)
            json.member("load", load)
            json.member("janus", isJanusUp)
        }
        return json.bytes
    }

    public static func decode(_ body: [UInt8]) throws(ProtocolError) -> WorkerStatus {
        let fields = try InteriorFields(body)
        guard let slot = SlotID(try fields.string("slot")), let load = fields.object["load"]?.integer(Int.self),
            (0...maximumLoad).contains(load),
            let isJanusUp = fields.object["janus"]?.bool
        else { throw ProtocolError("status: malformed") }
        return WorkerStatus(slot: slot, load: load, isJanusUp: isJanusUp)
    }
}
