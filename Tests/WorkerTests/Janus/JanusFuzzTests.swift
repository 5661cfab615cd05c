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
    }

    private static func check(_ text: String) throws {
        guard text.utf8.count <= longest else {
            throw Fuzzing.Finding("a text of \(text.utf8.count) bytes is repeated")
        }
    }
}
