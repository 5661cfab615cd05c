import Foundation
import Identity
import JSONText
import Sylkrtc

@testable import Worker

/// A front door that writes down what it is told, a line each: `1/2 ack` answers request 2 of connection 1,
/// `1/2: progress` is an event of the session that this request made.
final class RecordingOutbox: Outbox {
    private var lines: [String] = []
    private var waiting: [(owner: FrontdoorLoopID, action: () -> Void)] = []

    /// Front doors without a link.
    var absent: Set<FrontdoorLoopID> = []

    /// What was said since the last call.
    func transcript() -> [String] {
        defer { lines = [] }
        return lines
    }

    /// The front doors have taken everything said so far.
    func acknowledge() {
        let due = waiting
        waiting = []
        for (_, action) in due { action() }
    }

    func answer(_ answer: WorkerAnswer, to request: RequestSequence, of connection: ConnectionID) {
        lines.append("\(connection.number)/\(request) \(answer.line)")
    }

    func tell(_ event: WorkerEvent, of session: SessionID) {
        lines.append("\(session.connection.number)/\(session.request): \(event.line)")
    }

    func invite(_ connection: ConnectionID, _ invitation: Invitation) {
        lines.append("\(connection.number)/0: \(invitation.line)")
    }

    func resynced(_ session: SessionID) {
        lines.append("\(session.connection.number)/\(session.request) resynced")
    }

    func isPresent(_ owner: FrontdoorLoopID) -> Bool { !absent.contains(owner) }

    private(set) var probed: [FrontdoorLoopID] = []

    func probe(_ owner: FrontdoorLoopID) { probed.append(owner) }

    func whenAcknowledged(by owner: FrontdoorLoopID, _ action: @escaping () -> Void) { waiting.append((owner, action)) }

    func hasRoom(for owner: FrontdoorLoopID) -> Bool { true }

    func whenRoom(for owner: FrontdoorLoopID, _ action: @escaping () -> Void) { action() }
}

extension Invitation {
    var line: String {
        let name = originator.displayName.map { " (\($0))" } ?? ""
        return "\(account) is invited by \(originator.account)\(name) to \(room)"
    }
}

extension WorkerAnswer {
    var line: String {
        switch self {
        case .ack: "ack"
        case .error(let text): "error \(text)"
        case .unknownSession: "unknown session"
        case .notOwner(let slot): "not owner but \(slot)"
        }
    }
}

extension WorkerEvent {
    var line: String {
        func names(_ publishers: [Publisher]) -> String {
            publishers.map { "\($0.session) (\($0.account), \($0.displayName))" }.joined(separator: ", ")
        }
        // Numbers of calls are drawn.
        func counted(_ number: UInt64) -> String {
            RequestSequence(rawValue: number).isOfIncomingCall ? "" : " as \(number)"
        }
        return switch self {
        case .state(.progress): "progress"
        case .state(.accepted(let answer)): "accepted \(answer.text.readable)"
        case .state(.established): "established"
        case .state(.terminated(let reason)): "terminated\(reason.map { " \($0)" } ?? "")"
        case .initialPublishers(let publishers): "there: [\(names(publishers))]"
        case .publishersJoined(let publishers): "came: [\(names(publishers))]"
        case .publishersLeft(let sessions): "went: [\(sessions.map(\.description).joined(separator: ", "))]"
        case .roomConfigured(let version, let originator, let active):
            "configured \(version) by \(originator?.description ?? ClientSessionID.reserved): \(active)"
        case .feedOffered(let feed, let offer): "feed \(feed) offers \(offer.text.readable)"
        case .feedEstablished(let feed): "feed \(feed) established"
        case .feedEnded(let feed): "feed \(feed) ended"
        case .registration(.registering): "registering"
        case .registration(.registered): "registered"
        case .registration(.failed(let reason)): "registration failed: \(reason)"
        case .registrationLost: "registration lost"
        case .incomingCall(_, _, let caller, let offer):
            "call of \(caller.uri) (\(caller.displayName)) \(offer.text.readable)"
        case .missedCall(let caller, let number):
            "missed \(caller.uri) (\(caller.displayName))\(number.map(counted) ?? "")"
        case .call(.progress): "call progress"
        case .call(.accepted(let answer)): "call accepted \(answer?.text.readable ?? "without answer")"
        case .call(.established): "call established"
        case .call(.terminated(let reason, let missed)):
            "call terminated \(reason)\(missed.map { ", missed \($0.uri)" } ?? "")"
        }
    }
}

extension RawJSON {
    /// A session description without the handle Janus drew.
    var readable: String {
        let text = description.dropFirst().dropLast()
        return text.range(of: " of ").map { String(text[..<$0.lowerBound]) } ?? String(text)
    }
}
