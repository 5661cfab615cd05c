import Identity
import Registry
import Sylkrtc

/// Which calls of a registration its client is yet to be told of as missed (E04), and which calls its handles have had: so that those
/// are found that came and went while no worker looked.
///
/// Janus tells a successor one thing only: whose call a handle had last. It forgets that when the call was ended from here, and
/// with the next call. So what is compared is callers: somebody who calls twice in a row, the second time while nobody looks,
/// cannot be told from somebody who called once.
struct CallTrail {
    /// A call that nobody has been told of.
    struct Untold: Equatable {
        /// A front door that is told again knows it by that and its caller. Of a call that nobody saw it is one more than the last,
        /// and a successor that finds it again gives it the same; of others it is that of the call, beyond those.
        let number: UInt64
        let caller: Caller
        /// On which nobody saw it.
        fileprivate var handle: JanusHandleID?
        /// The handle has had no other call since.
        fileprivate var isLatest = false
    }

    /// Whoever is called more often while nobody can be told is told of the latest.
    static let maximumUntold = 16

    /// As it is to be recorded.
    private(set) var seen: SeenCalls
    private(set) var untold: [Untold] = []
    /// Otherwise an earlier version has looked after the handles, and whatever is found there counts as seen.
    private let isKnown: Bool

    init() {
        seen = SeenCalls()
        isKnown = true
    }

    /// A predecessor's.
    init(_ recorded: SeenCalls?) {
        seen = recorded ?? SeenCalls()
        isKnown = recorded != nil
    }

    /// Whose call is the last that is dealt with.
    subscript(handle: JanusHandleID) -> String? { seen.callers[handle] }

    /// A call comes in, and somebody looks after it.
    mutating func came(from caller: String, on handle: JanusHandleID) {
        seen.callers[handle] = caller
        outdate(handle)
    }

    /// Janus forgets who called: the call was ended from here.
    mutating func ended(on handle: JanusHandleID) {
        seen.callers[handle] = nil
        outdate(handle)
    }

    /// A predecessor's handle is in no call.
    ///
    /// - Parameters:
    ///   - caller: whom it names; nil: nobody.
    ///   - dealtWith: who has called there of whom others have been told, or will be.
    ///   - before: what was seen of it when Janus was asked: calls may have come since.
    /// - Returns: whether that is a call that nobody has been told of.
    @discardableResult
    mutating func found(
        _ caller: String?, on handle: JanusHandleID, dealtWith: Set<String>, before: String?
    ) -> Bool {
        guard let caller else {
            if seen.callers[handle] == before { seen.callers[handle] = nil }
            return false
        }
        guard caller != before, caller != seen.callers[handle] else { return false }
        let isLatest = seen.callers[handle] == before
        if isKnown, !dealtWith.contains(caller) {
            unseen(caller, on: handle, isLatest: isLatest)
            return true
        }
        if isLatest { seen.callers[handle] = caller }
        return false
    }

    /// A predecessor's handle has had a call that is over, and that nobody has been told of.
    @discardableResult
    mutating func unseen(_ caller: String, on handle: JanusHandleID, isLatest: Bool = true) -> Untold {
        let number = (untold.last { $0.handle != nil }?.number ?? seen.number) &+ 1
        return add(
            Untold(
                number: number, caller: Caller(uri: caller, displayName: ""), handle: handle, isLatest: isLatest))
    }

    /// A call that somebody has looked after is over.
    ///
    /// - Parameter number: the call's.
    /// - Returns: nil: that is known already.
    @discardableResult
    mutating func missed(_ caller: Caller, _ number: UInt64) -> Untold? {
        guard !untold.contains(where: { $0.number == number }) else { return nil }
        return add(Untold(number: number, caller: caller))
    }

    private mutating func add(_ call: Untold) -> Untold {
        untold.append(call)
        if untold.count > Self.maximumUntold { untold.removeFirst() }
        return call
    }

    /// The front door has it.
    mutating func told(_ number: UInt64) {
        guard let index = untold.firstIndex(where: { $0.number == number }) else { return }
        let call = untold.remove(at: index)
        guard let handle = call.handle else { return }
        seen.number = max(seen.number, number)
        if call.isLatest { seen.callers[handle] = call.caller.uri }
    }

    /// Others are gone, and with them what they had.
    mutating func keep(_ handles: some Collection<JanusHandleID>) {
        seen.callers = seen.callers.filter { handles.contains($0.key) }
    }

    private mutating func outdate(_ handle: JanusHandleID) {
        for index in untold.indices where untold[index].handle == handle { untold[index].isLatest = false }
    }
}
