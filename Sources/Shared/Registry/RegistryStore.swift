import Identity

/// Whether what is done needs the writer's lock.
public enum RegistryAccess: Equatable, Sendable {
    case read
    case write
}

/// What maps rooms and sessions to workers: a port of few, whole operations.
///
/// A store is confined to the thread that made it. Every operation is atomic: it happens as a whole, before or after
/// every other one of any process, or it throws and nothing happened.
///
/// A row is written by its owner only (but for the operator's orders, and for a slot that is given up), and every write
/// that names an owner (a slot or front door with its incarnation) is refused
/// - with ``RegistryError/superseded`` when the name has a larger incarnation by now: the writer exits at once;
/// - with ``RegistryError/unavailable(_:)`` when the name has no row at all, or a smaller incarnation, which happens only
///   when the registry was lost or replaced by an older one: its owner puts it back (``restoreSlot(_:)``, ``restoreFrontdoor(_:)``), then what hangs on it.
///
/// Any operation throws ``RegistryError/unavailable(_:)`` when the registry cannot be reached or does not answer in
/// time. Leases are instants of the caller's host; a store shared by several hosts translates to a clock they share.
public protocol RegistryStore: AnyObject {
    // MARK: Transactions

    /// Runs several operations as one: all of them or, when `body` throws or the commit fails, none.
    ///
    /// May be nested: a throwing inner transaction undoes its own part only, and the outer one may go on. An inner one
    /// asks for no more than the outer one did (a write within a read is a precondition failure).
    func transaction<Value>(
        _ access: RegistryAccess, _ body: () throws(RegistryError) -> Value
    ) throws(RegistryError) -> Value

    /// Frees what the store holds. Every operation afterwards is unavailable.
    func close()

    // MARK: Slots

    /// Gives the slot to a new holder: whoever had it before is superseded from now on. Its rooms and sessions come
    /// with it. The operator's orders stay as they were, the load starts at 0, Janus counts as down until the first
    /// renewal.
    ///
    /// The caller holds the slot's lock file; only that gives the right to do this.
    ///
    /// - Parameter wallClock: milliseconds since 1970 (``Incarnation/following(_:wallClock:)``).
    func takeSlot(
        _ slot: SlotID, endpoint: String, janus: String, weight: Int, wallClock: UInt64, lease: LeaseInstant
    ) throws(RegistryError) -> Incarnation

    /// Puts back the row of a slot that is still held, as after the registry was replaced. Harmless when it is there: the
    /// operator's orders then stay as they are recorded.
    ///
    /// - Throws: ``RegistryError/superseded`` when the row bears a larger incarnation.
    func restoreSlot(_ row: SlotRow) throws(RegistryError)

    /// - Returns: what the operator wants of the holder.
    @discardableResult
    func renewSlot(
        _ owner: RoomOwner, load: Int, servesJanus: Bool, lease: LeaseInstant
    ) throws(RegistryError) -> SlotOrders

    /// Ends the lease at once. The row, its rooms and its sessions stay for the next holder.
    func releaseSlot(_ owner: RoomOwner) throws(RegistryError)

    /// All slots, ordered by name.
    func slots() throws(RegistryError) -> [SlotRow]

    /// How much there is of each slot. Slots that have nothing, and have no row, may be missing.
    func slotUsage() throws(RegistryError) -> [SlotID: SlotUsage]

    // MARK: The operator

    /// Orders a slot to take nothing new; again, to change the deadline.
    ///
    /// - Parameter until: when what is left is ended; nil: never.
    /// - Returns: whether there is such a slot.
    func drainSlot(_ slot: SlotID, until: LeaseInstant?) throws(RegistryError) -> Bool

    /// Takes that back.
    ///
    /// - Returns: whether there is such a slot.
    func undrainSlot(_ slot: SlotID) throws(RegistryError) -> Bool

    // MARK: Giving up

    /// Gives a slot up for its holder, who is superseded from now on, if that is still this incarnation and its lease has
    /// been over for ``AbandonedSlot/patience``. The slot's endpoint becomes empty, by which front doors know; what it has
    /// left is the caller's to clear away, and somebody else's if that has not happened after the same time again.
    ///
    /// - Parameter wallClock: milliseconds since 1970.
    /// - Returns: nil, and nothing was written, when the slot is not to be given up (any more).
    func abandonSlot(
        _ slot: SlotID, incarnation: Incarnation, wallClock: UInt64
    ) throws(RegistryError) -> AbandonedSlot?

    /// Deletes the rooms and the sessions of a slot that was given up. Its row stays, for its incarnation.
    ///
    /// - Parameter owner: ``AbandonedSlot/owner``.
    func freeAbandonedSlot(_ owner: RoomOwner) throws(RegistryError)

    // MARK: Front doors

    /// Starts a new life of a front door: what any earlier one left behind counts for nothing from now on, and what it has
    /// claimed is removed.
    func registerFrontdoor(
        _ id: FrontdoorID, wallClock: UInt64, lease: LeaseInstant
    ) throws(RegistryError) -> Incarnation

    /// Puts back the row of a living front door. Harmless when it is there.
    ///
    /// - Throws: ``RegistryError/superseded`` when the row bears a larger incarnation.
    func restoreFrontdoor(_ row: FrontdoorRow) throws(RegistryError)

    func renewFrontdoor(
        _ id: FrontdoorID, incarnation: Incarnation, lease: LeaseInstant
    ) throws(RegistryError)

    /// Removes the row, and what was claimed, if it is this incarnation's, and does nothing otherwise.
    func releaseFrontdoor(_ id: FrontdoorID, incarnation: Incarnation) throws(RegistryError)

    /// All front doors, ordered by number.
    func frontdoors() throws(RegistryError) -> [FrontdoorRow]

    /// Forgets the front doors whose leases have been over for ``FrontdoorRow/patience``, and what they have claimed. Anybody may
    /// do that: one that lives after all puts everything back.
    ///
    /// - Returns: whom, ordered by number.
    func sweepFrontdoors() throws(RegistryError) -> [FrontdoorID]

    // MARK: Claimed accounts

    /// Records which accounts the front door's connections hold. What is recorded already stays, and that is no error.
    ///
    /// - Precondition: the connections are this life's of this front door.
    func claimAccounts(
        _ accounts: [ClaimedAccount], of id: FrontdoorID, incarnation: Incarnation
    ) throws(RegistryError)

    /// Removes such rows. What is not there is fine, and so is a front door that is not.
    func releaseAccounts(_ accounts: [ClaimedAccount]) throws(RegistryError)

    /// Where accounts are: of each at most ``ClaimedAccount/maximumConnections``, of all ``ClaimedAccount/maximumFound``. Those of front doors whose lease is over, and of
    /// earlier lives, do not count. The cost depends on what is found only.
    func connections(for accounts: [AddressOfRecord]) throws(RegistryError) -> [ClaimedAccount]

    // MARK: Rooms

    func room(_ uri: RoomURI) throws(RegistryError) -> RoomRow?

    /// Makes the room the claimant's (`claim.owner`) unless it is somebody's already. Of several claimants exactly one
    /// gets it. Claiming again what one owns, with the same Janus room, is ``RoomClaimOutcome/claimed`` and writes
    /// nothing.
    func claimRoom(_ claim: RoomRow) throws(RegistryError) -> RoomClaimOutcome

    /// Janus has the room.
    ///
    /// - Throws: ``RegistryError/conflict(_:)`` when the room is not this owner's life of it (any more), likewise below.
    func roomCreated(_ uri: RoomURI, owner: RoomOwner, janusRoom: JanusRoomID) throws(RegistryError)

    /// Who is shown first, which version that is, and which requests the latest ones were made by. The same version again
    /// overwrites; an older one is a conflict.
    func configureRoom(
        _ uri: RoomURI, owner: RoomOwner, janusRoom: JanusRoomID, activeParticipants: [String], originator: String?,
        version: Int64, by requests: [SessionID]
    ) throws(RegistryError)

    /// The room is being taken down.
    func roomDestroying(_ uri: RoomURI, owner: RoomOwner, janusRoom: JanusRoomID) throws(RegistryError)

    /// Removes this life of the room. A row of another slot or with another Janus room stays, and that is no error.
    func releaseRoom(_ uri: RoomURI, owner: RoomOwner, janusRoom: JanusRoomID) throws(RegistryError)

    /// Ordered by address.
    func rooms(of slot: SlotID) throws(RegistryError) -> [RoomRow]

    // MARK: Sessions

    /// Records a session, once, before anything is done for it in Janus. The same session again is fine: `handle` and
    /// `ended` are not compared, and stay as they are recorded.
    ///
    /// - Precondition: the row names the owner's slot.
    /// - Throws: ``RegistryError/conflict(_:)`` when the id is recorded with other content.
    func recordSession(_ row: SessionRow, owner: RoomOwner) throws(RegistryError)

    /// Ids of sessions that are not the owner's, or gone, are passed over.
    func recordHandles(_ handles: [(SessionID, JanusHandleID)], owner: RoomOwner) throws(RegistryError)

    /// By what other handles share a registration's SIP stack (Janus's `master_id`). Ids of sessions that are not the owner's, or
    /// gone, are passed over.
    func recordMasters(_ masters: [(SessionID, UInt64)], owner: RoomOwner) throws(RegistryError)

    /// Ids of sessions that are not the owner's, or gone, are passed over.
    func recordSeenCalls(_ calls: [(SessionID, SeenCalls)], owner: RoomOwner) throws(RegistryError)

    /// The call is about to be sent over this handle, and is never to be sent again.
    ///
    /// - Throws: ``RegistryError/conflict(_:)`` when there is no such session, or it has ended.
    func callSent(_ session: SessionID, handle: JanusHandleID, owner: RoomOwner) throws(RegistryError)

    /// An absent session is fine.
    ///
    /// - Parameter isMissed: it is a call that came in and that nobody took.
    func markEnded(_ session: SessionID, isMissed: Bool, owner: RoomOwner) throws(RegistryError)

    /// Ids of sessions that are not the owner's, or gone, are passed over.
    func deleteSessions(_ sessions: [SessionID], owner: RoomOwner) throws(RegistryError)

    /// Ordered by id.
    func sessions(of slot: SlotID) throws(RegistryError) -> [SessionRow]
}

extension RegistryStore {
    /// Of what cannot be missed.
    public func markEnded(_ session: SessionID, owner: RoomOwner) throws(RegistryError) {
        try markEnded(session, isMissed: false, owner: owner)
    }
}
