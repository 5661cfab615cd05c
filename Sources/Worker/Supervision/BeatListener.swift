import Glibc
import Telemetry

/// The socket at which one child is heard (sd_notify(3)). Its name is drawn by the kernel and is no file: nothing is left of
/// it, however the process ends.
final class BeatListener {
    let descriptor: Int32
    /// What the child finds in `NOTIFY_SOCKET`.
    let name: String

    init?() {
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var length = socklen_t(MemoryLayout<sa_family_t>.size)
        var wants: Int32 = 1
        let descriptor = descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                // Without a name the kernel gives one.
                guard bind(descriptor, address, length) == 0 else { return false }
                length = socklen_t(MemoryLayout<sockaddr_un>.size)
                return getsockname(descriptor, address, &length) == 0
            }
        }
        // Anybody may write to an abstract name, so the kernel says who did.
        guard isBound, setsockopt(descriptor, SOL_SOCKET, SO_PASSCRED, &wants, socklen_t(MemoryLayout<Int32>.size)) == 0
        else {
            close(descriptor)
            return nil
        }
        let count = Int(length) - MemoryLayout<sa_family_t>.size
        let bytes = withUnsafeBytes(of: address.sun_path) { Array($0.prefix(count)) }
        name = "@" + String(decoding: bytes.dropFirst(), as: UTF8.self)
    }

    deinit { close(descriptor) }

    /// Takes all there is.
    ///
    /// - Returns: what the child has said, as far as it is known here.
    func heard(from child: pid_t) -> Set<Supervisor.Notice> {
        var notices: Set<Supervisor.Notice> = []
        while let (sender, text) = next() {
            guard sender == child else { continue }
            notices.formUnion(text.split(separator: "\n").compactMap { Supervisor.Notice(rawValue: String($0)) })
        }
        return notices
    }

    /// The sender's process, and what it said.
    private func next() -> (pid_t, String)? {
        var text = [UInt8](repeating: 0, count: 512)
        // A header of 16 bytes and three numbers of 4, aligned.
        var control = [UInt64](repeating: 0, count: 8)
        return text.withUnsafeMutableBytes { text in
            control.withUnsafeMutableBytes { control in
                var part = iovec(iov_base: text.baseAddress, iov_len: text.count)
                return withUnsafeMutablePointer(to: &part) { part in
                    var message = msghdr()
                    message.msg_iov = part
                    message.msg_iovlen = 1
                    message.msg_control = control.baseAddress
                    message.msg_controllen = control.count
                    let count = recvmsg(descriptor, &message, 0)
                    guard count >= 0 else { return nil }
                    let said = String(decoding: text.prefix(count), as: UTF8.self)
                    return (Self.sender(message, control), said)
                }
            }
        }
    }

    /// - Returns: 0 when the kernel did not say.
    private static func sender(_ message: msghdr, _ control: UnsafeMutableRawBufferPointer) -> pid_t {
        let start = MemoryLayout<cmsghdr>.size
        guard message.msg_controllen >= start + MemoryLayout<pid_t>.size else { return 0 }
        let header = control.load(as: cmsghdr.self)
        // SCM_CREDENTIALS, which the C headers hide.
        guard header.cmsg_level == SOL_SOCKET, header.cmsg_type == 2 else { return 0 }
        return control.load(fromByteOffset: start, as: pid_t.self)
    }
}
