import Identity
import Logging
import NIOCore
import Registry
import SIPLookup
import Sylkrtc
import Telemetry

/// What it takes until the registrar has the account: its servers, a row, a handle, a turn.
extension RegistrationSession {
    /// How long a first `register` waits for its turn: less than the front door waits for the answer.
    private static let patience = TimeAmount.seconds(28)

    func find() {
        telephony.findProxies(for: account.description) { [weak self] result in
            switch result {
            case .success(let servers): self?.perform { $0.found(servers) }
            case .failure(let failure): self?.perform { $0.notFound(failure.text) }
            }
        }
    }

    func record() {
        possession.faults.before(.registrationRecord)
        let row = row
        possession.write { store, owner throws(RegistryError) in
            try store.recordSession(row, owner: owner)
        } then: { [self] result in
            possession.faults.after(.registrationRecord)
            switch result {
            case .success: perform { $0.recorded() }
            case .failure(let error):
                logger.error("the session could not be recorded", metadata: .keyed([.error: "\(error)"]))
                perform { $0.recordingFailed("the registry is not available") }
            }
        }
    }

    func attach() {
        lines.attachMaster { [self] result in
            switch result {
            case .success(let handle): perform { $0.attached(handle) }
            case .failure(let error): perform { $0.attachFailed(error.reason) }
            }
        }
    }

    func attachReplacement(for server: ProxyTarget) {
        lines.attachMaster { [self] result in
            switch result {
            case .success(let handle): perform { $0.replacementAttached(handle, for: server) }
            case .failure(let error): perform { $0.replacementFailed(error.reason) }
            }
        }
    }

    func register(_ handle: JanusHandleID, _ server: ProxyTarget, isRefresh: Bool) {
        guard let line = lines[handle], let identity else {
            return perform { $0.registerRefused("the handle is gone") }
        }
        guard !line.isWarm else { return send(identity, on: line, server, isRefresh: isRefresh) }
        telephony.pace.enter(.registration, patience: Self.patience) { [self] result in
            switch result {
            case .failure(let failure): perform { $0.registerRefused(failure.reason) }
            case .success(let turn):
                guard possession.isHeld, !machine.isEnding, lines[handle] === line else { return turn.over() }
                line.turn = turn
                send(identity, on: line, server, isRefresh: isRefresh)
            }
        }
    }

    private func send(
        _ identity: WorkerRequest.Identity, on line: RegistrationLine, _ server: ProxyTarget, isRefresh: Bool
    ) {
        possession.faults.before(.registrationSend)
        line.handle.message(
            .register, body: SIPBody.register(identity, over: server, isSent: true, isRefresh: isRefresh)
        ) { [self] result in
            possession.faults.after(.registrationSend)
            switch result {
            case .success: perform { $0.registerAccepted() }
            case .failure(let error):
                line.warmed()
                perform { $0.registerRefused(error.reason) }
            }
        }
    }
}
