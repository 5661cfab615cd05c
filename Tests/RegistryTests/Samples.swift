import Identity
import Registry
import Testing

// Names for the rows of tests, short enough to read in a line.

func slot(_ number: Int) throws -> SlotID { try #require(SlotID("host1/\(number)")) }

func uri(_ name: String) throws -> RoomURI { try #require(RoomURI("\(name)@conference.example.org")) }

func session(_ number: Int) throws -> SessionID { try #require(SessionID("f1.abc.0.7.\(number)")) }

extension LeaseInstant {
    static var soon: LeaseInstant { .now().advanced(byMilliseconds: 60_000) }
}

extension RegistryStore {
    /// Takes a slot, the wall clock being at `wallClock`.
    func take(_ slot: SlotID, wallClock: UInt64 = 1) throws(RegistryError) -> RoomOwner {
        let incarnation = try takeSlot(
            slot, endpoint: "ipc:///run/continuo/\(slot.number)", janus: "ws://127.0.0.1:8188", weight: 1,
            wallClock: wallClock, lease: .soon)
        return RoomOwner(slot: slot, incarnation: incarnation)
    }
}

func claim(_ uri: RoomURI, by owner: RoomOwner, janusRoom: UInt64 = 1) -> RoomRow {
    RoomRow(uri: uri, owner: owner, janusRoom: JanusRoomID(rawValue: janusRoom), configuration: #"{"codec":"vp9"}"#)
}

func publisher(_ id: SessionID, on slot: SlotID, account: String = "alice@example.org") throws -> SessionRow {
    SessionRow(
        id: id, slot: slot, clientSession: try #require(ClientSessionID("video1")),
        account: try #require(AddressOfRecord(account)), displayName: "Alice Ünal", role: .publisher,
        room: try uri("dev"))
}
