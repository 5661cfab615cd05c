import Foundation

/// Why a trace cannot be written, in words for an operator.
public struct TraceFailure: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
}

/// A file that several processes may write to: each record is appended in one piece.
struct TraceFile {
    let path: String
    private let descriptor: Int32

    /// Readable by its owner only: what people do stands in it.
    init(_ path: String) throws(TraceFailure) {
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw TraceFailure(description: "\(path): \(String(cString: strerror(errno)))") }
        self.path = path
        self.descriptor = descriptor
    }

    /// - Throws: when not all of it was written.
    func append(_ record: [UInt8]) throws(TraceFailure) {
        while true {
            let written = write(descriptor, record, record.count)
            if written == record.count { return }
            if written < 0, errno == EINTR { continue }
            let reason =
                written < 0 ? String(cString: strerror(errno)) : "only \(written) bytes of a record were written"
            throw TraceFailure(description: "\(path): \(reason)")
        }
    }

    func close() { Foundation.close(descriptor) }
}
