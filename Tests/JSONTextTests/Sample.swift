import Foundation
import JSONText
import TestSupport

/// A value that is known before it is written, by whatever writer.
indirect enum Sample: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case string(String)
    case array([Sample])
    case object([(name: StaticString, value: Sample)])

    private static let names: [StaticString] = [
        "a", "b", "", "sdp", "sdpMLineIndex", "with space", "x-y", "sylkrtc", "0", "null",
    ]

    static func random(using random: inout SeededGenerator, depth: Int = 0) -> Sample {
        switch Int.random(in: 0..<(depth < 5 ? 8 : 5), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2: return .integer(.random(in: .min ... .max, using: &random))
        case 3: return .integer(.random(in: -9...9, using: &random))
        case 4: return .string(string(using: &random))
        case 5:
            return .array(
                (0..<Int.random(in: 0..<5, using: &random)).map { _ in Self.random(using: &random, depth: depth + 1) })
        default:
            let chosen = names.shuffled(using: &random).prefix(Int.random(in: 0..<5, using: &random))
            return .object(chosen.map { ($0, Self.random(using: &random, depth: depth + 1)) })
        }
    }

    /// Text of every kind: plain, escaped, in and beyond the basic plane.
    static func string(using random: inout SeededGenerator) -> String {
        let ranges: [ClosedRange<UInt32>] = [
            0x20...0x7E, 0x00...0x1F, 0x7F...0x7FF, 0x800...0xFFFF, 0x10000...0x10FFFF,
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0..<12, using: &random) {
            guard let range = ranges.randomElement(using: &random),
                let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random))
            else { continue }
            text.append(scalar)
        }
        return String(text)
    }

    func write(to json: inout JSONWriter) {
        switch self {
        case .null: json.null()
        case .bool(let value): json.value(value)
        case .integer(let value): json.value(value)
        case .string(let value): json.value(value)
        case .array(let values):
            json.array { json in
                for value in values { value.write(to: &json) }
            }
        case .object(let members):
            json.object { json in
                for member in members {
                    json.name(member.name)
                    member.value.write(to: &json)
                }
            }
        }
    }

    /// As Foundation has it.
    var foundation: Any {
        switch self {
        case .null: NSNull()
        case .bool(let value): value
        case .integer(let value): value
        case .string(let value): value
        case .array(let values): values.map(\.foundation)
        case .object(let members):
            Dictionary(uniqueKeysWithValues: members.map { ($0.name.description, $0.value.foundation) })
        }
    }

    /// `value` is this sample, whatever the order of members.
    func isEqual(to value: JSONValue) -> Bool {
        switch self {
        case .null: return value.isNull
        case .bool(let bool): return value.bool == bool
        case .integer(let integer): return value.integer(Int64.self) == integer
        case .string(let string): return value.string.map { $0.utf8.elementsEqual(string.utf8) } == true
        case .array(let samples):
            guard let elements = value.elements, elements.count == samples.count else { return false }
            return zip(samples, elements).allSatisfy { $0.isEqual(to: $1) }
        case .object(let members):
            guard value.isObject, value.members.count == members.count else { return false }
            return members.allSatisfy { member in
                value[member.name].map { member.value.isEqual(to: $0) } == true
            }
        }
    }

    func isEqual(toFoundation value: Any) -> Bool {
        switch self {
        case .null: return value is NSNull
        case .bool(let bool): return (value as? NSNumber)?.boolValue == bool
        case .integer(let integer): return (value as? NSNumber)?.int64Value == integer
        case .string(let string): return (value as? String).map { $0.utf8.elementsEqual(string.utf8) } == true
        case .array(let samples):
            guard let elements = value as? [Any], elements.count == samples.count else { return false }
            return zip(samples, elements).allSatisfy { $0.isEqual(toFoundation: $1) }
        case .object(let members):
            guard let object = value as? [String: Any], object.count == members.count else { return false }
            return members.allSatisfy { member in
                object[member.name.description].map { member.value.isEqual(toFoundation: $0) } == true
            }
        }
    }
}
