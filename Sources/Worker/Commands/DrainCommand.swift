import ArgumentParser
import Registry
import Settings

/// `Worker drain`: the slot takes nothing new, and its worker gives it up when it is empty.
struct DrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "Lets a slot take no new rooms, and gives it up when it is empty.",
        discussion: "Again, to change the deadline; undrain cancels it. The order outlives the worker.")

    @Argument(help: "The slot: node/number, or the number of one on this node.")
    var slot: SlotName

    @Option(help: "Seconds after which what is left is ended, 0 to 604800; none: it ends by itself.")
    var deadline: Int?

    @OptionGroup var options: OperatorOptions

    func run() {
        let installation = options.installation()
        let slot = slot.slot(on: installation.node)
        if let deadline, !(0...604_800).contains(deadline) { endForUsage("--deadline is 0 to 604800 seconds") }
        let isThere = options.withRegistry(of: installation) { store throws(RegistryError) in
            try store.drainSlot(slot, until: deadline.map { LeaseInstant.now().advanced(byMilliseconds: $0 * 1000) })
        }
        guard isThere else { endForNoSuch("there is no slot \(slot)") }
        print("\(slot) drains\(deadline.map { ", for \($0) s at most" } ?? "")")
    }
}

/// `Worker undrain`: takes that back, also when the slot has been given up since.
struct UndrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undrain", abstract: "Cancels a drain: the slot takes new rooms again.")

    @Argument(help: "The slot: node/number, or the number of one on this node.")
    var slot: SlotName

    @OptionGroup var options: OperatorOptions

    func run() {
        let installation = options.installation()
        let slot = slot.slot(on: installation.node)
        let isThere = options.withRegistry(of: installation) { store throws(RegistryError) in
            try store.undrainSlot(slot)
        }
        guard isThere else { endForNoSuch("there is no slot \(slot)") }
        print("\(slot) takes new rooms")
    }
}
