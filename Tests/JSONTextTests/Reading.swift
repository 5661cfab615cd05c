import JSONText

/// Reads a text given as a string.
func read(_ text: String, maximumDepth: Int = 32) throws(JSONError) -> JSONDocument {
    try JSONDocument(Array(text.utf8), maximumDepth: maximumDepth)
}

/// Why a text is refused; nil when it is accepted.
func refusal(of bytes: [UInt8], maximumDepth: Int = 32) -> JSONError? {
    do throws(JSONError) {
        _ = try JSONDocument(bytes, maximumDepth: maximumDepth)
        return nil
    } catch {
        return error
    }
}

func refusal(of text: String, maximumDepth: Int = 32) -> JSONError? {
    refusal(of: Array(text.utf8), maximumDepth: maximumDepth)
}
