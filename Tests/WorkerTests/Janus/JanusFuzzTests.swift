import Identity
import JSONText
import Sylkrtc
import TestSupport
import Testing

@testable import Worker

/// Everything that Janus says, from a corpus of its messages.
@Suite struct JanusFuzzTests {
    /// What reaches logs and clients of a text that Janus has written.
    private static let longest = 512

    @Test func `Whatever Janus says is read or refused, and what is repeated of it is short`() {
        let finding = Fuzzing("janus", from: "janus").run { input in
            let message: JanusMessage
            do throws(JanusError) {
                message = try JanusMessage.decode(input)
            } catch {
                return try Self.check(error.reason)
            }
            switch message {
            case .reply(_, .failure(let error)), .unattributed(let error): try Self.check(error.reason)
            case .reply(_, .success(let reply)): try Self.look(at: reply)
            case .event(let event): try Self.look(at: event)
            case .sessionTimedOut: break
            }
        }
        #expect(finding == nil)
    }

    private static func look(at reply: JanusReply) throws {
        _ = reply.identifier
        _ = RoomMessage.rooms(in: reply, marked: "c1:main:host1/1:room")
        guard case .done(let root) = reply else { return }
        for verdict in JanusServerInfo(root)?.verdicts ?? [] {
            switch verdict {
            case .unusable(let text), .degraded(let text): try check(text)
            }
        }
        guard let info = root["info"].map({ HandleInfo(handle(9), $0) }) else { return }
        let observation = info.observation(as: publisher(42))
        guard !(info.isHungUp && observation.answer != nil) else { throw Fuzzing.Finding("an answer without media") }
        _ = (info.feedObservation, info.bitrate, info.isInUse, OpaqueID(info.opaqueID))
        try check("\(info.sip?.peer ?? "")\(info.sip?.username ?? "")", atMost: 2 * longest)
    }

    private static func look(at event: JanusEvent) throws {
        try check("\(event.kind)")
        for type in ["offer", "answer"] {
            guard let description = event.description(of: type) else { continue }
            // It is spliced into other messages as it is.
            let told = WorkerEvent.state(.accepted(answer: SessionDescription(description)))
            guard try WorkerEvent.decode(told.encoded) == told else { throw Fuzzing.Finding("it cannot be spliced") }
        }
        switch event.data.map(VideoRoomEvent.init) {
        case .failed(let error): try check(error.reason)
        case .unknown(let text), .expelled(let text): try check(text)
        case .joined, .publishers, .gone, .left, .attached, .updated, .confirmation, nil: break
        }
        try lookAtPhone(event)
    }

    private static func lookAtPhone(_ event: JanusEvent) throws {
        switch event.data.map(SIPEvent.init) {
        case .failed(let error, let callID): try check("\(error.reason)\(callID ?? "")", atMost: 2 * longest)
        case .unknown(let text): try check(text)
        case .registrationFailed(_, let reason): try check(reason)
        case .hangup(let hangup): try check(hangup.text)
        case .missedCall(let caller): try check(caller)
        case .incomingCall(let call):
            guard !call.callID.isEmpty else { throw Fuzzing.Finding("a call without a name") }
            try check(call.callID)
            try check(call.caller)
        case .calling(let callID): try check(callID)
        case .registering, .registered, .unregistered, .ringing, .proceeding, .progress, .accepted, .declining,
            .hangingUp, .reset, .confirmation, .unreadableCall, nil:
            break
        }
    }

    private static func check(_ caller: Caller) throws {
        guard (1...255).contains(caller.uri.utf8.count), caller.displayName.utf8.count <= MessageLimits.displayName
        else {
            throw Fuzzing.Finding("a caller of \(caller.uri.utf8.count) and \(caller.displayName.utf8.count) bytes")
        }
    }

    private static func check(_ text: String, atMost longest: Int = longest) throws {
        guard text.utf8.count <= longest else {
            throw Fuzzing.Finding("a text of \(text.utf8.count) bytes is repeated")
        }
    }
}
