import Identity
import Registry
import Sylkrtc

/// What changes hands: between front doors' links, and between workers.
extension Telephony {
    /// The link is gone: nothing is said until the next one.
    func suspend(_ owner: FrontdoorLoopID) {
        untold = untold.filter { $0.connection.owner != owner }
        for registration in registrations.values where registration.id.connection.owner == owner {
            registration.suspend()
        }
        for call in calls.values where call.id.connection.owner == owner { call.suspend() }
    }

    /// A call that came in while nobody could be told, over a registration that its front door knows: it is told with that, or that
    /// it was missed.
    func isUntold(_ session: SessionID, in listing: Listing) -> Bool {
        let living = (calls[session] as? IncomingCallSession)?.registration
        guard let registration = living ?? conferences.ended[session].flatMap({ $0.missed == nil ? nil : $0.base }),
            listing.sessions[registration] != nil, !listing.releases.contains(registration)
        else { return false }
        untold.insert(session)
        return true
    }

    /// The registration is up to date: its client hears of what has come in since the last link.
    func tellUntold(over registration: RegistrationSession) {
        for id in untold {
            if let call = calls[id] as? IncomingCallSession {
                guard call.registration == registration.id else { continue }
                untold.remove(id)
                call.resync(nil, [])
            } else if let ending = conferences.ended[id], ending.base == registration.id, let caller = ending.missed {
                untold.remove(id)
                registration.missed(caller, id.request.rawValue)
                conferences.settleWhenAcknowledged(id)
            }
        }
    }

    /// - Returns: false: it is not here.
    func resync(_ session: SessionID, _ told: ToldRegistration, _ requests: [ListedRequest]) -> Bool {
        guard let registration = registrations[session] else { return false }
        registration.resync(told, requests)
        return true
    }

    func resync(_ session: SessionID, _ told: ToldCall, _ requests: [ListedRequest]) -> Bool {
        guard let call = calls[session] else { return false }
        call.resync(told, requests)
        return true
    }

    func voice(of session: SessionID) -> SessionVoice? { registrations[session]?.voice ?? calls[session]?.voice }

    // MARK: What a predecessor has left

    /// - Returns: false: it is not a registration's or call's row.
    func inherit(_ row: SessionRow) -> Bool {
        switch row.role {
        case .publisher, .subscriber: return false
        case .registration: registrations[row.id] = RegistrationSession(inheriting: row, telephony: self)
        case .call:
            if let incoming = IncomingCallSession(inheriting: row, home: self) {
                calls[row.id] = incoming
                inheritedCalls[incoming.registration, default: []].append(incoming)
            } else {
                calls[row.id] = OutgoingCallSession(inheriting: row, home: self)
            }
        }
        conferences.count(row.id)
        return true
    }

    /// A predecessor's call that its row says is on this handle.
    func inheritedCall(on handle: JanusHandleID, of registration: SessionID) -> IncomingCallSession? {
        inheritedCalls[registration]?
            .first { calls[$0.id] === $0 && $0.row.handle == handle && $0.handleID == nil }
    }

    /// Janus has been asked about everything of a predecessor's. Calls go with the registrations whose handles they are on.
    ///
    /// - Parameters:
    ///   - rows: of registrations and calls that have not ended.
    ///   - ended: rows of calls that have.
    /// - Returns: the handles that are nobody's.
    func observed(
        _ infos: [JanusHandleID: (purpose: OpaqueID.Purpose, info: HandleInfo)], _ rows: [SessionRow],
        ended: [SessionRow]
    ) -> [HandleInfo] {
        var left = infos
        var answered: Set<SessionID> = []
        // There may be thousands of registrations: each finds its own without looking at the others'.
        let marked = Dictionary(grouping: infos.values, by: \.purpose)
        let parented = Dictionary(grouping: (rows + ended).filter { $0.parent != nil }, by: \.parent)
        for row in rows where row.role == .registration {
            guard let registration = registrations[row.id] else { continue }
            let over = parented[row.id] ?? []
            let onCalls = Set(over.filter { !$0.ended }.compactMap(\.handle))
            let own = (marked[.session(row.id)] ?? []).map(\.info)
            // The one that was recorded, or else one that is in use: a late attach of a dead process makes a second one.
            let master =
                own.first { $0.handle == row.handle } ?? own.first { $0.isInUse } ?? own.first
            let spares = (marked[.spare(of: row.id)] ?? []).map(\.info).filter { $0.sip?.isHelper == true }
            let spare = spares.first { onCalls.contains($0.handle) } ?? spares.first
            // Nothing tells whose helper a spare is, and it ends with its master.
            let areMastersNeeded = spares.contains { onCalls.contains($0.handle) }
            let retired = (own + spares).filter { info in
                info.handle != master?.handle && info.handle != spare?.handle
                    && (onCalls.contains(info.handle) || areMastersNeeded && info.sip?.isHelper == false)
            }
            for info in [master, spare].compactMap({ $0 }) + retired {
                left[info.handle] = nil
                if let call = inheritedCall(on: info.handle, of: row.id) { answered.insert(call.id) }
            }
            registration.observed(
                master, spare: spare, retired: retired, master: row.master,
                calls: over.filter { $0.role == .call })
        }
        inheritedCalls = [:]
        for row in rows where row.role == .call && !answered.contains(row.id) {
            if let outgoing = calls[row.id] as? OutgoingCallSession {
                let info = row.handle.flatMap { left.removeValue(forKey: $0)?.info }
                outgoing.observed(info)
            } else if let incoming = calls[row.id] as? IncomingCallSession {
                incoming.observed(nil, on: nil)
            }
        }
        if !rows.isEmpty { openPool() }
        return left.values.map(\.info)
    }
}
