import Bus
import NIOCore
import TestSupport
import Testing

@Suite struct EnvelopeFuzzTests {
    @Test func `An envelope that is read is written again as it was, and one that is not is left alone`() {
        let finding = Fuzzing("envelopes", from: "envelopes").run { input in
            var buffer = ByteBuffer(bytes: input)
            let envelope: Envelope
            do throws(BusError) {
                envelope = try Envelope.decode(from: &buffer)
            } catch {
                guard Array(buffer.readableBytesView) == input else { throw Fuzzing.Finding("bytes were taken") }
                guard error.description.utf8.count < 200 else { throw Fuzzing.Finding("a long error") }
                return
            }
            var written = ByteBuffer()
            envelope.encode(into: &written)
            written.writeImmutableBuffer(buffer)
            guard try Envelope.decode(from: &written) == envelope, written == buffer else {
                throw Fuzzing.Finding("it is read back as something else")
            }
        }
        #expect(finding == nil)
    }

    @Test func `A routing id has one spelling`() {
        let finding = Fuzzing("routing-ids", from: "envelopes", count: 1500).run { input in
            guard let id = RoutingID(bytes: input) else { return }
            guard id.bytes == input, RoutingID(owner: id.owner, link: id.link) == id else {
                throw Fuzzing.Finding("another spelling: \(id)")
            }
        }
        #expect(finding == nil)
    }
}
