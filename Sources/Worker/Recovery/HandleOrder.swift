import Identity
import Registry

/// In which order a predecessor's handles are looked at.
struct HandleOrder {
    /// No row names them.
    let unnamed: [JanusHandleID]
    /// Of publishers, room by room.
    let publishers: [JanusHandleID]
    /// Of registrations and calls.
    let phones: [JanusHandleID]
    let feeds: [JanusHandleID]
    /// The rooms of the publishers.
    let rooms: [JanusHandleID: RoomURI]

    /// - Parameters:
    ///   - handles: what Janus has.
    ///   - rows: of sessions that have not ended.
    init(_ handles: [JanusHandleID], _ rows: [SessionRow]) {
        var rooms: [JanusHandleID: RoomURI] = [:]
        var ofFeeds: Set<JanusHandleID> = []
        var ofPhones: Set<JanusHandleID> = []
        for row in rows {
            guard let handle = row.handle else { continue }
            switch row.role {
            case .publisher: rooms[handle] = row.room
            case .registration, .call: ofPhones.insert(handle)
            case .subscriber: ofFeeds.insert(handle)
            }
        }
        let byRoom = Dictionary(grouping: handles.filter { rooms[$0] != nil }) { rooms[$0] }
        publishers = byRoom.values.flatMap { $0 }
        phones = handles.filter { ofPhones.contains($0) }
        feeds = handles.filter { ofFeeds.contains($0) }
        unnamed = handles.filter { rooms[$0] == nil && !ofFeeds.contains($0) && !ofPhones.contains($0) }
        self.rooms = rooms
    }
}
