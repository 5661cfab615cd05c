import Foundation
import Identity
import Registry

/// A process's registry: every write is a moment at which it may die, and a dead process writes nothing.
final class MortalStore: RegistryStore {
    private let base: any RegistryStore
    private let fate: Fate
    private var isOver = false

    init(_ base: any RegistryStore, _ fate: Fate) {
        self.base = base
        self.fate = fate
    }

    private func write<Value>(
        _ name: String, _ body: () throws(RegistryError) -> Value
    ) throws(RegistryError) -> Value {
        guard !isOver else { throw .unavailable("dead") }
        let side = fate.due(.write, name)
        guard fate.isLethal else {
            if side != nil { fate.doom() }
            return try body()
        }
        switch side {
        case nil: return try body()
        case .before:
            isOver = true
            fate.doom()
            throw .unavailable("dead")
        case .after:
            let value = try body()
            isOver = true
            fate.doom()
            return value
        }
    }

    func transaction<Value>(
        _ access: RegistryAccess, _ body: () throws(RegistryError) -> Value
    ) throws(RegistryError) -> Value { try base.transaction(access, body) }

    func close() { base.close() }

    func takeSlot(
        _ slot: SlotID, endpoint: String, janus: String, weight: Int, wallClock: UInt64, lease: LeaseInstant
    ) throws(RegistryError) -> Incarnation {
        try base.takeSlot(
            slot, endpoint: endpoint, janus: janus, weight: weight, wallClock: wallClock, lease: lease)
    }

    func restoreSlot(_ row: SlotRow) throws(RegistryError) { try base.restoreSlot(row) }

    func renewSlot(
        _ owner: RoomOwner, load: Int, servesJanus: Bool, lease: LeaseInstant
    ) throws(RegistryError) -> SlotOrders {
        guard !isOver else { throw .unavailable("dead") }
        return try base.renewSlot(owner, load: load, servesJanus: servesJanus, lease: lease)
    }

    func slotUsage() throws(RegistryError) -> [SlotID: SlotUsage] { try base.slotUsage() }

    func drainSlot(_ slot: SlotID, until: LeaseInstant?) throws(RegistryError) -> Bool {
        try base.drainSlot(slot, until: until)
    }

    func undrainSlot(_ slot: SlotID) throws(RegistryError) -> Bool { try base.undrainSlot(slot) }

    func abandonSlot(
        _ slot: SlotID, incarnation: Incarnation, wallClock: UInt64
    ) throws(RegistryError) -> AbandonedSlot? {
        try base.abandonSlot(slot, incarnation: incarnation, wallClock: wallClock)
    }

    func freeAbandonedSlot(_ owner: RoomOwner) throws(RegistryError) { try base.freeAbandonedSlot(owner) }

    func releaseSlot(_ owner: RoomOwner) throws(RegistryError) { try base.releaseSlot(owner) }

    func slots() throws(RegistryError) -> [SlotRow] { try base.slots() }

    func registerFrontdoor(
        _ id: FrontdoorID, wallClock: UInt64, lease: LeaseInstant
    ) throws(RegistryError) -> Incarnation { try base.registerFrontdoor(id, wallClock: wallClock, lease: lease) }

    func restoreFrontdoor(_ row: FrontdoorRow) throws(RegistryError) { try base.restoreFrontdoor(row) }

    func renewFrontdoor(_ id: FrontdoorID, incarnation: Incarnation, lease: LeaseInstant) throws(RegistryError) {
        try base.renewFrontdoor(id, incarnation: incarnation, lease: lease)
    }

    func releaseFrontdoor(_ id: FrontdoorID, incarnation: Incarnation) throws(RegistryError) {
        try base.releaseFrontdoor(id, incarnation: incarnation)
    }

    func frontdoors() throws(RegistryError) -> [FrontdoorRow] { try base.frontdoors() }

    func sweepFrontdoors() throws(RegistryError) -> [FrontdoorID] { try base.sweepFrontdoors() }

    func claimAccounts(
        _ accounts: [ClaimedAccount], of id: FrontdoorID, incarnation: Incarnation
    ) throws(RegistryError) { try base.claimAccounts(accounts, of: id, incarnation: incarnation) }

    func releaseAccounts(_ accounts: [ClaimedAccount]) throws(RegistryError) { try base.releaseAccounts(accounts) }

    func connections(for accounts: [AddressOfRecord]) throws(RegistryError) -> [ClaimedAccount] {
        try write("resolve") { () throws(RegistryError) in try base.connections(for: accounts) }
    }

    func room(_ uri: RoomURI) throws(RegistryError) -> RoomRow? { try base.room(uri) }

    func claimRoom(_ claim: RoomRow) throws(RegistryError) -> RoomClaimOutcome {
        try write("claim room") { () throws(RegistryError) in try base.claimRoom(claim) }
    }

    func roomCreated(_ uri: RoomURI, owner: RoomOwner, janusRoom: JanusRoomID) throws(RegistryError) {
        try write("room created") { () throws(RegistryError) in
            try base.roomCreated(uri, owner: owner, janusRoom: janusRoom)
        }
    }

    func configureRoom(
        _ uri: RoomURI, owner: RoomOwner, janusRoom: JanusRoomID, activeParticipants: [String], originator: String?,
        version: Int64, by requests: [SessionID]
    ) throws(RegistryError) {
        try write("configure room") { () throws(RegistryError) in
            try base.configureRoom(
                uri, owner: owner, janusRoom: janusRoom, activeParticipants: activeParticipants,
                originator: originator, version: version, by: requests)
        }
    }

    func roomDestroying(_ uri: RoomURI, owner: RoomOwner, janusRoom: JanusRoomID) throws(RegistryError) {
        try write("room destroying") { () throws(RegistryError) in
            try base.roomDestroying(uri, owner: owner, janusRoom: janusRoom)
        }
    }

    func releaseRoom(_ uri: RoomURI, owner: RoomOwner, janusRoom: JanusRoomID) throws(RegistryError) {
        try write("release room") { () throws(RegistryError) in
            try base.releaseRoom(uri, owner: owner, janusRoom: janusRoom)
        }
    }

    func rooms(of slot: SlotID) throws(RegistryError) -> [RoomRow] { try base.rooms(of: slot) }

    func recordSession(_ row: SessionRow, owner: RoomOwner) throws(RegistryError) {
        try write("record session") { () throws(RegistryError) in try base.recordSession(row, owner: owner) }
    }

    func recordHandles(_ handles: [(SessionID, JanusHandleID)], owner: RoomOwner) throws(RegistryError) {
        try write("record handles") { () throws(RegistryError) in try base.recordHandles(handles, owner: owner) }
    }

    func recordSeenCalls(_ calls: [(SessionID, SeenCalls)], owner: RoomOwner) throws(RegistryError) {
        try write("record calls") { () throws(RegistryError) in try base.recordSeenCalls(calls, owner: owner) }
    }

    func recordMasters(_ masters: [(SessionID, UInt64)], owner: RoomOwner) throws(RegistryError) {
        try write("record masters") { () throws(RegistryError) in try base.recordMasters(masters, owner: owner) }
    }

    func callSent(_ session: SessionID, handle: JanusHandleID, owner: RoomOwner) throws(RegistryError) {
        try write("call sent") { () throws(RegistryError) in
            try base.callSent(session, handle: handle, owner: owner)
        }
    }

    func markEnded(_ session: SessionID, isMissed: Bool, owner: RoomOwner) throws(RegistryError) {
        try write("mark ended") { () throws(RegistryError) in
            try base.markEnded(session, isMissed: isMissed, owner: owner)
        }
    }

    func deleteSessions(_ sessions: [SessionID], owner: RoomOwner) throws(RegistryError) {
        try write("delete sessions") { () throws(RegistryError) in try base.deleteSessions(sessions, owner: owner) }
    }

    func sessions(of slot: SlotID) throws(RegistryError) -> [SessionRow] { try base.sessions(of: slot) }
}
