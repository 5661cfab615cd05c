import Testing

@testable import Worker

@Suite struct ActionQueueTests {
    @Test func `what an action decides does not overtake what was decided before`() {
        let queue = ActionQueue<String>()
        var performed: [String] = []
        func perform(_ action: String) {
            performed.append(action)
            if action == "a" { queue.perform(["c", "d"], perform) }
            if action == "c" { queue.perform(["e"], perform) }
        }
        queue.perform(["a", "b"], perform)
        #expect(performed == ["a", "b", "c", "d", "e"])
    }

    @Test func `it can be used again when it has come to rest`() {
        let queue = ActionQueue<Int>()
        var performed: [Int] = []
        queue.perform([1]) { performed.append($0) }
        queue.perform([]) { performed.append($0) }
        queue.perform([2, 3]) { performed.append($0) }
        #expect(performed == [1, 2, 3])
    }
}
