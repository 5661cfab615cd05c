import JSONText
import TestSupport
import Testing

@testable import Sylkrtc

/// The decoder of clients' messages, from a corpus of requests.
@Suite struct DecoderFuzzTests {
    private static let password = "hunter2-is-the-password"

    @Test func `Whatever a client sends is judged, in words that are short and never repeat a password`() {
        let finding = Fuzzing("requests", from: "requests").run { input in
            let verdict = Dialect.sylkRTC1.decode(input)
            switch verdict {
            case .request(let transaction, let request):
                guard (1...MessageLimits.transaction).contains(transaction.utf8.count) else {
                    throw Fuzzing.Finding("a transaction of \(transaction.utf8.count) bytes")
                }
                guard !request.name.isEmpty else { throw Fuzzing.Finding("a request without a name") }
            case .refused(let transaction, _, let error):
                guard !transaction.isEmpty else { throw Fuzzing.Finding("a refusal to nobody") }
                try Self.check(error, of: input)
                let answer = Dialect.sylkRTC1.encode(.error(transaction: transaction, text: error.description))
                guard try JSONDocument(answer).root["error"]?.string == error.description else {
                    throw Fuzzing.Finding("the answer says something else")
                }
            case .unanswerable(let error): try Self.check(error, of: input)
            }
            try Self.checkMeaning(verdict, of: input)
        }
        #expect(finding == nil)
    }

    private static func check(_ error: ProtocolError, of input: [UInt8]) throws {
        // An excerpt of the client's own text, and what is wrong with it.
        guard error.description.utf8.count <= 512 else { throw Fuzzing.Finding("a long error") }
        guard error.description.contains(password) else { return }
        // Where a change has made another field of it, it is repeated as that field's text.
        guard let root = try? JSONDocument(input).root, root["password"]?.string == password,
            root.members.filter({ $0.value.string?.contains(password) == true }).allSatisfy({ $0.name == "password" })
        else { return }
        throw Fuzzing.Finding("the password is repeated")
    }

    /// The same text in another spelling is the same request, or wrong in the same way.
    private static func checkMeaning(_ verdict: DecodedMessage, of input: [UInt8]) throws {
        guard let root = try? JSONDocument(input).root else { return }
        let spelled = RawJSON(respelling: root)
        let once = Dialect.sylkRTC1.decode(spelled.bytes)
        let twice = Dialect.sylkRTC1.decode(RawJSON(respelling: try JSONDocument(spelled.bytes).root).bytes)
        guard once == twice else { throw Fuzzing.Finding("it means something else when it is spelled again") }
        switch (verdict, once) {
        case (.request(let left, let one), .request(let right, let other)):
            guard left == right, one.name == other.name else { throw Fuzzing.Finding("another request: \(once)") }
        case (.refused, .refused), (.unanswerable, .unanswerable):
            guard verdict == once else { throw Fuzzing.Finding("another refusal: \(once)") }
        default: throw Fuzzing.Finding("another verdict: \(once)")
        }
    }

    @Test(.enabled(if: Fuzzing.isLong)) func `The work grows with the message and no faster`() {
        func message(_ option: String, _ object: String) -> [UInt8] {
            let name = option.replacing("-", with: "_")
            return Array(
                #"{"sylkrtc":"videoroom-ctl","transaction":"1","session":"s","option":"\#(option)","\#(name)":{\#(object)}}"#
                    .utf8)
        }
        func many(_ text: String, _ count: Int) -> String {
            Array(repeating: text, count: count).joined(separator: ",")
        }
        let shapes: [(String, (Int) -> [UInt8])] = [
            ("one invitee again", { message("invite-participants", #""participants":[\#(many(#""a@b""#, $0))]"#) }),
            ("one name again", { message("configure-room", #""active_participants":[\#(many(#""a""#, $0))]"#) }),
            ("candidates", { message("trickle", #""candidates":[\#(many("{}", $0))]"#) }),
            ("unknown members", { message("update", many(#""x":1"#, $0)) }),
            ("escaped names", { message("update", many(#""\u0061":1"#, $0)) }),
            ("a long description", { message("feed-answer", #""session":"f","sdp":"\#(many("a", $0))""#) }),
            ("an escaped one", { message("feed-answer", #""session":"f","sdp":"\#(many("\\n", $0))""#) }),
        ]
        for (name, text) in shapes {
            #expect(Growth.perDoubling(from: 1000, text) { _ = Dialect.sylkRTC1.decode($0) } < 3, "\(name)")
        }
    }
}

extension RawJSON {
    /// The same value with every string in the writer's spelling.
    init(respelling value: JSONValue) {
        func text(_ value: JSONValue) -> String {
            if let string = value.string { return RawJSON(string: string).description }
            if let elements = value.elements { return "[" + elements.map(text).joined(separator: " , ") + "]" }
            guard value.isObject else { return value.raw.description }
            let members = value.members.map { "\(RawJSON(string: $0.name)):\(text($0.value))" }
            return "{" + members.joined(separator: ",") + "}"
        }
        guard let document = try? JSONDocument(Array(text(value).utf8)) else {
            preconditionFailure("a value in another spelling is no JSON")
        }
        self = document.root.raw
    }
}
