import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOSSL
import Telemetry

/// What new connections are spoken to with. It can be exchanged while connections last: each keeps what it began with.
final class TLSIdentity: Sendable {
    private let files: TLSFiles
    private let closingTime: TimeAmount
    private let context: NIOLockedValueBox<NIOSSLContext>
    private let logger: Logger

    /// Reads the files. Blocks.
    init(_ files: TLSFiles, closingTime: TimeAmount, logger: Logger) throws(TLSFiles.Problem) {
        self.files = files
        self.closingTime = closingTime
        self.logger = logger
        context = NIOLockedValueBox(try files.load(closingTime: closingTime))
        warnOfExposure()
    }

    /// Reads the files again. What cannot be used changes nothing. Blocks.
    func reload() {
        do throws(TLSFiles.Problem) {
            let fresh = try files.load(closingTime: closingTime)
            context.withLockedValue { $0 = fresh }
            logger.notice("certificate read again", metadata: .keyed([.path: files.certificate]))
            warnOfExposure()
        } catch {
            logger.error("certificate not changed", metadata: .keyed([.error: error.text]))
        }
    }

    /// TLS for one connection.
    func handler() -> NIOSSLServerHandler {
        var configuration = NIOSSLHandler.Configuration()
        // Idle connections hold no more than this.
        configuration.maximumPreservedOutboundBufferCapacity = 4096
        return NIOSSLServerHandler(context: context.withLockedValue { $0 }, configuration: configuration)
    }

    private func warnOfExposure() {
        guard files.isKeyExposed else { return }
        logger.warning("everybody can read the private key", metadata: .keyed([.path: files.privateKey]))
    }
}
