/// Whether clients, or front doors, should be sent here.
public enum Readiness: Equatable, Sendable {
    /// With the word that is said: `ready`, or `standby`.
    case ready(String)
    /// With the reason in a word or two.
    case notReady(String)

    var isReady: Bool {
        switch self {
        case .ready: true
        case .notReady: false
        }
    }

    var text: String {
        switch self {
        case .ready(let text), .notReady(let text): text
        }
    }

    /// Of several loops: the first that is not ready speaks for all.
    static func of(_ all: [Readiness]) -> Readiness {
        all.first { !$0.isReady } ?? all.first ?? .notReady("starting")
    }
}
