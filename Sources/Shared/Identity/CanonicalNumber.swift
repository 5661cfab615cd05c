extension FixedWidthInteger {
    /// Reads the one spelling that `String(_:radix:)` writes of a number that is not negative: no plus sign, no leading zeros,
    /// digits in lower case.
    ///
    /// Ids are compared as text in the registry and in Janus, so two spellings of one id would be two ids there. They are
    /// read by the thousand when a worker takes a slot over, hence byte by byte.
    init?(canonical text: some StringProtocol, radix: Int = 10) {
        var value: Self = 0
        var digits = 0
        for byte in text.utf8 {
            let digit =
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
                case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte - UInt8(ascii: "a")) + 10
                default: radix
                }
            guard digit < radix, digits == 0 || value > 0 else { return nil }
            let (shifted, overflows) = value.multipliedReportingOverflow(by: Self(radix))
            let (sum, overflowsToo) = shifted.addingReportingOverflow(Self(digit))
            guard !overflows, !overflowsToo else { return nil }
            value = sum
            digits += 1
        }
        guard digits > 0 else { return nil }
        self = value
    }
}

extension StringProtocol {
    /// What stands before and behind the last dot.
    var splitAtLastDot: (SubSequence, SubSequence)? {
        let bytes = utf8
        var dot: Index?
        var index = bytes.startIndex
        while index != bytes.endIndex {
            if bytes[index] == UInt8(ascii: ".") { dot = index }
            index = bytes.index(after: index)
        }
        guard let dot else { return nil }
        return (self[..<dot], self[bytes.index(after: dot)...])
    }
}
