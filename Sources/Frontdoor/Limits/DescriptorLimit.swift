import Glibc

/// How many descriptors the process may have (getrlimit(2)).
enum DescriptorLimit {
    /// Kept for what is not a client: links, the registry, files, sockets on their way out.
    static let reserve = 512

    /// Raises the limit as far as it goes.
    ///
    /// - Returns: what there is then.
    static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
        if limit.rlim_cur < limit.rlim_max {
            var raised = limit
            raised.rlim_cur = limit.rlim_max
            if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
        }
        return Int(min(limit.rlim_cur, rlim_t(Int32.max)))
    }

    /// Of so many, those that clients may have: all but the reserve, or half of a few.
    static func forClients(of descriptors: Int) -> Int { max(1, max(descriptors - reserve, descriptors / 2)) }
}
