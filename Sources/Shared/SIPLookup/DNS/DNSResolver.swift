/// Whoever answers questions. Confined to one event loop.
public protocol DNSResolver: AnyObject {
    /// - Parameter completion: called on the loop, once; possibly before this returns.
    func resolve(_ question: DNSQuestion, completion: @escaping (DNSAnswer) -> Void)

    /// Answers whatever is under way with ``DNSFailure/stopped``, and everything after. More than once is fine.
    func stop()
}
