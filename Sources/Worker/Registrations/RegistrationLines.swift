import Identity
import Logging
import Sylkrtc
import Telemetry

/// The handles that a registration has in Janus: its master, its helpers, and those that were replaced and wait for a call to
/// end. Each is there from its attach, or from when it is adopted from a predecessor, until it is given up.
final class RegistrationLines {
    private let id: SessionID
    private let possession: SlotPossession
    private let logger: Logger
    private var lines: [JanusHandleID: RegistrationLine] = [:]
    private var attaches = 0
    private var isAttachingSpare = false
    /// What Janus says on one of them.
    var heard: (JanusEvent, SIPMessage?, RegistrationLine) -> Void = { _, _, _ in }

    init(of id: SessionID, in possession: SlotPossession, _ logger: Logger) {
        self.id = id
        self.possession = possession
        self.logger = logger
    }

    subscript(handle: JanusHandleID) -> RegistrationLine? { lines[handle] }

    var all: some Collection<RegistrationLine> { lines.values }
    var handles: some Collection<JanusHandleID> { lines.keys }
    var haveCalls: Bool { lines.values.contains { $0.call != nil } }
    /// A handle may appear in Janus at any time.
    var isAttaching: Bool { attaches > 0 }
    /// A helper waits for a call, or is about to.
    var hasSpare: Bool {
        isAttachingSpare || lines.values.contains { $0.role == .spare && $0.call == nil && !$0.isStuck }
    }

    // MARK: Attaching

    /// Each new one is the one that the registration's row names.
    func attachMaster(completion: @escaping (Result<JanusHandleID, JanusError>) -> Void) {
        attach(.session(id)) { [self] result in
            if case .success(let handle) = result {
                possession.recordHandle(handle, of: id)
                open(handle, .master)
            }
            completion(result)
        }
    }

    func attachSpare(
        of master: RegistrationLine, completion: @escaping (Result<RegistrationLine, JanusError>) -> Void
    ) {
        isAttachingSpare = true
        attach(.spare(of: id)) { [self] result in
            isAttachingSpare = false
            completion(result.map { open($0, .spare, of: master, isWarm: true) })
        }
    }

    private func attach(
        _ purpose: OpaqueID.Purpose, completion: @escaping (Result<JanusHandleID, JanusError>) -> Void
    ) {
        attaches += 1
        possession.faults.before(.registrationAttach)
        possession.attachSIP(as: purpose) { [self] result in
            attaches -= 1
            possession.faults.after(.registrationAttach)
            if possession.isHeld { completion(result) }
        }
    }

    /// From now on it is heard.
    @discardableResult
    private func open(
        _ handle: JanusHandleID, _ role: RegistrationLine.Role, of master: RegistrationLine? = nil, isWarm: Bool = false
    ) -> RegistrationLine {
        let line = prepare(handle, role, of: master, isWarm: isWarm, isInherited: false)
        line.handle.receiveEvents()
        return line
    }

    /// A predecessor's, which has its SIP stack. What Janus says on it is kept until it `receiveEvents`.
    func adopt(
        _ handle: JanusHandleID, _ role: RegistrationLine.Role, of master: RegistrationLine? = nil
    ) -> RegistrationLine {
        prepare(handle, role, of: master, isWarm: true, isInherited: true)
    }

    private func prepare(
        _ handle: JanusHandleID, _ role: RegistrationLine.Role, of master: RegistrationLine?, isWarm: Bool,
        isInherited: Bool
    ) -> RegistrationLine {
        // A helper has its master's SIP stack: nobody waits while it gets one.
        let isHelper = role == .spare || master != nil
        let question = isHelper ? nil : SIPBody.ask
        let janusHandle = JanusHandle<SIPMessage>(
            handle, session: possession.janusSession, gateway: possession.gateway, question: question,
            isInherited: isInherited
        ) { [weak self] event, message in
            guard let self, let line = lines[handle] else { return }
            heard(event, message, line)
        }
        let line = RegistrationLine(janusHandle, role, of: master, isWarm: isWarm)
        lines[handle] = line
        return line
    }

    // MARK: Giving up

    /// Another one takes a master's place: it waits for its call to end, and its helpers do.
    func retire(_ line: RegistrationLine) {
        line.role = .retired
        for helper in lines.values where helper.master === line { helper.role = .retired }
    }

    /// Those go that have waited for a call to end, when it has.
    func closeDeserted() {
        for line in lines.values where line.role == .retired && line.master == nil && !isBusy(line) { close(line) }
    }

    /// A call is on it, or on a helper that ends with it.
    private func isBusy(_ line: RegistrationLine) -> Bool {
        line.call != nil || line.supported.contains { $0.call != nil }
            || lines.values.contains { $0.master === line && $0.call != nil }
    }

    /// Gives a line's handle up, and those of its helpers, if it has any.
    func close(_ line: RegistrationLine) {
        close(line.handle, with: lines.values.filter { $0.master === line }) { [self] in detach($0, of: $1) }
    }

    /// The registration's own handle goes, and everything that depends on it.
    func closeAll(_ master: JanusHandleID, completion: @escaping () -> Void) {
        let handle =
            lines[master]?.handle
            ?? JanusHandle<SIPMessage>(
                master, session: possession.janusSession, gateway: possession.gateway, question: SIPBody.ask,
                isInherited: true
            ) { _, _ in }
        close(handle, with: lines.values.filter { $0.handle.id != master }) { [self, faults = possession.faults] in
            faults.before(.registrationDetach)
            detach($0, of: $1) {
                faults.after(.registrationDetach)
                completion()
            }
        }
    }

    /// Helpers are detached before their master: Janus, which ends them with it, must not be at a message of theirs then
    /// (``JanusHandle/detach(completion:)``).
    private func close(
        _ handle: JanusHandle<SIPMessage>, with helpers: [RegistrationLine],
        then last: @escaping (JanusHandle<SIPMessage>, RegistrationLine?) -> Void
    ) {
        let line = lines.removeValue(forKey: handle.id)
        handle.forget()
        guard !helpers.isEmpty else { return last(handle, line) }
        var left = helpers.count
        for helper in helpers {
            lines[helper.handle.id] = nil
            detach(helper.handle, of: helper) {
                left -= 1
                if left == 0 { last(handle, line) }
            }
        }
    }

    /// A turn to register is over when Janus is done with the handle, and not before: whoever registers and leaves at once
    /// takes as much of Janus's time as somebody who stays.
    private func detach(
        _ handle: JanusHandle<SIPMessage>, of line: RegistrationLine?, completion: @escaping () -> Void = {}
    ) {
        handle.detach { [logger] result in
            line?.warmed()
            if case .failure(let error) = result, !error.saysAlreadyGone {
                logger.warning("detach failed", metadata: .keyed([.handle: "\(handle.id)", .error: error.reason]))
            }
            completion()
        }
    }

    /// Janus has removed its handle.
    func vanished(_ line: RegistrationLine) {
        line.warmed()
        line.handle.forget()
        lines[line.handle.id] = nil
    }
}
