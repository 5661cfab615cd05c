import ArgumentParser
import NIOCore
import NIOPosix
import NIOWebSocket

/// The floor of P1 and P8: a WebSocket server on one SwiftNIO loop that sends back what it gets.
struct EchoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "echo", abstract: "A WebSocket echo on one loop.")

    @Option(help: "To listen at, on 127.0.0.1.")
    var port: Int

    func run() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let channel = try await FloorServer.bind(port: port, on: group) { EchoHandler() }
        try await channel.closeFuture.get()
    }
}

private final class EchoHandler: ChannelInboundHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .text:
            let echo = WebSocketFrame(fin: true, opcode: .text, data: frame.unmaskedData)
            context.write(wrapOutboundOut(echo), promise: nil)
        case .connectionClose: context.close(promise: nil)
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
