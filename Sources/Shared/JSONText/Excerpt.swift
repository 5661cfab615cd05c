extension String {
    /// What of a text that somebody else has written may be repeated, in an answer or a log: enough to recognise it, and
    /// at most 259 bytes.
    public var excerpt: String {
        utf8.count <= 255 ? self : String(String.UnicodeScalarView(unicodeScalars.prefix(64))) + "…"
    }
}
