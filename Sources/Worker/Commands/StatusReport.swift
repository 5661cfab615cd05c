import Identity
import JSONText
import Registry

/// What an operator is shown of the registry.
struct StatusReport: Equatable {
    struct Slot: Equatable {
        enum State: String, Equatable {
            /// A worker has it, and its Janus is up.
            case serving
            /// A worker has it, and its Janus is not up yet, or not any more.
            case starting
            /// It serves those it has, and takes nothing new.
            case draining
            /// It was emptied, and nobody has it nor seeks it.
            case drained
            /// Nobody has it, though somebody should.
            case lost
            /// Nobody had it for so long that it was given up.
            case abandoned
        }

        let row: SlotRow
        let state: State
        let usage: SlotUsage
        let lease: Lease
        /// Milliseconds until what is left is ended; negative: for so long already. nil: no deadline.
        let deadline: Int?
    }

    struct Frontdoor: Equatable {
        let row: FrontdoorRow
        let lease: Lease
    }

    /// Milliseconds that it still holds; 0 or less: for how long it has been over; nil: since before the host's last start.
    struct Lease: Equatable {
        let left: Int?

        var isOver: Bool { (left ?? 0) <= 0 }

        fileprivate init(until: LeaseInstant, now: LeaseInstant) {
            left = until == .over ? nil : until.milliseconds(after: now)
        }
    }

    let slots: [Slot]
    let frontdoors: [Frontdoor]

    init(slots: [SlotRow], usage: [SlotID: SlotUsage], frontdoors: [FrontdoorRow], now: LeaseInstant) {
        self.slots = slots.map { row in
            let usage = usage[row.slot] ?? SlotUsage()
            let lease = Lease(until: row.leaseUntil, now: now)
            return Slot(
                row: row, state: Self.state(row, usage, lease), usage: usage, lease: lease,
                deadline: row.draining ? row.drainUntil?.milliseconds(after: now) : nil)
        }
        self.frontdoors = frontdoors.map { Frontdoor(row: $0, lease: Lease(until: $0.leaseUntil, now: now)) }
    }

    private static func state(_ row: SlotRow, _ usage: SlotUsage, _ lease: Lease) -> Slot.State {
        guard lease.isOver else { return row.draining ? .draining : row.servesJanus ? .serving : .starting }
        if row.draining, usage.isEmpty { return .drained }
        return row.isAbandoned ? .abandoned : .lost
    }
}

// MARK: For machines

extension StatusReport {
    /// One object in one line; the keys are documented in docs/configuration.md and only ever added to.
    var json: String {
        var writer = JSONWriter()
        writer.object { json in
            json.array("slots") { json in
                for slot in slots {
                    json.object { json in
                        json.member("slot", slot.row.slot.description)
                        json.member("state", slot.state.rawValue)
                        json.member("incarnation", slot.row.incarnation.description)
                        json.optional("lease_ms", slot.lease.left)
                        json.member("load", slot.row.load)
                        json.member("rooms", slot.usage.rooms)
                        json.member("sessions", slot.usage.sessions)
                        json.member("janus", slot.row.janus)
                        json.member("janus_up", slot.row.servesJanus)
                        json.member("weight", slot.row.weight)
                        json.member("draining", slot.row.draining)
                        json.optional("deadline_ms", slot.deadline)
                    }
                }
            }
            json.array("frontdoors") { json in
                for frontdoor in frontdoors {
                    json.object { json in
                        json.member("id", frontdoor.row.id.number)
                        json.member("state", frontdoor.lease.isOver ? "lost" : "serving")
                        json.member("incarnation", frontdoor.row.incarnation.description)
                        json.optional("lease_ms", frontdoor.lease.left)
                    }
                }
            }
        }
        return String(decoding: writer.bytes, as: UTF8.self) + "\n"
    }
}

extension JSONWriter {
    fileprivate mutating func optional(_ name: StaticString, _ value: Int?) {
        self.name(name)
        if let value { self.value(value) } else { null() }
    }
}

// MARK: For people

extension StatusReport {
    var table: String {
        var lines = [["SLOT", "STATE", "LEASE", "LOAD", "ROOMS", "SESSIONS", "WEIGHT", "JANUS"]]
        lines += slots.map { slot in
            [
                slot.row.slot.description, slot.state.rawValue + slot.remaining, slot.lease.words,
                String(slot.row.load), String(slot.usage.rooms), String(slot.usage.sessions), String(slot.row.weight),
                slot.row.janus + (slot.row.servesJanus ? "" : " (down)"),
            ]
        }
        if slots.isEmpty { lines = [["no slot was ever taken"]] }
        var doors = [["FRONT DOOR", "STATE", "LEASE"]]
        doors += frontdoors.map { [$0.row.id.description, $0.lease.isOver ? "lost" : "serving", $0.lease.words] }
        if frontdoors.isEmpty { doors = [["no front door"]] }
        return Self.aligned(lines) + "\n" + Self.aligned(doors)
    }

    private static func aligned(_ lines: [[String]]) -> String {
        let columns = lines.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            lines.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return lines.map { line in
            line.enumerated().map { column, text in
                column == line.count - 1
                    ? text : text + String(repeating: " ", count: widths[column] - text.count + 2)
            }.joined() + "\n"
        }.joined()
    }
}

extension StatusReport.Slot {
    fileprivate var remaining: String {
        guard state == .draining, let deadline else { return "" }
        return deadline > 0 ? " (\(seconds(deadline)) left)" : " (ending)"
    }
}

extension StatusReport.Lease {
    fileprivate var words: String {
        guard let left else { return "over" }
        return left > 0 ? seconds(left) : "over for \(seconds(-left))"
    }
}

/// Milliseconds as "3.2 s", or "4711 s" where tenths mean nothing.
private func seconds(_ milliseconds: Int) -> String {
    milliseconds < 60_000
        ? "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s" : "\(milliseconds / 1000) s"
}

extension LeaseInstant {
    /// How far it is after another; negative when before.
    fileprivate func milliseconds(after other: LeaseInstant) -> Int {
        self >= other ? Int(clamping: rawValue - other.rawValue) : -Int(clamping: other.rawValue - rawValue)
    }
}
