import Foundation
import NIOCore
import NIOSSL
import Settings

/// `[TLS]`: the files with which a front door proves who it is. Their contents never get into a log.
struct TLSFiles: Equatable, Sendable {
    /// Why clients cannot be spoken to, in words for the operator.
    struct Problem: Error, Equatable { let text: String }

    /// PEM: the certificate, and behind it those that lead up to an authority.
    let certificate: String
    /// PEM, without a password.
    let privateKey: String

    /// nil: there is no TLS. One key without the other is refused.
    init?(_ reader: inout SettingsReader) {
        let certificate = reader.text("TLS", "certificate")
        let privateKey = reader.text("TLS", "private_key")
        // A key in the file itself, in the place of its path, is not to be repeated.
        if [certificate, privateKey].contains(where: { $0?.contains("-----BEGIN") == true }) {
            reader.refuse("TLS", "certificate", "(PEM)", legal: "a file, and so is private_key")
            return nil
        }
        switch (certificate, privateKey) {
        case (let certificate?, let privateKey?): self.init(certificate: certificate, privateKey: privateKey)
        case (nil, nil): return nil
        case (let certificate?, nil):
            reader.refuse("TLS", "certificate", certificate, legal: "a file, together with private_key")
            return nil
        case (nil, let privateKey?):
            reader.refuse("TLS", "private_key", privateKey, legal: "a file, together with certificate")
            return nil
        }
    }

    init(certificate: String, privateKey: String) {
        self.certificate = certificate
        self.privateKey = privateKey
    }

    /// Reads both. Blocks.
    ///
    /// - Parameter closingTime: for a client to end its side of TLS.
    func load(closingTime: TimeAmount) throws(Problem) -> NIOSSLContext {
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMBytes(try contents(of: certificate, "certificate"))
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(text: "[TLS] certificate: \(certificate) holds no certificate in PEM")
        }
        guard !chain.isEmpty else {
            throw Problem(text: "[TLS] certificate: \(certificate) holds no certificate in PEM")
        }
        let key: NIOSSLPrivateKey
        do {
            key = try NIOSSLPrivateKey(bytes: try contents(of: privateKey, "private_key"), format: .pem)
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(
                text: "[TLS] private_key: \(privateKey) holds no private key in PEM that is without a password")
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        configuration.shutdownTimeout = closingTime
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw Problem(text: "[TLS] private_key: \(privateKey) is not the key of the certificate in \(certificate)")
        }
    }

    /// Every user of this host may read the private key.
    var isKeyExposed: Bool {
        var status = stat()
        return stat(privateKey, &status) == 0 && status.st_mode & S_IROTH != 0
    }

    private func contents(of path: String, _ key: String) throws(Problem) -> [UInt8] {
        do {
            return [UInt8](try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw Problem(text: "[TLS] \(key): \(path) cannot be read")
        }
    }
}
