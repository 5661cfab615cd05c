/// Why something asked of Janus did not happen. Janus tells errors in three shapes (architecture page, "Janus"); here they
/// are one type.
enum JanusError: Error, Equatable, Sendable {
    /// The core refused (`"janus":"error"`): secret, session, handle, JSON, jsep.
    case core(code: Int, reason: String)
    /// The plugin refused, in a `success` or in an event.
    case plugin(code: Int, reason: String)
    /// No reply within the deadline.
    case timedOut
    /// The WebSocket went down before the reply.
    case linkLost
    /// A reply without the members it must have.
    case malformed(String)

    /// In words, for a client and for logs: Janus's own where it gave any.
    var reason: String {
        switch self {
        case .core(_, let reason), .plugin(_, let reason): reason
        case .timedOut: "request timed out"
        case .linkLost: "the media server is not connected"
        case .malformed(let problem): "the media server's answer is unusable: \(problem)"
        }
    }

    /// The code of Janus, whichever layer it came from.
    var code: Int? {
        switch self {
        case .core(let code, _), .plugin(let code, _): code
        case .timedOut, .linkLost, .malformed: nil
        }
    }

    /// What was asked for has been done before (425 joined already, 436 the id is in the room, 469 the answer was taken): a
    /// success for whoever repeats.
    var saysAlreadyDone: Bool {
        switch self {
        case .core(let code, _): code == 469
        case .plugin(let code, _): code == 425 || code == 436
        case .timedOut, .linkLost, .malformed: false
        }
    }

    /// What was to be removed is not there: a success for whoever removes (458 session, 459 handle, 424 never joined,
    /// 426 no such room).
    var saysAlreadyGone: Bool {
        switch self {
        case .core(let code, _): code == 458 || code == 459
        case .plugin(let code, _): code == 424 || code == 426
        case .timedOut, .linkLost, .malformed: false
        }
    }
}
