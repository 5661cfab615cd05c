import Foundation

/// Which start of the host a lease was granted in: CLOCK_BOOTTIME begins anew with each.
public struct BootID: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ text: String) { description = text }

    /// What the kernel says (`/proc/sys/kernel/random/boot_id`).
    ///
    /// - Throws: ``RegistryError/unavailable(_:)`` when /proc cannot be read.
    public static func current() throws(RegistryError) -> BootID {
        let path = "/proc/sys/kernel/random/boot_id"
        do {
            let text = try String(contentsOfFile: path, encoding: .ascii)
            return BootID(text.trimmingCharacters(in: .whitespacesAndNewlines))
        } catch {
            throw .unavailable("the boot id cannot be read from \(path)")
        }
    }
}
