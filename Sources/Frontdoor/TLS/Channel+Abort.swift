import Glibc
import NIOCore
import NIOSSL

extension Channel {
    /// Closes the socket without a goodbye of TLS, for which the other end would have to listen.
    func closeAtOnce() {
        do {
            try pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self).close(promise: nil)
        } catch {
            // It speaks no TLS.
            close(promise: nil)
        }
    }

    /// Resets the connection: what the other end has not read yet is forgotten here, too.
    func abort() {
        (self as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            .whenFailure { _ in
                // It is closed already.
            }
        closeAtOnce()
    }
}
