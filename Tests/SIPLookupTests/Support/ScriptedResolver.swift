@testable import SIPLookup

/// Answers from a zone at once, or when it is told to.
final class ScriptedResolver: DNSResolver {
    var zone = Zone()
    /// Questions are kept instead of answered.
    var isHolding = false
    private(set) var asked: [String] = []
    private(set) var stops = 0
    private var held: [(DNSQuestion, (DNSAnswer) -> Void)] = []

    func resolve(_ question: DNSQuestion, completion: @escaping (DNSAnswer) -> Void) {
        asked.append(question.text)
        if isHolding { held.append((question, completion)) } else { completion(zone.answer(to: question)) }
    }

    func answerHeld() {
        let answered = held
        held = []
        for (question, completion) in answered { completion(zone.answer(to: question)) }
    }

    func stop() {
        stops += 1
        let answered = held
        held = []
        for (_, completion) in answered { completion(.failed(.stopped)) }
    }
}
