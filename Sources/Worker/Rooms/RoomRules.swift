import Foundation
import Identity
import Settings

/// What rooms are to be like: the configuration file, read afresh for every new room, so that a change needs no restart.
struct RoomRules {
    let defaults: RoomConfiguration
    /// nil: there is no file, every room has the defaults.
    let file: String?
    let recordings: String

    /// A file that cannot be read closes the room: its rules are not known (D41).
    func configuration(of room: RoomURI) -> (RoomConfiguration, problems: [String]) {
        guard let file else { return (defaults, []) }
        do {
            return RoomConfiguration.of(room, in: try INIFile.read(file), fallback: defaults)
        } catch {
            var closed = defaults
            closed.access = .closed
            return (closed, ["\(file): \(error)"])
        }
    }

    /// Makes the room's directory for recordings. Whatever the room is called, it stays inside `recordings` (D41).
    func recordingDirectory(_ room: RoomURI) throws -> String {
        let name = room.description.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "@"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                String(UnicodeScalar(byte))
            case UInt8(ascii: "."): "."
            default: "%" + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
        let directory = "\(recordings)/\(name)"
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        return directory
    }
}
