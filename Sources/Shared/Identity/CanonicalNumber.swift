extension FixedWidthInteger {
    /// Reads the one spelling that `String(_:radix:)` writes: no plus sign, no leading zeros, digits in lower case.
    ///
    /// Ids are compared as text in the registry and in Janus, so two spellings of one id would be two ids there.
    init?(canonical text: some StringProtocol, radix: Int = 10) {
        guard let value = Self(text, radix: radix), String(value, radix: radix) == text else { return nil }
        self = value
    }
}
