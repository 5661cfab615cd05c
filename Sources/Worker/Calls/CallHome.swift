import Identity
import Registry
import SIPLookup
import Sylkrtc

/// What calls need of whoever holds them. Confined to the worker's core loop.
protocol CallHome: AnyObject {
    var possession: SlotPossession { get }
    var outbox: any Outbox { get }
    /// Where outgoing calls get their handles.
    var handles: any OwnHandles { get }

    func voice(of session: SessionID, base: SessionID?, isHeard: Bool) -> SessionVoice
    /// Looks up where requests for a URI (without a scheme) are sent.
    ///
    /// - Parameter completion: called once, on the loop, with at least one target.
    func findProxies(for uri: String, completion: @escaping (Result<[ProxyTarget], ProxyLookupFailure>) -> Void)
    /// A server did not answer, or not as one that can be used (RFC 3263 §4.3).
    func proxyFailed(_ target: ProxyTarget)
    /// - Parameter isMissed: nobody took it, which the client is told with its end.
    func markEnded(_ session: SessionID, isMissed: Bool, at point: FaultPoint, then: @escaping () -> Void)
    /// Nothing is left of the call but its row, if ``CallSession/ending`` says that it has one.
    func finished(_ call: any CallSession)
    /// The incoming call does not need its registration's handle any more; what else is said of it is said later.
    func handleReturned(_ handle: JanusHandleID, from call: SessionID, of registration: SessionID, _ use: HandleUse)
    /// A call that nobody heard of, to be told of the registration (E04).
    ///
    /// - Parameter call: by whose number it is told once.
    func missedCall(from caller: Caller, of registration: SessionID, by call: RequestSequence)
}

/// In what state a registration's handle comes back from a call.
enum HandleUse: Equatable {
    /// It takes the next call within a second at most.
    case free
    /// Another call has taken it meanwhile.
    case taken
    /// The call is over for its client, and not yet in Janus.
    case stuck
}

/// Why there is nowhere to send a call to, in words for the client.
struct ProxyLookupFailure: Error, Equatable {
    /// `DNS lookup error: …`
    let text: String
}

/// Where handles come from that have no SIP stack in common with others, and whose detach therefore ends whatever they do.
protocol OwnHandles: AnyObject {
    /// - Parameter completion: called once, on the loop, with a handle that has paid for its SIP stack. It is the caller's
    ///   to detach.
    func take(_ transport: SIPTransport, completion: @escaping (Result<JanusHandleID, JanusError>) -> Void)
}

/// One call, whichever way it goes.
protocol CallSession: AnyObject {
    var id: SessionID { get }
    var clientSession: ClientSessionID { get }
    var account: AddressOfRecord { get }
    /// Of a call that is over.
    var outcome: CallOutcome { get }
    /// What the registry holds of it.
    var row: SessionRow { get }
    /// Its handle in Janus; nil: none, or none any more.
    var handleID: JanusHandleID? { get }
    var voice: SessionVoice { get }
    var isEnding: Bool { get }
    /// Nobody waits to be told of its end.
    var isReleased: Bool { get }
    /// What a resync finds when it is over; nil: it had no row, and nobody was told of it.
    var ending: CallEnding? { get }

    /// The link to its front door is gone.
    func suspend()
    /// The front door says what the client knows and what it waits for.
    ///
    /// - Parameter told: nil: the front door has not heard of the (incoming) call.
    func resync(_ told: ToldCall?, _ requests: [ListedRequest])
    func submit(_ request: WorkerRequest, sequence: RequestSequence)
    /// Something that is not a request ends it: its account goes, or the slot is emptied (D23).
    func end(_ reason: String)
    /// The front door has given up on it.
    func release()
    /// Janus has lost it.
    func vanish(_ reason: String)
}

/// How a call ended.
struct CallEnding: Equatable {
    /// How the request that created it was answered; nil: never.
    let creation: WorkerAnswer?
    let reason: String
    /// Of an incoming call that nobody took: its caller (E04).
    var missed: Caller?

    /// What a client that does not know yet is told.
    var farewell: WorkerEvent { .call(.terminated(reason: reason, missed: missed)) }

    /// What is told of ends that nobody saw (protocol page, section 12).
    static let unansweredOutgoing = "408 Request Timeout"
    static let unansweredIncoming = "487 Request Terminated"
    static let established = "200 Session Terminated"
    static let declined = "486 Busy Here"
    /// Of calls that end with their account or its registration (D23), as front doors tell it where they end them themselves.
    static let withAccount = "reason unspecified"
}
