import GRDB

extension RegistryError {
    /// What SQLite or GRDB said, in words that hold nothing of the rows.
    init(_ error: any Error, path: String) {
        guard let error = error as? DatabaseError else {
            if let error = error as? RegistryError {
                self = error
            } else {
                self = .unavailable("\(path): \(type(of: error))")
            }
            return
        }
        let reason =
            switch error.resultCode {
            case .SQLITE_BUSY, .SQLITE_LOCKED: "locked by somebody else for too long"
            case .SQLITE_NOTADB: "is not an SQLite database"
            case .SQLITE_CORRUPT: "is damaged"
            case .SQLITE_FULL: "cannot grow, the disk is full"
            case .SQLITE_READONLY: "cannot be written to"
            case .SQLITE_CANTOPEN: "cannot be opened"
            default: error.message ?? "SQLite says \(error.extendedResultCode.rawValue)"
            }
        self = .unavailable("\(path): \(reason)")
    }
}
