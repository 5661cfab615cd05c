/// How much there is of a slot in the registry.
public struct SlotUsage: Equatable, Sendable {
    public var rooms: Int
    /// Publishers and feeds that have not ended.
    public var sessions: Int

    public init(rooms: Int = 0, sessions: Int = 0) {
        self.rooms = rooms
        self.sessions = sessions
    }

    public var isEmpty: Bool { rooms == 0 && sessions == 0 }
}
