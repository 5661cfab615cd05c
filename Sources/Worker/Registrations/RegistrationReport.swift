import Sylkrtc

/// What a registration's client has been told, and whether it waits for an answer.
struct RegistrationReport {
    /// How the request that began it was answered.
    var creation: WorkerAnswer?
    /// What the client knows, or is being told; nil: nothing since it asked last (D26).
    var shown: RegistrationState?
    private(set) var owesAnswer = false

    /// The client asks to register.
    mutating func asked() { owesAnswer = true }

    mutating func answer(_ answer: WorkerAnswer) -> [RegistrationStateMachine.Action] {
        owesAnswer = false
        if creation == nil { creation = answer }
        return [.answer(answer)]
    }

    /// Told once, however often it is so.
    mutating func show(_ state: RegistrationState) -> [RegistrationStateMachine.Action] {
        guard shown.map(ToldRegistration.Stage.init) != ToldRegistration.Stage(state) else { return [] }
        shown = state
        return [.tell(state)]
    }
}
