import Identity
import Sylkrtc

/// Where a session's requests come in: served in order, each answered once. Those that ask for the end are answered when
/// the end has come; what has not begun by then finds nobody.
final class RequestDesk {
    private let connection: ConnectionID
    private let outbox: any Outbox
    private var queue = SessionQueue(isBusy: true)
    /// Requests that ask for the end.
    private var closing: [RequestSequence] = []
    /// The session is about to end: nothing begins any more.
    var isClosed: () -> Bool = { false }
    /// Begins a request, which ends in `finish`, or in `close`.
    var serve: (WorkerRequest, RequestSequence) -> Void = { _, _ in }

    /// The request that creates the session is under way.
    init(_ connection: ConnectionID, outbox: any Outbox) {
        self.connection = connection
        self.outbox = outbox
    }

    func submit(_ request: WorkerRequest, sequence: RequestSequence) {
        queue.append(SessionQueue.Item(sequence: sequence, request: request))
        advance()
    }

    func finish(_ sequence: RequestSequence, _ result: Result<JanusReply, JanusError>) {
        switch result {
        case .success: finish(sequence, .ack)
        case .failure(let error): finish(sequence, .error(error.reason))
        }
    }

    func finish(_ sequence: RequestSequence, _ answer: WorkerAnswer) {
        outbox.answer(answer, to: sequence, of: connection)
        queue.finished()
        advance()
    }

    /// The request asks for the session's end and is answered with that.
    func close(with sequence: RequestSequence) { closing.append(sequence) }

    /// The end has come, or is refused: then what waits goes on.
    func answerClosing(_ answer: WorkerAnswer) {
        guard !closing.isEmpty else { return }
        let answered = closing
        closing = []
        for sequence in answered { outbox.answer(answer, to: sequence, of: connection) }
        queue.finished()
        advance()
    }

    /// Nothing is left of the session.
    func closed() {
        turnAway()
        answerClosing(.ack)
    }

    private func advance() {
        guard !isClosed() else { return turnAway() }
        while !isClosed(), let item = queue.next() { serve(item.request, item.sequence) }
    }

    private func turnAway() {
        for item in queue.removeAll() {
            switch item.request {
            case .terminate, .feedDetach: closing.append(item.sequence)
            case .join, .feedAttach, .feedAnswer, .trickle, .update, .releaseAccount:
                outbox.answer(.unknownSession, to: item.sequence, of: connection)
            }
        }
    }
}
