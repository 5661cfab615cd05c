import Identity
import NIOCore

/// The device tokens as an event loop sees them: nothing blocks, and outcomes return on the loop.
public struct LoopDeviceTokens: Sendable {
    private let tokens: DeviceTokens
    private let loop: any EventLoop

    public init(_ tokens: DeviceTokens, loop: any EventLoop) {
        self.tokens = tokens
        self.loop = loop
    }

    /// As ``DeviceTokens/change(_:of:completion:)``; to be called on the loop, where `then` is called later.
    public func change(
        _ changes: [DeviceTokenChange], of account: AddressOfRecord, then: @escaping (_ isStored: Bool) -> Void
    ) {
        let completion = LoopCompletion(on: loop, then)
        tokens.change(changes, of: account) { completion($0) }
    }

    /// As ``DeviceTokens/tokens(of:completion:)``; to be called on the loop, where `then` is called later.
    public func tokens(
        of account: AddressOfRecord, then: @escaping (Result<[String], RegistryError>) -> Void
    ) {
        let completion = LoopCompletion(on: loop, then)
        tokens.tokens(of: account) { completion($0) }
    }
}
