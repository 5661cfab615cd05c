/// Finds what was probably meant.
enum Similarity {
    /// Longer names are nobody's typing error.
    private static let maximumLength = 64

    /// - Returns: nil when nothing is near: more than a third of the letters, and more than two, would have to change.
    static func nearest(to name: String, in candidates: [String]) -> String? {
        guard name.utf8.count <= maximumLength else { return nil }
        let name = name.lowercased()
        let ranked = candidates.map { ($0, distance(name, $0.lowercased())) }
            .filter { $1 <= max(2, name.count / 3) && $1 < name.count }
        return ranked.min { $0.1 < $1.1 }?.0
    }

    /// How many letters must be inserted, removed, replaced, or exchanged with their neighbour.
    static func distance(_ one: String, _ other: String) -> Int {
        let (one, other) = (Array(one), Array(other))
        var rows = [Array(0...other.count)]
        for i in 0..<one.count {
            var row = [i + 1]
            for j in 0..<other.count {
                var best = min(rows[i][j] + (one[i] == other[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] {
                    best = min(best, rows[i - 1][j - 1] + 1)
                }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[one.count][other.count]
    }
}
