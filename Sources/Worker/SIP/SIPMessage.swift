import Identity
import JSONText
import SIPLookup
import Sylkrtc

/// What is asked on a handle of the SIP plugin. All are asynchronous in Janus: accepted, then answered by events.
enum SIPMessage: Equatable {
    case register, unregister
    /// The handle shares another one's SIP stack.
    case helper
    case call, accept, decline, hangup
    /// Frees a handle that is busy with a call that was never told of.
    case reset
    /// Asks for the Call-ID of the call that the handle is in, or only whether all that was asked before is done.
    case ask
}

/// The bodies of those messages.
enum SIPBody {
    typealias Body = @Sendable (inout JSONWriter) -> Void

    /// Who the handle is. Members that are absent are left out: Janus takes no `null`.
    ///
    /// - Parameters:
    ///   - target: named twice, because `proxy` is for REGISTER only.
    ///   - isSent: a REGISTER is sent; otherwise the handle only learns who it is.
    ///   - isRefresh: it may be registered already.
    static func register(
        _ identity: WorkerRequest.Identity, over target: ProxyTarget, isSent: Bool, isRefresh: Bool
    ) -> Body {
        { json in
            json.member("request", "register")
            if !isSent { json.member("send_register", false) }
            if isRefresh { json.member("refresh", true) }
            json.member("username", "sip:\(identity.account)")
            json.member("ha1_secret", identity.password)
            if let displayName = identity.displayName { json.member("display_name", displayName) }
            if let userAgent = identity.userAgent { json.member("user_agent", userAgent) }
            route(over: target, to: &json)
        }
    }

    /// Who nobody is: the first `register` of a handle costs everybody 100 ms, whoever it is for, and those that follow
    /// nothing.
    static func warm(_ transport: SIPTransport) -> Body {
        { json in
            json.member("request", "register")
            json.member("send_register", false)
            json.member("username", "sip:pool@pool.invalid")
            json.member("ha1_secret", "pool")
            route(over: ProxyTarget(transport, IPAddress(version4: 0x7F00_0001), 9), to: &json)
        }
    }

    private static func route(over target: ProxyTarget, to json: inout JSONWriter) {
        json.member("proxy", target.description)
        json.member("outbound_proxy", target.description)
        switch target.transport {
        // The parameter in the URI alone opens no connection.
        case .tcp: json.member("force_tcp", true)
        case .udp, .tls: break
        }
    }

    /// - Parameter master: as ``SIPEvent/registered(isSent:master:isHelper:)`` has told it.
    static func helper(of master: UInt64, account: String) -> Body {
        { json in
            json.member("request", "register")
            json.member("type", "helper")
            json.member("username", "sip:\(account)")
            json.member("master_id", master)
        }
    }

    /// - Parameter uri: without a scheme.
    static func call(_ uri: String, callID: String) -> Body {
        { json in
            json.member("request", "call")
            json.member("uri", "sip:\(uri)")
            json.member("call_id", callID)
        }
    }

    /// - Parameter code: 400 to 699; Janus makes something else of others.
    static func decline(_ code: Int) -> Body {
        { json in
            json.member("request", "decline")
            json.member("code", code)
        }
    }

    static let unregister = plain("unregister")
    static let accept = plain("accept")
    static let hangup = plain("hangup")
    static let reset = plain("reset")
    /// Nothing that Janus knows: its refusal names the call (``SIPEvent/failed(_:callID:)``).
    static let ask = plain("which_call")

    private static func plain(_ name: String) -> Body { { $0.member("request", name) } }
}
