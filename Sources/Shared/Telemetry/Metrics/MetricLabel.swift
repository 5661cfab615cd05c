/// The values of a label: a closed set, counted from 0. What a user, a client or Janus says never becomes a label.
public protocol MetricLabel: CaseIterable, RawRepresentable, Sendable where RawValue == Int {
    /// What the label is called.
    static var label: String { get }
    /// The value as it is exposed.
    var text: String { get }
}

extension MetricLabel {
    /// The case's name, its humps as underscores.
    public var text: String {
        var text = ""
        for character in "\(self)" {
            if character.isUppercase {
                text += "_" + character.lowercased()
            } else {
                text.append(character)
            }
        }
        return text
    }
}
