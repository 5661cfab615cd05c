import NIOCore
import NIOWebSocket

/// Refuses frames that are not masked (RFC 6455 §5.1) or use bits that only an extension gives a meaning (§5.2), before
/// fragments are joined: the whole message no longer shows either.
final class MaskingHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = WebSocketFrame

    struct NotMasked: Error {}
    struct ReservedBits: Error {}

    private var isRefusing = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefusing else { return }
        let frame = unwrapInboundIn(data)
        guard frame.maskKey != nil else { return refuse(NotMasked(), context) }
        guard !frame.rsv1, !frame.rsv2, !frame.rsv3 else { return refuse(ReservedBits(), context) }
        context.fireChannelRead(data)
    }

    private func refuse(_ error: any Error, _ context: ChannelHandlerContext) {
        isRefusing = true
        context.fireErrorCaught(error)
    }
}
