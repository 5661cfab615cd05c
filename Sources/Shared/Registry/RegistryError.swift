/// Why the registry did not do what it was asked to. Nothing was written.
///
/// The texts are for logs and operators. They hold no addresses of people or rooms; a path is the registry's own.
public enum RegistryError: Error, Equatable, Sendable {
    /// The name belongs to another incarnation by now. The writer must stop acting at once.
    case superseded
    /// The registry cannot be read or written, or does not hold the row that was to be changed, as after its file was
    /// replaced. Calls and rooms go on; owners restore their rows when it is back.
    case unavailable(String)
    /// A row that must not exist twice exists with other content.
    case conflict(String)
    /// The file was written by a newer version, which declared that this one must not use it.
    case incompatible(String)
}
