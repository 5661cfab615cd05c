import Identity
import Registry
import Sylkrtc

/// A front door's loop has a new link: from what it says its clients know and wait for, every session goes on.
extension Conferences {
    /// The reason of a session's end that nobody remembers.
    static let lostReason = "500 Session lost"

    /// The link is gone: nothing is said until the next one.
    func suspend(_ owner: FrontdoorLoopID) {
        for publisher in publishers.values where publisher.id.connection.owner == owner { publisher.suspend() }
        for feed in feeds.values where feed.id.connection.owner == owner { feed.suspend() }
        telephony.suspend(owner)
        invitations.linkLost(owner)
        resyncs[owner] = nil
    }

    func resync(_ listing: Listing, of owner: FrontdoorLoopID) {
        invitations.linkUp(owner)
        // The list speaks for its loop, and for earlier lives of its front door.
        release { session in
            let other = session.connection.owner
            if other == owner {
                return listing.releases.contains(session)
                    || (listing.sessions[session] == nil && !telephony.isUntold(session, in: listing))
            }
            return other.frontdoor == owner.frontdoor && other.incarnation < owner.incarnation
        }
        resyncs[owner] = Resynchronization(listing)
        proceed(owner)
    }

    /// Goes through a list as fast as its front door takes what there is to say.
    private func proceed(_ owner: FrontdoorLoopID) {
        while outbox.hasRoom(for: owner) {
            if let entry = resyncs[owner]?.nextEntry() {
                resync(entry.session, entry.told, entry.requests)
            } else if let listed = resyncs[owner]?.nextRequest() {
                // Of a session that is not listed: it finds nobody, or one that is about to end and still answers.
                if let session = listed.session {
                    publishers[session]?.voice.open()
                    feeds[session]?.voice.open()
                    telephony.voice(of: session)?.open()
                }
                submit(listed.request, from: listed.connection, sequence: listed.sequence)
            } else {
                resyncs[owner] = nil
                return
            }
        }
        outbox.whenRoom(for: owner) { [weak self] in self?.proceed(owner) }
    }

    private func resync(_ session: SessionID, _ told: Told, _ requests: [ListedRequest]) {
        switch told {
        case .publisher(let told):
            if let publisher = publishers[session] { return publisher.resync(told, requests) }
        case .feed(_, let told):
            if let feed = feeds[session] { return feed.resync(told, requests) }
        case .registration(let told): if telephony.resync(session, told, requests) { return }
        case .call(_, let told): if telephony.resync(session, told, requests) { return }
        }
        if let ending = ended[session] { return resync(session, ending, told, requests) }
        guard requests.contains(where: { $0.sequence == session.request }) else {
            return resync(session, unknown(session, told), told, requests)
        }
        if case .feed(let base, _) = told,
            let room = publishers[SessionID(connection: session.connection, request: base)]?.room, room.isResuming
        {
            // Who is there is known in a moment; what is asked behind the attach waits with it.
            return room.whenResumed { [self] in
                guard possession.isHeld, outbox.isPresent(session.connection.owner) else { return }
                guard !wasReleasedEarly(session) else { return outbox.resynced(session) }
                resync(session, told, requests)
            }
        }
        // Nothing of it was begun: it begins now.
        for listed in requests { submit(listed.request, from: listed.connection, sequence: listed.sequence) }
        outbox.resynced(session)
    }

    private func unknown(_ session: SessionID, _ told: Told) -> EndedSession {
        switch told {
        case .publisher, .registration, .call: EndedSession(base: nil, creation: nil, reason: Self.lostReason)
        case .feed(let base, _):
            EndedSession(
                base: SessionID(connection: session.connection, request: base), creation: nil, reason: nil)
        }
    }

    /// The session is over: what waits for it is answered, and who does not know yet is told.
    private func resync(_ session: SessionID, _ ending: EndedSession, _ told: Told, _ requests: [ListedRequest]) {
        var wasAcked = told.isAcked
        var isByRequest = false
        for listed in requests {
            var answer = WorkerAnswer.unknownSession
            switch listed.request {
            case .join, .feedAttach, .call:
                answer = ending.creation ?? .error(ending.reason ?? Self.lostReason)
                wasAcked = answer == .ack
            case .register where listed.sequence == session.request:
                answer = ending.creation ?? .error(ending.reason ?? Self.lostReason)
                wasAcked = answer == .ack
            case .terminate, .feedDetach, .unregister:
                answer = .ack
                isByRequest = true
            // Candidates that have crossed an end which their client has not heard of.
            case .trickle where told.isCall && wasAcked && !isByRequest: answer = .ack
            case .feedAnswer, .trickle, .update, .configureRoom, .releaseAccount, .invite, .register, .accept: break
            }
            outbox.answer(answer, to: listed.sequence, of: listed.connection)
        }
        switch told {
        case .publisher(let told) where wasAcked && told.stage < .terminated:
            let reason = isByRequest ? nil : ending.reason
            outbox.tell(.state(.terminated(reason: reason)), of: session)
        case .feed(let base, _) where wasAcked && !isByRequest:
            outbox.tell(ending.farewell(of: session), of: SessionID(connection: session.connection, request: base))
        case .registration where wasAcked && !isByRequest: outbox.tell(.registrationLost, of: session)
        case .call(_, let told) where wasAcked && told.stage < .terminated:
            let lost = WorkerEvent.call(.terminated(reason: ending.reason ?? Self.lostReason))
            outbox.tell(ending.event ?? lost, of: session)
        case .publisher, .feed, .registration, .call: break
        }
        outbox.resynced(session)
        if ended[session] != nil { settleWhenAcknowledged(session) }
    }
}

extension Told {
    fileprivate var isCall: Bool {
        switch self {
        case .publisher, .feed, .registration: false
        case .call: true
        }
    }

    var isFeed: Bool {
        switch self {
        case .publisher, .registration, .call: false
        case .feed: true
        }
    }

    fileprivate var isAcked: Bool {
        switch self {
        case .publisher(let told): told.isAcked
        case .feed(_, let told): told.isAcked
        case .registration(let told): told.isAcked
        case .call(_, let told): told.isAcked
        }
    }
}

extension ListedRequest {
    /// What it is about; nil: the connection.
    var session: SessionID? {
        let request: RequestSequence
        switch self.request {
        case .join, .feedAttach, .call: request = sequence
        case .register(let register): request = register.registration ?? sequence
        case .unregister(let registration): request = registration
        case .accept(let call, _): request = call
        case .feedAnswer(let feed, _), .feedDetach(let feed): request = feed
        case .trickle(let session, _), .update(let session, _, _, _), .terminate(let session),
            .configureRoom(let session, _), .invite(let session, _):
            request = session
        case .releaseAccount: return nil
        }
        return SessionID(connection: connection, request: request)
    }
}
