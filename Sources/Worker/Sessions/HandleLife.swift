import Identity

/// The steps every session's handle goes through, whatever the session is for: recorded in the registry before anything
/// is done, attached, used, left, detached, marked as ended. A publisher's or feed's machine embeds one.
///
/// An end may be asked for in any state; what is under way is awaited first, because only its outcome tells what there is
/// to undo. Undoing is best effort and always complete (D36, D52).
struct HandleLife: Equatable {
    enum State: Equatable {
        /// Nothing has been done. → recording, over
        case idle
        /// The row is on its way. → attaching, marking
        case recording
        /// A predecessor's row is there; whether a handle is, is being looked at. → attached, attaching, marking
        case inherited
        /// The attach is on its way. → attached, detaching, marking
        case attaching
        /// In use. → leaving, detaching, marking
        case attached(JanusHandleID)
        /// Janus is told that we leave; a timer of the embedding machine bounds it. → detaching, attached
        case leaving(JanusHandleID)
        /// → marking
        case detaching(JanusHandleID)
        /// The row is being marked as ended. → over
        case marking
        /// Nothing is left but the row, which goes when the front door has acknowledged what it was told.
        case over
    }

    enum Action: Equatable {
        case none
        case record
        case attach
        /// The handle can be used.
        case ready(JanusHandleID)
        case leave(JanusHandleID)
        case detach(JanusHandleID)
        case markEnded
        case over
    }

    private(set) var state: State
    private(set) var isEnding = false

    /// The handle, as long as messages may be sent on it.
    var usable: JanusHandleID? {
        switch state {
        case .attached(let handle), .leaving(let handle): handle
        case .idle, .recording, .inherited, .attaching, .detaching, .marking, .over: nil
        }
    }

    /// Of a session that a predecessor has recorded.
    static let inherited = HandleLife(state: .inherited)

    private init(state: State) { self.state = state }

    init() { state = .idle }

    mutating func begun() -> Action {
        guard !isEnding else { return .none }
        switch state {
        case .idle:
            state = .recording
            return .record
        case .inherited:
            state = .attaching
            return .attach
        case .recording, .attaching, .attached, .leaving, .detaching, .marking, .over: return .none
        }
    }

    /// The predecessor's handle was found in Janus.
    mutating func found(_ handle: JanusHandleID) {
        guard state == .inherited else { return }
        state = .attached(handle)
    }

    mutating func recorded() -> Action {
        guard state == .recording else { return .none }
        guard !isEnding else { return mark() }
        state = .attaching
        return .attach
    }

    /// The row could not be written, so there is nothing to mark either.
    mutating func recordingFailed() -> Action {
        guard state == .recording else { return .none }
        isEnding = true
        state = .over
        return .over
    }

    mutating func attached(_ handle: JanusHandleID) -> Action {
        guard state == .attaching else { return .none }
        guard !isEnding else {
            state = .detaching(handle)
            return .detach(handle)
        }
        state = .attached(handle)
        return .ready(handle)
    }

    /// The handle is of no use any more, and another one takes its place.
    mutating func exchanged() -> Action {
        guard case .attached = state, !isEnding else { return .none }
        state = .attaching
        return .attach
    }

    mutating func attachFailed() -> Action {
        guard state == .attaching else { return .none }
        isEnding = true
        return mark()
    }

    /// Another handle takes its place.
    ///
    /// - Returns: the one it replaces, which is not this session's any more; nil: there is none to replace.
    mutating func replaced(by handle: JanusHandleID) -> JanusHandleID? {
        guard case .attached(let old) = state else { return nil }
        state = .attached(handle)
        return old
    }

    /// - Parameter leavingFirst: Janus is told before the handle is detached.
    mutating func end(leavingFirst: Bool) -> Action {
        guard !isEnding else { return .none }
        isEnding = true
        switch state {
        case .idle:
            state = .over
            return .over
        case .attached(let handle):
            state = leavingFirst ? .leaving(handle) : .detaching(handle)
            return leavingFirst ? .leave(handle) : .detach(handle)
        case .inherited: return mark()
        case .recording, .attaching, .leaving, .detaching, .marking, .over: return .none
        }
    }

    /// Janus has let us go, or has had the time to. Waiting for that is given up, too, when nobody waits any more.
    mutating func left() -> Action {
        guard case .leaving(let handle) = state else { return .none }
        state = .detaching(handle)
        return .detach(handle)
    }

    /// Janus refused to let us go: all is as it was.
    mutating func leaveRefused() {
        guard case .leaving(let handle) = state else { return }
        isEnding = false
        state = .attached(handle)
    }

    /// Detached, or found to be gone.
    mutating func detached() -> Action {
        guard case .detaching = state else { return .none }
        return mark()
    }

    /// Janus removed the handle, or forgot everything: there is nothing to detach.
    mutating func vanished() -> Action {
        isEnding = true
        switch state {
        case .attached, .leaving, .detaching, .inherited: return mark()
        case .idle:
            state = .over
            return .over
        case .recording, .attaching, .marking, .over: return .none
        }
    }

    mutating func marked() -> Action {
        guard state == .marking else { return .none }
        state = .over
        return .over
    }

    private mutating func mark() -> Action {
        state = .marking
        return .markEnded
    }
}
