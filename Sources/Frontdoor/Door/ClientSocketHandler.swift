import Logging
import NIOCore
import NIOWebSocket
import Sylkrtc
import Telemetry

/// A client's WebSocket behind its frames: whole text messages go to the ``Connection``, what it says goes out once per
/// tick. Pings, closing, back-pressure and clients that do not read are dealt with here.
final class ClientSocketHandler: ChannelInboundHandler, ClientSocket {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let door: DoorLoop
    private let dialect: Dialect
    private let client: ClientOrigin?
    private let limits: Limits
    private let logger: Logger
    private var connection: Connection?
    private var context: ChannelHandlerContext?
    /// Where whole frames are written.
    private var encoder: ChannelHandlerContext?
    private var liveness: LivenessStateMachine
    private var livenessTimer: Scheduled<Void>?
    private var unwritableTimer: Scheduled<Void>?
    private var closingTimer: Scheduled<Void>?
    private var needsFlush = false
    private var isClosing = false
    /// Nothing is read before `ready`, nor while too many requests are unanswered.
    private var isPaused = true
    /// The client has been let in, and is pinged from then on.
    private var hasBegun = false
    /// Messages that had been read when reading was paused.
    private var held: CircularBuffer<[UInt8]> = []

    init(door: DoorLoop, dialect: Dialect, client: ClientOrigin?, logger: Logger) {
        self.door = door
        self.dialect = dialect
        self.client = client
        self.logger = logger
        limits = door.limits
        liveness = LivenessStateMachine(interval: door.pingInterval)
    }

    // MARK: Coming and going

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        do {
            encoder = try context.pipeline.syncOperations.context(handlerType: WebSocketFrameEncoder.self)
        } catch {
            preconditionFailure("a WebSocket without its encoder: \(error)")
        }
        setAutoRead(false)
        connection = door.connected(self, dialect: dialect, from: client)
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { ended() }

    private func ended() {
        livenessTimer?.cancel()
        unwritableTimer?.cancel()
        closingTimer?.cancel()
        context = nil
        encoder = nil
        held = []
        connection?.closed()
        connection = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case NIOWebSocketError.invalidFrameLength, NIOWebSocketFrameAggregator.Error.accumulatedFrameSizeIsTooLarge:
            connection?.reached(.messageSize)
            close(code: 1009, reason: "message too large")
        case NIOWebSocketFrameAggregator.Error.tooManyFragments:
            connection?.reached(.fragments)
            close(code: 1009, reason: "message too large")
        case is MaskingHandler.NotMasked: close(code: 1002, reason: "frames must be masked")
        case is NIOWebSocketError, is NIOWebSocketFrameAggregator.Error, is MaskingHandler.ReservedBits:
            close(code: 1002, reason: "protocol error")
        case ByteToMessageDecoderError.dataReceivedInErrorState where isClosing:
            // What follows a broken frame. Closing now would take the close frame along: the client may still be sending.
            break
        default: context.close(promise: nil)
        }
    }

    // MARK: Receiving

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var frame = unwrapInboundIn(data)
        guard !isClosing || frame.opcode == .connectionClose else { return }
        switch frame.opcode {
        case .text:
            let (text, isASCII) = frame.unmaskedText
            guard isASCII || String(validating: text, as: UTF8.self) != nil else {
                return close(code: 1007, reason: "text must be UTF-8")
            }
            if isPaused { held.append(text) } else { connection?.received(text) }
        case .binary: connection?.ignoredBinary()
        case .ping: write(.pong, frame.unmaskedData)
        case .pong:
            var payload = frame.unmaskedData
            perform(liveness.ponged(payload.readableBytes == 4 ? payload.readInteger() : nil))
        case .connectionClose: closed(by: &frame, context)
        default: close(code: 1002, reason: "unexpected frame")
        }
    }

    func pauseReading() {
        guard !isPaused else { return }
        isPaused = true
        setAutoRead(false)
        livenessTimer?.cancel()
        liveness.paused()
    }

    func resumeReading() {
        guard isPaused else { return }
        isPaused = false
        while !isPaused, let text = held.popFirst() { connection?.received(text) }
        guard !isPaused else { return }
        setAutoRead(true)
        perform(hasBegun ? liveness.resumed() : liveness.opened())
        hasBegun = true
    }

    private func setAutoRead(_ isOn: Bool) {
        guard let context else { return }
        do {
            try context.channel.syncOptions?.setOption(.autoRead, value: isOn)
        } catch {
            // A closed channel has no options; its end is reported by itself.
            logger.debug("autoRead", metadata: .keyed([.error: "\(error)"]))
        }
    }

    // MARK: Sending

    func send(_ text: [UInt8]) {
        guard let context, let encoder, !isClosing else { return }
        // Past the encoder, which would send the header as a buffer of its own.
        encoder.write(NIOAny(context.channel.allocator.textFrame(text)), promise: nil)
        wrote(context)
    }

    private func write(_ opcode: WebSocketOpcode, _ data: ByteBuffer) {
        guard let context else { return }
        context.write(wrapOutboundOut(WebSocketFrame(fin: true, opcode: opcode, data: data)), promise: nil)
        wrote(context)
    }

    private func wrote(_ context: ChannelHandlerContext) {
        // Whatever is sent counts, pongs included.
        if !context.channel.isWritable, unsentBytes > limits.unsentBytes { return abort(.unsentBytes) }
        guard !needsFlush else { return }
        needsFlush = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.execute { bound.value.flush() }
    }

    private var unsentBytes: Int {
        do {
            return try context?.channel.syncOptions?.getOption(.bufferedWritableBytes) ?? 0
        } catch {
            // Only a closed channel has no options, and nothing waits in that.
            return 0
        }
    }

    private func flush() {
        needsFlush = false
        context?.flush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        unwritableTimer?.cancel()
        unwritableTimer = nil
        if !context.channel.isWritable {
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            unwritableTimer = context.eventLoop.scheduleTask(in: limits.unwritableTime) {
                bound.value.abort(.unwritableTime)
            }
        }
        context.fireChannelWritabilityChanged()
    }

    // MARK: Closing

    func close(code: UInt16, reason: String) {
        guard let context, !isClosing else { return }
        isClosing = true
        var data = context.channel.allocator.buffer(capacity: 125)
        data.write(webSocketErrorCode: WebSocketErrorCode(codeNumber: Int(code)))
        data.writeBytes(reason.utf8.prefix(123))
        context.writeAndFlush(
            wrapOutboundOut(WebSocketFrame(fin: true, opcode: .connectionClose, data: data)), promise: nil)
        // The client's own close frame ends it; a client that sends none has a second.
        setAutoRead(true)
        startClosingTimer(context)
    }

    private func closed(by frame: inout WebSocketFrame, _ context: ChannelHandlerContext) {
        let channel = context.channel
        guard !isClosing else { return context.close(promise: nil) }
        isClosing = true
        var data = frame.unmaskedData
        let code = data.readSlice(length: 2) ?? context.channel.allocator.buffer(capacity: 0)
        context.writeAndFlush(wrapOutboundOut(WebSocketFrame(fin: true, opcode: .connectionClose, data: code)))
            .whenComplete { _ in channel.close(promise: nil) }
        startClosingTimer(context)
    }

    private func startClosingTimer(_ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        closingTimer = context.eventLoop.scheduleTask(in: limits.closingTime) { bound.value.closingTimePassed() }
    }

    private func closingTimePassed() {
        connection?.reached(.closingTime)
        context?.close(promise: nil)
    }

    private func abort(_ limit: LimitKind) {
        connection?.reached(limit)
        context?.channel.abort()
    }

    // MARK: Liveness

    private func perform(_ action: LivenessStateMachine.Action) {
        switch action {
        case .none: break
        case .wait(let time): startLivenessTimer(time)
        case .ping(let number, let time):
            write(.ping, ByteBuffer(integer: number))
            startLivenessTimer(time)
        case .abort: abort(.pongTime)
        }
    }

    private func startLivenessTimer(_ time: TimeAmount) {
        guard let context else { return }
        livenessTimer?.cancel()
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        livenessTimer = context.eventLoop.scheduleTask(in: time) {
            bound.value.perform(bound.value.liveness.timerFired())
        }
    }
}
