import Foundation
import JSONText
import TestSupport
import Testing

/// Random documents, the same in every run.
@Suite struct RoundTripTests {
    @Test func `What is written is read back, here and by Foundation`() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<1500 {
            let sample = Sample.random(using: &random)
            let raw = RawJSON { sample.write(to: &$0) }
            #expect(raw.bytes.allSatisfy { (0x20..<0x7F).contains($0) })
            let document = try JSONDocument(raw.bytes)
            #expect(sample.isEqual(to: document.root), "\(raw)")
            #expect(document.root.raw == raw)
            let object = try JSONSerialization.jsonObject(with: Data(raw.bytes), options: .fragmentsAllowed)
            #expect(sample.isEqual(toFoundation: object), "\(raw)")
        }
    }

    @Test func `What Foundation writes is read back, and becomes ASCII when spliced`() throws {
        var random = SeededGenerator(seed: 2)
        for round in 0..<1500 {
            let sample = Sample.random(using: &random)
            let data = try JSONSerialization.data(
                withJSONObject: sample.foundation,
                options: round.isMultiple(of: 2) ? [.fragmentsAllowed] : [.fragmentsAllowed, .prettyPrinted])
            let document = try JSONDocument(Array(data))
            #expect(sample.isEqual(to: document.root), "\(String(decoding: data, as: UTF8.self))")
            let raw = document.root.raw
            #expect(raw.bytes.allSatisfy { $0 < 0x80 })
            #expect(sample.isEqual(to: try JSONDocument(raw.bytes).root), "\(raw)")
        }
    }

    @Test func `Spliced values stand where they were put`() throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<500 {
            let (first, second) = (Sample.random(using: &random), Sample.random(using: &random))
            let raw = RawJSON { json in
                json.object { json in
                    json.member("first", RawJSON { first.write(to: &$0) })
                    json.array("rest") { json in
                        json.value(RawJSON { second.write(to: &$0) })
                        json.value(0)
                    }
                }
            }
            let root = try JSONDocument(raw.bytes).root
            #expect(first.isEqual(to: try #require(root["first"])))
            #expect(second.isEqual(to: try #require(root["rest"]?.elements?.first)))
        }
    }
}
