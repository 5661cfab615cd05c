import Identity
import JSONText
import Registry
import Testing

@testable import Worker

@Suite struct StatusReportTests {
    private let now = LeaseInstant(rawValue: 10_000_000)

    private func row(
        _ number: Int = 1, lease: Int? = 3200, serving: Bool = true, orders: SlotOrders = .serve,
        endpoint: String = "ipc:///x"
    ) -> SlotRow {
        SlotRow(
            slot: sample(SlotID("host1/\(number)")), incarnation: Incarnation(rawValue: 35), endpoint: endpoint,
            janus: "ws://127.0.0.1:8188", leaseUntil: lease.map { now.advanced(byMilliseconds: $0) } ?? .over, load: 4,
            draining: orders.draining, drainUntil: orders.drainUntil, weight: 1, servesJanus: serving)
    }

    private func report(_ rows: [SlotRow], _ usage: SlotUsage = SlotUsage()) -> StatusReport {
        StatusReport(
            slots: rows, usage: [slot: usage],
            frontdoors: [
                FrontdoorRow(id: sample(FrontdoorID(7)), incarnation: Incarnation(rawValue: 36), leaseUntil: .over)
            ],
            now: now)
    }

    @Test func `a slot's state is told from its lease, its orders and what it has`() {
        let (drain, used) = (SlotOrders(draining: true), SlotUsage(rooms: 1, sessions: 2))
        func state(_ row: SlotRow, _ usage: SlotUsage = SlotUsage()) -> StatusReport.Slot.State? {
            report([row], usage).slots.first?.state
        }
        #expect(state(row()) == .serving)
        #expect(state(row(serving: false)) == .starting)
        #expect(state(row(orders: drain)) == .draining)
        #expect(state(row(serving: false, orders: drain), used) == .draining)
        #expect(state(row(lease: -1, orders: drain)) == .drained)
        #expect(state(row(lease: -100_000, orders: drain, endpoint: "")) == .drained)
        #expect(state(row(lease: -1, orders: drain), used) == .lost)
        #expect(state(row(lease: 0)) == .lost)
        #expect(state(row(lease: nil)) == .lost)
        #expect(state(row(lease: -100_000, endpoint: "")) == .abandoned)
    }

    @Test func `for machines every key is there, and stays what it is`() throws {
        let orders = SlotOrders(draining: true, drainUntil: now.advanced(byMilliseconds: 61_000))
        let text = report([row(orders: orders)], SlotUsage(rooms: 1, sessions: 4)).json
        #expect(
            text == """
                {"slots":[{"slot":"host1/1","state":"draining","incarnation":"z","lease_ms":3200,"load":4,"rooms":1,\
                "sessions":4,"janus":"ws://127.0.0.1:8188","janus_up":true,"weight":1,"draining":true,\
                "deadline_ms":61000}],"frontdoors":[{"id":7,"state":"lost","incarnation":"10","lease_ms":null}]}

                """)
        _ = try json(text)
        #expect(report([row(lease: -5)]).json.contains(#""lease_ms":-5,"#))
        #expect(report([row()]).json.contains(#""draining":false,"deadline_ms":null}"#))
    }

    @Test func `for people there is a table`() {
        let orders = SlotOrders(draining: true, drainUntil: now.advanced(byMilliseconds: 61_000))
        #expect(
            report([row(orders: orders), row(12, lease: -12_345, serving: false)], SlotUsage(rooms: 1, sessions: 4))
                .table
                    == """
                    SLOT      STATE                 LEASE            LOAD  ROOMS  SESSIONS  WEIGHT  JANUS
                    host1/1   draining (61 s left)  3.2 s            4     1      4         1       ws://127.0.0.1:8188
                    host1/12  lost                  over for 12.3 s  4     0      0         1       ws://127.0.0.1:8188 (down)

                    FRONT DOOR  STATE  LEASE
                    7           lost   over

                    """)
    }

    @Test func `an empty registry is told as such`() {
        let report = StatusReport(slots: [], usage: [:], frontdoors: [], now: now)
        #expect(report.table == "no slot was ever taken\n\nno front door\n")
        #expect(report.json == #"{"slots":[],"frontdoors":[]}"# + "\n")
    }
}
