import Identity

/// How a room's bitrate is shared (protocol page, section 6).
enum BitrateShares {
    /// What a participant gets that is not among the active ones.
    static let inactive = 100_000

    /// Bits a second for each of `members`.
    static func of(_ members: Set<SessionID>, active: Set<SessionID>, maximum: Int) -> [SessionID: Int] {
        let activeMembers = active.intersection(members)
        guard !activeMembers.isEmpty else {
            let share = maximum / max(members.count - 1, 1)
            return Dictionary(uniqueKeysWithValues: members.map { ($0, share) })
        }
        let share = maximum / activeMembers.count
        return Dictionary(uniqueKeysWithValues: members.map { ($0, activeMembers.contains($0) ? share : inactive) })
    }
}
