import Identity
import JSONText
import NIOCore
import Sylkrtc

/// One plugin handle. Messages leave one at a time: Janus reorders those that are pipelined on a handle. `Purpose` says
/// what a message was for, so that the event with its outcome can be told from the handle's other events.
final class JanusHandle<Purpose> {
    let id: JanusHandleID
    private let gateway: JanusGateway
    private let session: JanusSessionID
    private var waiting: [Message] = []
    /// A message has left, and Janus has not said yet that it took it.
    private var isBusy = false
    /// How many rests are not over.
    private var rests = 0
    /// Detaches that wait for that; of several only the first finds a handle.
    private var detaching: [JanusGateway.Completion] = []
    /// Messages whose asynchronous outcome is still to come.
    private var purposes: [String: Purpose] = [:]

    private let receive: (JanusEvent, Purpose?) -> Void
    private let question: Body?
    /// A dead process may have asked for something that Janus has not come to yet.
    private var mayOweOthers: Bool

    typealias Body = (inout JSONWriter) -> Void

    private struct Message {
        let purpose: Purpose
        let body: Body
        let description: (type: StaticString, SessionDescription)?
        let completion: JanusGateway.Completion
    }

    /// - Parameters:
    ///   - question: of a plugin that must have done what it was asked for when a handle goes: what it answers by an event,
    ///     whatever the handle is at. It is asked, and the answer awaited, before a detach that may come too early.
    ///   - isInherited: a dead process may have used the handle.
    ///   - receive: events of the handle, with the purpose of the message that caused them where Janus says so; nothing
    ///     before ``receiveEvents()``.
    init(
        _ id: JanusHandleID, session: JanusSessionID, gateway: JanusGateway, question: Body? = nil,
        isInherited: Bool = false,
        receive: @escaping (JanusEvent, Purpose?) -> Void
    ) {
        self.id = id
        self.question = question
        mayOweOthers = isInherited
        self.session = session
        self.gateway = gateway
        self.receive = receive
    }

    /// From now on; what was kept comes at once.
    func receiveEvents() {
        gateway.route(id) { [weak self, receive] event in
            let purpose = event.transaction.flatMap { self?.purposes.removeValue(forKey: $0) }
            // It is behind everything that was asked before.
            if purpose != nil { self?.mayOweOthers = false }
            receive(event, purpose)
        }
    }

    /// Sends a plugin message when those before it have been accepted. `completion` tells the acceptance (`ack`) or the
    /// synchronous result; the outcome of asynchronous ones comes as an event, which may overtake the acceptance.
    func message(
        _ purpose: Purpose, description: (type: StaticString, SessionDescription)? = nil,
        body: @escaping Body,
        completion: @escaping JanusGateway.Completion
    ) {
        waiting.append(Message(purpose: purpose, body: body, description: description, completion: completion))
        sendNext()
    }

    /// Janus is not ready for messages yet: they wait for so long. Candidates and a detach do not.
    func rest(_ time: TimeAmount) {
        rests += 1
        let bound = NIOLoopBound(self, eventLoop: gateway.loop)
        gateway.loop.scheduleTask(in: time) {
            bound.value.rests -= 1
            bound.value.sendNext()
        }
    }

    /// ICE candidates; not a plugin message, so it waits for nothing. An empty list ends them.
    func trickle(_ candidates: [Candidate], completion: @escaping JanusGateway.Completion) {
        gateway.request("trickle", session: session, handle: id) { json in
            switch candidates.count {
            case 0: json.object("candidate") { $0.member("completed", true) }
            case 1:
                json.name("candidate")
                candidates[0].write(to: &json)
            default:
                json.array("candidates") { json in
                    for candidate in candidates { candidate.write(to: &json) }
                }
            }
        } completion: {
            completion($0)
        }
    }

    /// Gives the handle up. Nothing is received any more; what waits to be sent has failed.
    ///
    /// The message that has left is awaited first, for as long as any request. Janus takes messages on other threads
    /// than the detach, and touches what the detach has freed: it crashes, with everybody in it (Janus 1.1.2,
    /// `janus_plugin_session_is_alive`). Where there is a question for it, so is the outcome of what was asked before, by whomever.
    func detach(completion: @escaping JanusGateway.Completion) {
        forget()
        guard !isBusy else { return detaching.append(completion) }
        guard let question, mayOweOthers || !purposes.isEmpty else {
            gateway.request("detach", session: session, handle: id, completion: completion)
            return
        }
        mayOweOthers = false
        purposes = [:]
        detaching.append(completion)
        ask(question)
    }

    /// Until it is answered the handle is busy.
    private func ask(_ question: Body) {
        isBusy = true
        gateway.ask(question, session: session, handle: id) { [self] answer in
            isBusy = false
            switch answer {
            case .given: detachWaiting()
            // Whoever has the handle now decides what becomes of it.
            case .void: failWaiting(.linkLost)
            }
        }
    }

    private func failWaiting(_ error: JanusError) {
        let waiting = detaching
        detaching = []
        for completion in waiting { completion(.failure(error)) }
    }

    private func detachWaiting() {
        let waiting = detaching
        detaching = []
        for completion in waiting { detach(completion: completion) }
    }

    /// Janus has removed the handle on its own.
    func forget() {
        gateway.route(id, to: nil)
        let dropped = waiting
        waiting = []
        for message in dropped { message.completion(.failure(.core(code: 459, reason: "the handle is gone"))) }
    }

    private func sendNext() {
        guard !isBusy, rests == 0, !waiting.isEmpty else { return }
        let message = waiting.removeFirst()
        isBusy = true
        // The reply arrives on a later tick at the earliest, when the transaction is known.
        var transaction = ""
        transaction = gateway.request("message", session: session, handle: id) { json in
            json.object("body") { message.body(&$0) }
            if let (type, description) = message.description {
                json.object("jsep") { json in
                    json.member("type", type.description)
                    json.member("sdp", description.text)
                }
            }
        } completion: { [self] result in
            switch result {
            case .success(.accepted): break
            // It may have been taken all the same.
            case .failure(.timedOut): mayOweOthers = true
            // No event follows a refusal or a synchronous result.
            case .failure, .success(.done): purposes[transaction] = nil
            }
            isBusy = false
            message.completion(result)
            detaching.isEmpty ? sendNext() : detachWaiting()
        }
        if gateway.isOpen { purposes[transaction] = message.purpose }
    }
}
