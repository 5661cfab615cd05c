import Identity
import Sylkrtc

/// Where a session's requests come in: served in order, each answered once. Those that ask for the end are answered when
/// the end has come; what has not begun by then finds nobody.
final class RequestDesk {
    private let voice: SessionVoice
    private var queue: SessionQueue
    /// What has begun and is not answered; of a repeat nothing more than its answer is due.
    private var begun: [RequestSequence: WorkerRequest] = [:]
    /// Requests that ask for the end.
    private var closing: [RequestSequence] = []
    /// The session is about to end: nothing begins any more.
    var isClosed: () -> Bool = { false }
    /// Candidates that have crossed an end which their client has not heard of are taken: nobody needs them any more. Whoever
    /// has asked for the end knows of it.
    var takesLateCandidates: () -> Bool = { false }
    /// Begins a request, which ends in `finish`, or in `close`.
    var serve: (WorkerRequest, RequestSequence) -> Void = { _, _ in }

    /// - Parameter isBusy: the request that creates the session is under way.
    init(_ voice: SessionVoice, isBusy: Bool) {
        self.voice = voice
        queue = SessionQueue(isBusy: isBusy)
    }

    /// The request that creates the session is under way again.
    func beginAgain() { queue.beginAgain() }

    func submit(_ request: WorkerRequest, sequence: RequestSequence) {
        guard begun[sequence] == nil, !closing.contains(sequence), !queue.contains(sequence) else { return }
        guard !queue.isFull, closing.count < SessionQueue.maximum else {
            return voice.answer(.error("too many requests"), to: sequence)
        }
        queue.append(SessionQueue.Item(sequence: sequence, request: request))
        advance()
    }

    func finish(_ sequence: RequestSequence, _ result: Result<JanusReply, JanusError>) {
        switch result {
        case .success: finish(sequence, .ack)
        // The session's end has overtaken the request, in Janus or here.
        case .failure(let error) where error.saysAlreadyGone && isClosed():
            finish(sequence, begun[sequence].map(answerToLate) ?? .unknownSession)
        case .failure(let error): finish(sequence, .error(error.reason))
        }
    }

    func finish(_ sequence: RequestSequence, _ answer: WorkerAnswer) {
        begun[sequence] = nil
        voice.answer(answer, to: sequence)
        queue.finished()
        advance()
    }

    /// The request asks for the session's end and is answered with that.
    func close(with sequence: RequestSequence) {
        begun[sequence] = nil
        closing.append(sequence)
    }

    /// The end has come, or is refused: then what waits goes on.
    func answerClosing(_ answer: WorkerAnswer) {
        guard !closing.isEmpty else { return }
        let answered = closing
        closing = []
        for sequence in answered { voice.answer(answer, to: sequence) }
        queue.finished()
        advance()
    }

    /// Nothing is left of the session.
    func closed() {
        turnAway()
        answerClosing(.ack)
    }

    private func advance() {
        guard queue.isWaiting else { return }
        guard !isClosed() else {
            // What is taken is answered in its turn.
            if begun.isEmpty || !takesLateCandidates() { turnAway() }
            return
        }
        while queue.isWaiting, !isClosed(), let item = queue.next() {
            begun[item.sequence] = item.request
            serve(item.request, item.sequence)
        }
    }

    private func turnAway() {
        for item in queue.removeAll() {
            switch item.request {
            case .terminate, .feedDetach: closing.append(item.sequence)
            case .join, .feedAttach, .feedAnswer, .trickle, .update, .configureRoom, .releaseAccount, .invite,
                .register, .unregister, .call, .accept:
                voice.answer(answerToLate(item.request), to: item.sequence)
            }
        }
    }

    /// Of a request that the session's end has overtaken.
    private func answerToLate(_ request: WorkerRequest) -> WorkerAnswer {
        if case .trickle = request, takesLateCandidates(), closing.isEmpty { .ack } else { .unknownSession }
    }
}
