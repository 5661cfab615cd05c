import CCAres
import Glibc

/// The channel in use, its sockets waited for; a new one takes its place when the system's name servers have changed.
/// Confined to one thread.
final class CAresServing {
    static let systemFile = "/etc/resolv.conf"

    /// By which it is noticed that a file is another.
    private struct Stamp: Equatable {
        let device: dev_t
        let inode: ino_t
        let size: off_t
        let seconds: Int
        let nanoseconds: Int

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            device = status.st_dev
            inode = status.st_ino
            size = status.st_size
            seconds = status.st_mtim.tv_sec
            nanoseconds = Int(status.st_mtim.tv_nsec)
        }
    }

    private let servers: [NameServer]
    private var stamp: Stamp?
    private var channel: CAresChannel

    init(_ servers: [NameServer]) throws(DNSSetupError) {
        self.servers = servers
        stamp = Stamp(Self.systemFile)
        channel = try CAresChannel(servers)
    }

    func ask(_ question: DNSQuestion, completion: @escaping (DNSAnswer) -> Void) {
        refresh()
        channel.ask(question, completion: completion)
    }

    /// c-ares reads the system's file once. What is under way goes on with what it began with.
    private func refresh() {
        guard servers.isEmpty, channel.underWay == 0 else { return }
        let now = Stamp(Self.systemFile)
        // When a new channel cannot be had, the old one serves on, and the next question tries again.
        guard now != stamp, let fresh = try? CAresChannel(servers) else { return }
        stamp = now
        channel.destroy()
        channel = fresh
    }

    /// Waits until something is to be done, and does it.
    ///
    /// - Parameter bell: readable when there is something else to do.
    func wait(bell: Int32) {
        var descriptors = [pollfd(fd: bell, events: Int16(POLLIN), revents: 0)]
        for (socket, events) in channel.sockets {
            descriptors.append(pollfd(fd: socket, events: events, revents: 0))
        }
        guard poll(&descriptors, nfds_t(descriptors.count), channel.patience) >= 0 else { return }
        if descriptors[0].revents != 0 {
            var bytes: (UInt64, UInt64) = (0, 0)
            while read(bell, &bytes, 16) > 0 {}
        }
        channel.process(
            descriptors.dropFirst().filter { $0.revents != 0 }.map { (socket: $0.fd, events: $0.revents) })
    }

    func stop() { channel.destroy() }
}
