import Testing

@testable import Worker

/// Every state shown every input.
@Suite struct HandleLifeTests {
    private let h = handle(7)

    @Test func `a life from the row to the row`() {
        var life = HandleLife()
        #expect(life.usable == nil)
        #expect(life.begun() == .record)
        #expect(life.recorded() == .attach)
        #expect(life.usable == nil)
        #expect(life.attached(h) == .ready(h))
        #expect(life.usable == h)
        #expect(!life.isEnding)
        #expect(life.end(leavingFirst: true) == .leave(h))
        #expect(life.isEnding)
        #expect(life.usable == h)
        #expect(life.left() == .detach(h))
        #expect(life.usable == nil)
        #expect(life.detached() == .markEnded)
        #expect(life.marked() == .over)
        #expect(life.state == .over)
    }

    @Test func `a handle can be exchanged for another as long as the session lives`() {
        var life = living(.attached(h))
        #expect(life.exchanged() == .attach)
        #expect(life.usable == nil)
        #expect(life.attached(handle(8)) == .ready(handle(8)))
        for state in [HandleLife.State.idle, .recording, .attaching, .detaching(h), .marking, .over] {
            life = living(state)
            #expect(life.exchanged() == .none)
            #expect(life.state == state)
        }
    }

    @Test func `an end without leaving detaches at once`() {
        var life = living(.attached(h))
        #expect(life.end(leavingFirst: false) == .detach(h))
        #expect(life.state == .detaching(h))
    }

    @Test func `an end before anything was done is over at once`() {
        var life = HandleLife()
        #expect(life.end(leavingFirst: true) == .over)
        #expect(life.begun() == .none)
        #expect(life.state == .over)
    }

    @Test func `an end while the row is on its way waits for it and marks it`() {
        var life = living(.recording)
        #expect(life.end(leavingFirst: true) == .none)
        #expect(life.recorded() == .markEnded)
        #expect(life.marked() == .over)
    }

    @Test func `an end while attaching waits for the handle and detaches it`() {
        var life = living(.attaching)
        #expect(life.end(leavingFirst: true) == .none)
        #expect(life.attached(h) == .detach(h))
        #expect(life.detached() == .markEnded)
    }

    @Test func `an end while attaching has nothing to detach when that fails`() {
        var life = living(.attaching)
        #expect(life.end(leavingFirst: true) == .none)
        #expect(life.attachFailed() == .markEnded)
    }

    @Test func `a row that could not be written is not marked`() {
        var life = living(.recording)
        #expect(life.recordingFailed() == .over)
        #expect(life.isEnding)
    }

    @Test func `a failed attach marks the row`() {
        var life = living(.attaching)
        #expect(life.attachFailed() == .markEnded)
        #expect(life.isEnding)
    }

    @Test func `a refused leave leaves all as it was`() {
        var life = living(.leaving(h))
        life.leaveRefused()
        #expect(life.state == .attached(h))
        #expect(!life.isEnding)
        #expect(life.end(leavingFirst: true) == .leave(h))
    }

    @Test(arguments: [HandleLife.State.attached(handle(7)), .leaving(handle(7)), .detaching(handle(7))])
    func `a handle that vanished needs no detach`(state: HandleLife.State) {
        var life = living(state)
        #expect(life.vanished() == .markEnded)
        #expect(life.isEnding)
        #expect(life.detached() == .none)
        #expect(life.marked() == .over)
    }

    @Test func `what vanishes while the attach is on its way waits for its outcome`() {
        var life = living(.attaching)
        #expect(life.vanished() == .none)
        #expect(life.attached(h) == .detach(h))
    }

    // MARK: Inherited

    @Test func `an inherited life whose handle was found goes on with it`() {
        var life = HandleLife.inherited
        life.found(h)
        #expect(life.usable == h)
        life.found(handle(8))
        #expect(life.usable == h, "the first counts")
        #expect(life.end(leavingFirst: false) == .detach(h))
    }

    @Test func `an inherited life without a handle attaches one, for its row is there`() {
        var life = HandleLife.inherited
        #expect(life.begun() == .attach)
        #expect(life.attached(h) == .ready(h))
    }

    @Test func `an inherited life that ends without a handle is marked`() {
        var life = HandleLife.inherited
        #expect(life.end(leavingFirst: true) == .markEnded)
        #expect(life.marked() == .over)
        life = .inherited
        #expect(life.vanished() == .markEnded)
    }

    /// Each state with what every input answers in it.
    @Test(arguments: HandleLifeTests.table)
    func `every state takes every input`(row: Row) {
        for (input, expected) in zip(Input.allCases, row.answers) {
            var life = living(row.state)
            #expect(input.apply(to: &life) == expected, "\(row.state) \(input)")
            if expected == .none, input != .vanished, input != .ended, input != .leaveRefused {
                #expect(life.state == row.state, "\(row.state) \(input)")
            }
        }
    }

    enum Input: CaseIterable {
        case begun, recorded, recordingFailed, attached, attachFailed, ended, left, leaveRefused, detached, vanished,
            marked

        func apply(to life: inout HandleLife) -> HandleLife.Action {
            switch self {
            case .begun: return life.begun()
            case .recorded: return life.recorded()
            case .recordingFailed: return life.recordingFailed()
            case .attached: return life.attached(handle(7))
            case .attachFailed: return life.attachFailed()
            case .ended: return life.end(leavingFirst: true)
            case .left: return life.left()
            case .leaveRefused:
                life.leaveRefused()
                return .none
            case .detached: return life.detached()
            case .vanished: return life.vanished()
            case .marked: return life.marked()
            }
        }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let state: HandleLife.State
        let answers: [HandleLife.Action]
        var testDescription: String { "\(state)" }
    }

    static let table: [Row] = {
        let h = handle(7)
        return [
            Row(
                state: .idle, answers: [.record, .none, .none, .none, .none, .over, .none, .none, .none, .over, .none]),
            Row(
                state: .inherited,
                answers: [.attach, .none, .none, .none, .none, .markEnded, .none, .none, .none, .markEnded, .none]),
            Row(
                state: .recording,
                answers: [.none, .attach, .over, .none, .none, .none, .none, .none, .none, .none, .none]),
            Row(
                state: .attaching,
                answers: [.none, .none, .none, .ready(h), .markEnded, .none, .none, .none, .none, .none, .none]),
            Row(
                state: .attached(h),
                answers: [.none, .none, .none, .none, .none, .leave(h), .none, .none, .none, .markEnded, .none]),
            Row(
                state: .leaving(h),
                answers: [.none, .none, .none, .none, .none, .none, .detach(h), .none, .none, .markEnded, .none]),
            Row(
                state: .detaching(h),
                answers: [.none, .none, .none, .none, .none, .none, .none, .none, .markEnded, .markEnded, .none]),
            Row(
                state: .marking,
                answers: [.none, .none, .none, .none, .none, .none, .none, .none, .none, .none, .over]),
            Row(
                state: .over,
                answers: [.none, .none, .none, .none, .none, .none, .none, .none, .none, .none, .none]),
        ]
    }()
}

/// A life brought into a state the usual way.
private func living(_ state: HandleLife.State) -> HandleLife {
    var life = state == .inherited ? .inherited : HandleLife()
    let steps: [(inout HandleLife) -> HandleLife.Action]
    let h = handle(7)
    switch state {
    case .idle, .inherited: steps = []
    case .recording: steps = [{ $0.begun() }]
    case .attaching: steps = [{ $0.begun() }, { $0.recorded() }]
    case .attached: steps = [{ $0.begun() }, { $0.recorded() }, { $0.attached(h) }]
    case .leaving:
        steps = [{ $0.begun() }, { $0.recorded() }, { $0.attached(h) }, { $0.end(leavingFirst: true) }]
    case .detaching:
        steps = [{ $0.begun() }, { $0.recorded() }, { $0.attached(h) }, { $0.end(leavingFirst: false) }]
    case .marking: steps = [{ $0.begun() }, { $0.recorded() }, { $0.attachFailed() }]
    case .over: steps = [{ $0.end(leavingFirst: false) }]
    }
    for step in steps { _ = step(&life) }
    #expect(life.state == state)
    return life
}
