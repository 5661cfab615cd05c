/// What a machine has decided and its shell has not performed yet.
///
/// Performing an action may feed the machine again at once. What that decides is appended here and does not overtake what
/// was decided before. A class, because it is entered again while it is at work.
final class ActionQueue<Action> {
    private var waiting: [Action] = []
    private var isPerforming = false

    /// Performs `new` after everything that waits, unless somebody up the stack is at it already and will.
    func perform(_ new: [Action], _ perform: (Action) -> Void) {
        waiting += new
        guard !isPerforming else { return }
        isPerforming = true
        defer { isPerforming = false }
        while !waiting.isEmpty { perform(waiting.removeFirst()) }
    }
}
