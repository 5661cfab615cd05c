import NIOCore
import NIOWebSocket

/// Refuses frames that are not masked (RFC 6455 §5.1), before fragments are joined and their keys are gone.
final class MaskingHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias InboundOut = WebSocketFrame

    struct NotMasked: Error {}

    private var isRefusing = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefusing else { return }
        guard unwrapInboundIn(data).maskKey != nil else {
            isRefusing = true
            return context.fireErrorCaught(NotMasked())
        }
        context.fireChannelRead(data)
    }
}
