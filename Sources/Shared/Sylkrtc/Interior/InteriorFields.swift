import Identity
import JSONText

/// The body of a message on the bus, as an object. Unknown members are ignored: two versions run side by side.
struct InteriorFields {
    let object: JSONValue

    init(_ body: [UInt8]) throws(ProtocolError) {
        do throws(JSONError) {
            object = try JSONDocument(body).root
        } catch {
            throw ProtocolError("body: \(error)")
        }
        guard object.isObject else { throw ProtocolError("body: not an object") }
    }

    func string(_ name: StaticString) throws(ProtocolError) -> String {
        guard let string = object[name]?.string else { throw ProtocolError("\(name): missing") }
        return string
    }

    /// An optional member is absent or null, or what `read` understands.
    func optional<Value>(
        _ name: StaticString, _ read: (JSONValue) -> Value?
    ) throws(ProtocolError) -> Value? {
        guard let value = object[name], !value.isNull else { return nil }
        guard let result = read(value) else { throw ProtocolError("\(name): malformed") }
        return result
    }

    func description(_ name: StaticString) throws(ProtocolError) -> SessionDescription {
        guard let value = object[name], value.isString else { throw ProtocolError("\(name): missing") }
        return SessionDescription(value.raw)
    }

    func sequence(_ name: StaticString) throws(ProtocolError) -> RequestSequence {
        guard let number = object[name]?.integer(UInt64.self) else { throw ProtocolError("\(name): missing") }
        return RequestSequence(rawValue: number)
    }

    func session() throws(ProtocolError) -> RequestSequence { try sequence("session") }
}
