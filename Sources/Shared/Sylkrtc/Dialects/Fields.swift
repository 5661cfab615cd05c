import Identity
import JSONText

/// The members of a request object, read strictly: `null` counts as missing, types are never converted (D06), unknown
/// members are ignored. Every error names the field (`feed_attach.session: required`).
struct Fields {
    /// Where an object stands. It becomes a text only in an error.
    indirect enum Path: CustomStringConvertible {
        case root
        case member(StaticString, of: Path)
        case element(Int, in: StaticString, of: Path)

        /// With its dot: `feed_attach.`
        var description: String {
            switch self {
            case .root: ""
            case .member(let name, let path): "\(path)\(name)."
            case .element(let index, let name, let path): "\(path)\(name)[\(index)]."
            }
        }
    }

    let object: JSONValue
    let path: Path
    let limits: ElementLimits

    init(_ object: JSONValue, path: Path = .root, limits: ElementLimits) {
        self.object = object
        self.path = path
        self.limits = limits
    }

    func string(_ name: StaticString, length: ClosedRange<Int> = 0...Int.max) throws(ProtocolError) -> String {
        try required(optionalString(name, length: length), name)
    }

    func optionalString(
        _ name: StaticString, length: ClosedRange<Int> = 0...Int.max
    ) throws(ProtocolError) -> String? {
        guard let value = present(name) else { return nil }
        guard !value.hasNullCharacter, let string = value.string else {
            throw wrong(name, value.isString ? "must not contain a null character" : "must be a string")
        }
        guard length.contains(string.utf8.count) else {
            throw string.isEmpty
                ? wrong(name, "must not be empty") : tooLong(name, "must have at most \(length.upperBound) bytes")
        }
        return string
    }

    /// A string that is passed on as it stands.
    func sessionDescription(_ name: StaticString) throws(ProtocolError) -> SessionDescription {
        SessionDescription(try rawString(name, limit: MessageLimits.sessionDescription))
    }

    func address(_ name: StaticString) throws(ProtocolError) -> SentAddress {
        let text = try string(name)
        guard let address = SentAddress(text) else {
            throw ProtocolError("invalid URI: \(text.withoutPassword("[redacted]").excerpt)")
        }
        return address
    }

    func addresses(_ name: StaticString, limit: Int) throws(ProtocolError) -> [SentAddress] {
        var addresses: [SentAddress] = []
        for text in try strings(name) {
            guard let address = SentAddress(text) else {
                throw ProtocolError("invalid URI: \(text.withoutPassword("[redacted]").excerpt)")
            }
            if !addresses.contains(where: { $0.address == address.address }) { addresses.append(address) }
            guard addresses.count <= limit else { throw tooLong(name, "must have at most \(limit) elements") }
        }
        return addresses
    }

    /// A session id that the client chooses now (D42).
    func newSession(_ name: StaticString) throws(ProtocolError) -> ClientSessionID {
        let text = try string(name, length: 1...MessageLimits.sessionID)
        guard let session = ClientSessionID(text) else {
            throw wrong(name, "must not be \"\(ClientSessionID.reserved)\"")
        }
        return session
    }

    /// A session id that should exist already; whether it does is not a matter of validation.
    func session(_ name: StaticString) throws(ProtocolError) -> String {
        try string(name, length: 0...MessageLimits.sessionID)
    }

    func boolean(_ name: StaticString) throws(ProtocolError) -> Bool? {
        guard let value = present(name) else { return nil }
        guard let bool = value.bool else { throw wrong(name, "must be a boolean") }
        return bool
    }

    func integer(_ name: StaticString, atLeast minimum: Int) throws(ProtocolError) -> Int? {
        guard let value = present(name) else { return nil }
        guard let integer = value.integer(Int.self) else { throw wrong(name, "must be an integer") }
        guard integer >= minimum else { throw wrong(name, "must be at least \(minimum)") }
        return integer
    }

    /// Strings in order without duplicates. Absent equals empty; `null` is an error.
    func stringSet(_ name: StaticString, limit: Int) throws(ProtocolError) -> [String] {
        var set: [String] = []
        for string in try strings(name) {
            if !set.contains(string) { set.append(string) }
            guard set.count <= limit else { throw tooLong(name, "must have at most \(limit) elements") }
        }
        return set
    }

    private func strings(_ name: StaticString) throws(ProtocolError) -> [String] {
        guard let value = object[name] else { return [] }
        guard let elements = value.elements else { throw wrong(name, "must be an array of strings") }
        var strings: [String] = []
        for element in elements {
            guard let string = element.string else { throw wrong(name, "must be an array of strings") }
            guard !element.hasNullCharacter else { throw wrong(name, "must not contain a null character") }
            guard string.utf8.count <= AddressOfRecord.maximumLength else {
                throw tooLong(name, "must have elements of at most \(AddressOfRecord.maximumLength) bytes")
            }
            strings.append(string)
        }
        return strings
    }

    /// Absent and `null` equal empty: the end of candidates.
    func candidates(_ name: StaticString) throws(ProtocolError) -> [Candidate] {
        guard let value = present(name) else { return [] }
        guard let elements = value.elements else { throw wrong(name, "must be an array of candidates") }
        guard elements.count <= limits.candidates else {
            throw tooLong(name, "must have at most \(limits.candidates) elements")
        }
        var candidates: [Candidate] = []
        for (index, element) in elements.enumerated() {
            guard element.isObject else { throw ProtocolError("\(path)\(name)[\(index)]: must be an object") }
            let fields = Fields(element, path: .element(index, in: name, of: path), limits: limits)
            let text = try fields.rawString("candidate", limit: MessageLimits.candidate)
            guard let lineIndex = try fields.integer("sdpMLineIndex", atLeast: 0) else {
                throw fields.wrong("sdpMLineIndex", "required")
            }
            let mid = try fields.rawString("sdpMid", limit: MessageLimits.candidate)
            candidates.append(Candidate(candidate: text, lineIndex: lineIndex, mid: mid))
        }
        return candidates
    }

    /// A sub-object. nil when absent or null.
    func fields(_ name: StaticString) throws(ProtocolError) -> Fields? {
        guard let value = present(name) else { return nil }
        guard value.isObject else { throw wrong(name, "must be an object") }
        return Fields(value, path: .member(name, of: path), limits: limits)
    }

    private func rawString(_ name: StaticString, limit: Int) throws(ProtocolError) -> RawJSON {
        guard let value = present(name) else { throw wrong(name, "required") }
        guard value.isString else { throw wrong(name, "must be a string") }
        guard !value.hasNullCharacter else { throw wrong(name, "must not contain a null character") }
        // Only a text full of escapes needs a closer look: without them it is as long as it stands here.
        guard value.rawLength <= limit || value.string.map({ $0.utf8.count <= limit }) == true else {
            throw tooLong(name, "must have at most \(limit) bytes")
        }
        return value.raw
    }

    private func present(_ name: StaticString) -> JSONValue? {
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    private func required<Value>(_ value: Value?, _ name: StaticString) throws(ProtocolError) -> Value {
        guard let value else { throw wrong(name, "required") }
        return value
    }

    private func wrong(_ name: StaticString, _ problem: String) -> ProtocolError {
        ProtocolError("\(path)\(name): \(problem)")
    }

    private func tooLong(_ name: StaticString, _ problem: String) -> ProtocolError {
        ProtocolError("\(path)\(name): \(problem)", exceedsLimit: true)
    }
}
