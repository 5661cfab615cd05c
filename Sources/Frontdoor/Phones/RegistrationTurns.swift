import Identity
import NIOCore
import Sylkrtc

/// Requests about an account's registration that wait until the one before them is answered: what they ask of a worker depends on
/// what has become of that.
struct RegistrationTurns {
    enum Wish {
        case register, unregister
    }

    struct Waiting {
        var asked: ConnectionStateMachine.Asked
        let account: AddressOfRecord
        let wish: Wish
    }

    /// In the order in which they came.
    private var waiting: [Waiting] = []

    var count: Int { waiting.count }

    subscript(sequence: RequestSequence) -> Waiting? { waiting.first { $0.asked.sequence == sequence } }

    mutating func add(_ request: Waiting) { waiting.append(request) }

    /// Whose turn it is.
    mutating func next(of account: AddressOfRecord) -> Waiting? {
        guard let index = waiting.firstIndex(where: { $0.account == account }) else { return nil }
        return waiting.remove(at: index)
    }

    func contains(_ account: AddressOfRecord) -> Bool { waiting.contains { $0.account == account } }

    mutating func remove(_ sequence: RequestSequence) -> Waiting? {
        guard let index = waiting.firstIndex(where: { $0.asked.sequence == sequence }) else { return nil }
        return waiting.remove(at: index)
    }

    mutating func removeAll() { waiting = [] }
}
