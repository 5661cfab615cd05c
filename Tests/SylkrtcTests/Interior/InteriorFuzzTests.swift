import JSONText
import Sylkrtc
import TestSupport
import Testing

/// Every body on the bus, from a corpus of bodies: each reader is given all of them.
@Suite struct InteriorFuzzTests {
    @Test func `A request to a worker means the same when it is written again`() {
        #expect(finding("worker-requests", WorkerRequest.decode, { $0.encoded }) == nil)
    }

    @Test func `A worker's answer means the same when it is written again`() {
        #expect(finding("worker-answers", WorkerAnswer.decode, { $0.encoded }) == nil)
    }

    @Test func `A worker's event means the same when it is written again`() {
        #expect(finding("worker-events", WorkerEvent.decode, { $0.encoded }) == nil)
    }

    @Test func `A worker's status means the same when it is written again`() {
        #expect(finding("worker-statuses", WorkerStatus.decode, { $0.encoded }) == nil)
    }

    @Test func `A front door's list means the same when it is written again`() {
        #expect(finding("lists", ConnectionList.decode, { $0.encoded }) == nil)
    }

    private func finding<Message: Equatable>(
        _ name: String, _ decode: ([UInt8]) throws -> Message, _ encode: (Message) -> [UInt8]
    ) -> String? {
        Fuzzing(name, from: "bodies", count: 1500).run { input in
            let message: Message
            do {
                message = try decode(input)
            } catch {
                guard "\(error)".utf8.count <= 512 else { throw Fuzzing.Finding("a long error") }
                return
            }
            let encoded = encode(message)
            // DEL may stand in a string as it is, and does where a description is spliced.
            guard encoded.allSatisfy({ (0x20...0x7F).contains($0) }) else { throw Fuzzing.Finding("not plain ASCII") }
            guard try decode(encoded) == message else { throw Fuzzing.Finding("it is read back as something else") }
        }
    }

    @Test(.enabled(if: Fuzzing.isLong)) func `The work grows with a body and no faster`() {
        func many(_ text: (Int) -> String, _ count: Int) -> String { (0..<count).map(text).joined(separator: ",") }
        let session = #""acked":true,"stage":3,"initial":true"#
        let shapes: [(String, (Int) -> String)] = [
            ("sessions", { many({ #"{"id":"f1.abc.0.\#($0).1",\#(session),"announced":[]}"# }, $0) }),
            (
                "announced",
                {
                    #"{"id":"f1.abc.0.1.1",\#(session),"announced":[\#(many({ #"{"client":"b\#($0)","publisher":1}"# }, $0))]}"#
                }
            ),
        ]
        for (name, text) in shapes {
            let growth = Growth.perDoubling(
                from: 500, { Array(#"{"sessions":[\#(text($0))],"releases":[],"last":true}"#.utf8) }
            ) { _ = try? ConnectionList.decode($0) }
            #expect(growth < 3, "\(name)")
        }
    }
}
