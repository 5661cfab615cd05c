import Foundation
import Identity

/// The lock that gives a slot: `flock` on `slot-N.lock`. The kernel frees it when the process dies, however it dies.
final class SlotLock {
    let number: Int
    private let path: String
    private let descriptor: Int32

    enum Failure: Error, CustomStringConvertible {
        case unusable(String)

        var description: String {
            switch self {
            case .unusable(let problem): problem
            }
        }
    }

    /// - Returns: nil when another process has the slot.
    static func take(_ number: Int, in directory: String) throws(Failure) -> SlotLock? {
        // For its owner only, as the bus demands that shares it.
        guard mkdir(directory, 0o700) == 0 || errno == EEXIST else {
            throw .unusable("\(directory): \(String(cString: strerror(errno)))")
        }
        let path = "\(directory)/slot-\(number).lock"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unusable("\(path): \(String(cString: strerror(errno)))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let error = errno
            close(descriptor)
            guard error == EWOULDBLOCK else { throw .unusable("\(path): \(String(cString: strerror(error)))") }
            return nil
        }
        let lock = SlotLock(number: number, path: path, descriptor: descriptor)
        // Somebody may have replaced the file between opening and locking: then this is a lock on nothing.
        return lock.isOwn ? lock : nil
    }

    private init(number: Int, path: String, descriptor: Int32) {
        self.number = number
        self.path = path
        self.descriptor = descriptor
    }

    /// The path still leads to the file that is locked.
    var isOwn: Bool {
        var opened = stat()
        var named = stat()
        return fstat(descriptor, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino
            && opened.st_dev == named.st_dev
    }

    deinit { close(descriptor) }
}
