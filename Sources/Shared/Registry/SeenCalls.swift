import Foundation
import Identity

/// What of the calls that came in over a registration is dealt with. Of a handle's calls Janus keeps who called last, and
/// nothing else: whom a successor finds there beside, has called while nobody looked.
public struct SeenCalls: Equatable, Sendable {
    /// Of the last call that was told after nobody had looked; 0: none was.
    public var number: UInt64
    /// Who called last, without a scheme, on each handle that has had a call.
    public var callers: [JanusHandleID: String]

    public init(number: UInt64 = 0, callers: [JanusHandleID: String] = [:]) {
        self.number = number
        self.callers = callers
    }
}

// MARK: In a column

extension SeenCalls {
    private struct Column: Codable {
        let number: UInt64
        let callers: [String: String]
    }

    private static let none = #"{"number":0,"callers":{}}"#

    /// A JSON object. Most are empty, and the JSON coders are not free.
    var column: String? {
        guard self != SeenCalls() else { return Self.none }
        let callers = Dictionary(uniqueKeysWithValues: callers.map { ("\($0.key.rawValue)", $0.value) })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(Column(number: number, callers: callers))).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// - Returns: nil: it is not what ``column`` makes.
    init?(column: String) {
        self.init()
        guard column != Self.none else { return }
        guard let read = try? JSONDecoder().decode(Column.self, from: Data(column.utf8)) else { return nil }
        number = read.number
        for (handle, caller) in read.callers {
            guard let handle = UInt64(handle) else { return nil }
            callers[JanusHandleID(rawValue: handle)] = caller
        }
    }
}
