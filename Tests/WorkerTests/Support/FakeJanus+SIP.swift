import JSONText

@testable import Worker

/// The SIP plugin, as it was measured: what it says at once follows by itself; what telephones do is the test's to say.
extension FakeJanus {
    /// Of a handle of the SIP plugin.
    struct Phone {
        enum Registration: String { case unregistered, registering, registered, disabled }
        enum Call: String { case idle, inviting, invited, incall, closing }

        /// It has a SIP stack: the pause is behind it.
        var isWarm = false
        var registration = Registration.unregistered
        var username: String?
        var isHelper = false
        var master: UInt64
        var call = Call.idle
        var callID: String?
        /// Removed by our own hangup and by nothing else.
        var callee: String?
        var isEstablished = false
        var isEstablishing = false
        var hasProvisional = false
        var remote: String?
        /// The transaction of the `call`.
        var transaction: String?
    }

    func phone(_ request: Request, _ socket: FakeJanusSocket) {
        guard let body = request.body, let name = body["request"]?.string else {
            return refuse(request, 456, "Missing body", socket)
        }
        if name == "call" || name == "accept", request.root["jsep"]?["sdp"]?.string == nil {
            return accept(request, socket) { [self] in phoneFails(request, 448, "Missing SDP") }
        }
        switch (name, phones[request.handle]?.call) {
        case ("call", .inviting?), ("call", .invited?), ("call", .incall?), ("call", .closing?):
            return refuse(request, 490, "Error setting ICE locally", socket)
        case ("accept", .idle?), ("accept", nil):
            return refuse(request, 469, "Unexpected ANSWER (did we offer?)", socket)
        default: break
        }
        accept(request, socket) { [self] in
            guard handles[request.handle] != nil else { return }
            switch name {
            case "register": phoneRegisters(request, body)
            case "unregister": phoneUnregisters(request)
            case "call": phoneCalls(request, body)
            case "accept": phoneAccepts(request)
            case "decline": phoneDeclines(request, body)
            case "hangup": phoneHangsUp(request)
            case "reset":
                if phones[request.handle]?.call == .idle { phones[request.handle]?.isEstablishing = false }
                phoneSays(request.handle, #""event":"reset""#, transaction: request.transaction)
            default: phoneFails(request, 442, "Unknown request (\(name))")
            }
        }
    }

    // MARK: Requests

    private func phoneRegisters(_ request: Request, _ body: JSONValue) {
        let handle = request.handle
        let name = body["username"]?.string.map { String($0.dropFirst(4).prefix { $0 != "@" }) } ?? ""
        var phone = phones[handle] ?? Phone(master: handle & 0xFFFF_FFFF)
        defer { phones[handle] = phone }
        if body["type"]?.string == "helper" {
            guard let master = body["master_id"]?.integer(UInt64.self),
                phones.values.contains(where: { $0.master == master && !$0.isHelper })
            else { return phoneFails(request, 453, "No such master session") }
            guard !phone.isHelper else { return phoneFails(request, 453, "Session already a helper") }
            (phone.isHelper, phone.master, phone.registration) = (true, master, .disabled)
            phone.username = name
            return phoneSays(
                handle,
                #""event":"registered","username":"\#(name)","register_sent":false,"helper":true,"master_id":\#(master)"#,
                transaction: request.transaction)
        }
        let isSent = body["send_register"]?.bool ?? true
        if phone.registration == .registered || phone.registration == .registering, body["refresh"]?.bool != true {
            return phoneFails(request, 445, "Already registered (\(name))")
        }
        phone.isWarm = true
        phone.username = name
        guard isSent else {
            phone.registration = .disabled
            return phoneSays(
                handle,
                #""event":"registered","username":"\#(name)","register_sent":false,"master_id":\#(phone.master)"#,
                transaction: request.transaction)
        }
        phone.registration = .registering
        phoneSays(handle, #""event":"registering""#, transaction: request.transaction)
    }

    private func phoneUnregisters(_ request: Request) {
        guard let phone = phones[request.handle], phone.registration == .registered else {
            return phoneFails(request, 447, "Wrong state (not registered)")
        }
        phones[request.handle]?.registration = .unregistered
        phoneSays(request.handle, #""event":"unregistering""#, transaction: request.transaction)
        phoneSays(
            request.handle, #""event":"unregistered","username":"\#(phone.username ?? "")""#,
            transaction: request.transaction)
    }

    private func phoneCalls(_ request: Request, _ body: JSONValue) {
        guard let phone = phones[request.handle], phone.registration != .unregistered else {
            return phoneFails(request, 447, "Wrong state (register first)")
        }
        guard let uri = body["uri"]?.string, uri.hasPrefix("sip:") else {
            return phoneFails(request, 446, "Invalid user address")
        }
        let callID = body["call_id"]?.string ?? "call-of-\(request.handle)"
        dialled.append((callID, uri, request.handle))
        phones[request.handle]?.call = .inviting
        phones[request.handle]?.callID = callID
        phones[request.handle]?.callee = uri
        phones[request.handle]?.isEstablishing = true
        phones[request.handle]?.hasProvisional = false
        phones[request.handle]?.remote = request.root["jsep"]?["sdp"]?.string
        phones[request.handle]?.transaction = request.transaction
        phoneSays(request.handle, #""event":"calling","call_id":"\#(callID)""#, transaction: request.transaction)
    }

    private func phoneAccepts(_ request: Request) {
        guard phones[request.handle]?.call == .invited else { return phoneFails(request, 447, "Wrong state") }
        phones[request.handle]?.call = .incall
        phones[request.handle]?.remote = request.root["jsep"]?["sdp"]?.string
        phoneSays(request.handle, #""event":"accepted""#, transaction: request.transaction)
    }

    private func phoneDeclines(_ request: Request, _ body: JSONValue) {
        guard let phone = phones[request.handle], phone.call == .invited else { return }
        let code = body["code"]?.integer(Int.self) ?? 486
        phoneSays(request.handle, #""event":"declining","code":\#(code)"#, transaction: request.transaction)
        phones[request.handle]?.callee = nil
        endCall(request.handle, code, "Declined")
    }

    private func phoneHangsUp(_ request: Request) {
        guard let phone = phones[request.handle] else { return }
        switch phone.call {
        // Acknowledged, and nothing happens.
        case .idle, .invited, .closing: return
        case .inviting, .incall:
            guard phone.callee != nil else { return phoneFails(request, 447, "Wrong state (no callee?)") }
            phones[request.handle]?.callee = nil
            phoneSays(request.handle, #""event":"hangingup""#, transaction: request.transaction)
            if phone.call == .inviting, !phone.hasProvisional {
                // The CANCEL is lost: the telephone rings on.
                phones[request.handle]?.call = .closing
                stuck.insert(request.handle)
                return
            }
            phone.call == .inviting
                ? endCall(request.handle, 487, "Request Terminated") : endCall(request.handle, 200, "to BYE")
        }
    }

    // MARK: What telephones and registrars do

    /// The registrar's answer; 200 is consent.
    func registrarAnswers(_ handle: UInt64, _ code: Int = 200, _ reason: String = "OK") {
        guard let phone = phones[handle] else { return }
        if code == 200 {
            phones[handle]?.registration = .registered
            phoneSays(
                handle,
                #""event":"registered","username":"\#(phone.username ?? "")","register_sent":true,"master_id":\#(phone.master)"#
            )
        } else {
            phones[handle]?.registration = .unregistered
            phones[handle]?.username = nil
            phoneSays(handle, #""event":"registration_failed","code":\#(code),"reason":"\#(reason)""#)
        }
    }

    /// The callee's telephone rings.
    func calleeRings(_ handle: UInt64) {
        phones[handle]?.hasProvisional = true
        callSays(handle, #""event":"ringing""#)
        callSays(handle, #""event":"proceeding","code":180"#)
    }

    /// Early media.
    func calleePlays(_ handle: UInt64) {
        phones[handle]?.hasProvisional = true
        phones[handle]?.call = .incall
        callSays(handle, #""event":"progress","username":"sip:callee""#, jsep: "answer")
        callSays(handle, #""event":"proceeding","code":183"#)
    }

    func calleeAnswers(_ handle: UInt64) {
        guard let phone = phones[handle] else { return }
        let hasAnswer = phone.call == .incall
        phones[handle]?.hasProvisional = true
        phones[handle]?.call = .incall
        let username = phone.callee == nil ? "" : #","username":"sip:callee""#
        callSays(handle, #""event":"accepted"\#(username)"#, jsep: hasAnswer ? nil : "answer")
    }

    func mediaFlows(_ handle: UInt64) {
        phones[handle]?.isEstablished = true
        phones[handle]?.isEstablishing = false
        handles[handle]?.isUp = true
        event("webrtcup", handle)
    }

    /// The other end, or a proxy, ends the call.
    func endCall(_ handle: UInt64, _ code: Int, _ reason: String, cause: String = "") {
        guard let phone = phones[handle], phone.call != .idle else { return }
        callSays(handle, #""event":"hangup","code":\#(code),"reason":"\#(reason)"\#(cause)"#)
        forgetCall(handle)
        event("hangup", handle, #","reason":"Close PC""#)
    }

    private func forgetCall(_ handle: UInt64) {
        phones[handle]?.call = .idle
        phones[handle]?.callID = nil
        phones[handle]?.isEstablished = false
        phones[handle]?.isEstablishing = false
        phones[handle]?.remote = nil
        handles[handle]?.local = nil
        handles[handle]?.isUp = false
        stuck.remove(handle)
    }

    /// Somebody calls.
    func callerRings(
        _ handle: UInt64, _ caller: String = "bob@phones.test", name: String = "Bob", callID: String,
        hasOffer: Bool = true
    ) {
        if phones[handle] == nil { phones[handle] = Phone(master: handle & 0xFFFF_FFFF) }
        phones[handle]?.call = .invited
        phones[handle]?.callID = callID
        phones[handle]?.callee = "sip:\(caller)"
        phones[handle]?.isEstablishing = true
        phones[handle]?.transaction = nil
        callSays(
            handle,
            #""event":"incomingcall","username":"sip:\#(caller)","call_id":"\#(callID)","displayname":"\"\#(name)\"","callee":"sip:alice@phones.test""#,
            jsep: hasOffer ? "offer" : nil)
    }

    func callerCancels(_ handle: UInt64, answeredElsewhere: Bool = false) {
        endCall(
            handle, 487, "Request Terminated",
            cause: answeredElsewhere
                ? #","reason_header":"Call completed elsewhere","reason_header_protocol":"SIP","reason_header_cause":"200""#
                : "")
    }

    /// A detach ends whatever an own handle does.
    func phoneGone(_ handle: UInt64) {
        phones[handle] = nil
        stuck.remove(handle)
    }

    // MARK: Saying

    private func callSays(_ handle: UInt64, _ result: String, jsep: String? = nil) {
        phoneSays(handle, result, transaction: phones[handle]?.transaction, jsep: jsep)
    }

    private func phoneFails(_ request: Request, _ code: Int, _ text: String) {
        let named = phones[request.handle]?.callID.map { #","call_id":"\#($0)""# } ?? ""
        sip(
            request.handle, #""error_code":\#(code),"error":"\#(text)"\#(named)"#, transaction: request.transaction,
            jsep: nil)
    }

    private func phoneSays(_ handle: UInt64, _ result: String, transaction: String? = nil, jsep: String? = nil) {
        let named = phones[handle]?.callID.map { #","call_id":"\#($0)""# } ?? ""
        sip(handle, #""result":{\#(result)}\#(named)"#, transaction: transaction, jsep: jsep)
    }

    private func sip(_ handle: UInt64, _ data: String, transaction: String?, jsep: String?) {
        let transaction = transaction.map { #","transaction":"\#($0)""# } ?? ""
        if let jsep { handles[handle]?.local = (jsep, "\(jsep) of \(handle)") }
        let jsep = jsep.map { #","jsep":{"type":"\#($0)","sdp":"\#($0) of \#(handle)"}"# } ?? ""
        event(
            "event", handle,
            #"\#(transaction),"plugindata":{"plugin":"janus.plugin.sip","data":{"sip":"event",\#(data)}}\#(jsep)"#)
    }

    /// As `handle_info` tells it.
    func phoneInfo(_ id: UInt64, _ handle: Handle) -> String {
        let phone = phones[id] ?? Phone(master: 0)
        let username = phone.username.map { #""username":"\#($0)","# } ?? ""
        let callee = phone.callee.map { #""callee":"\#($0)","# } ?? ""
        let helper = phone.isHelper ? #""helper":true,"# : ""
        let local = handle.local.map { #""local":"\#($0.sdp)""# }
        let remote = phone.remote.map { #""remote":"\#($0)""# }
        let sdps = [local, remote].compactMap { $0 }.joined(separator: ",")
        return #"""
            {"session_id":\#(handle.session),"handle_id":\#(id),"opaque_id":"\#(handle.opaque)","plugin":"janus.plugin.sip","plugin_specific":{\#(helper)\#(username)\#(callee)"registration_status":"\#(phone.registration.rawValue)","call_status":"\#(phone.call.rawValue)","establishing":\#(phone.isEstablishing ? 1 : 0),"established":\#(phone.isEstablished ? 1 : 0)},"flags":{"ready":\#(handle.isUp)},"sdps":{\#(sdps)}}
            """#
    }
}
