import Bus
import Identity
import NIOCore
import Sylkrtc

/// A message to a worker. It becomes bytes when it leaves.
enum Departure {
    /// A part of what this loop holds there.
    case list(ConnectionList)
    /// - Parameter isRepeat: it may have arrived before.
    case request(WorkerRequest, RequestSequence, of: ConnectionID, deadline: NIODeadline, isRepeat: Bool = false)
    case release(SessionID)
    case gone(ConnectionID)

    var kind: MessageKind {
        switch self {
        case .list: .list
        case .request: .request
        case .release: .release
        case .gone: .gone
        }
    }

    var body: [UInt8] {
        switch self {
        case .list(let list): list.encoded
        case .request(let request, _, _, _, _): request.encoded
        case .release, .gone: []
        }
    }

    var connection: ConnectionID? {
        switch self {
        case .list: nil
        case .request(_, _, let connection, _, _), .gone(let connection): connection
        case .release(let session): session.connection
        }
    }

    var request: RequestSequence? {
        switch self {
        case .list, .gone: nil
        case .request(_, let sequence, _, _, _): sequence
        case .release(let session): session.request
        }
    }

    /// Milliseconds that are left of it.
    func deadline(at now: NIODeadline) -> UInt32? {
        switch self {
        case .list, .release, .gone: nil
        case .request(_, _, _, let deadline, _): UInt32(clamping: max(0, (deadline - now).nanoseconds / 1_000_000))
        }
    }

    var isRepeat: Bool {
        switch self {
        case .list, .release, .gone: false
        case .request(_, _, _, _, let isRepeat): isRepeat
        }
    }
}
