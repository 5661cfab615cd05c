import Identity
import Registry

/// What a slot's former holder left: in the registry what was wanted, in Janus what is.
struct Inheritance {
    var sessions: [SessionRow] = []
    var rooms: [RoomRow] = []
    /// The plugin handles of the Janus session; nil: Janus has lost the session, and with it everything.
    var handles: [JanusHandleID]?
    /// Janus's rooms with the slot's mark.
    var janusRooms: Set<JanusRoomID> = []
}
