import Identity
import JSONText

/// sylkRTC-1, client to gateway (protocol page, sections 1.3, 2 and 3).
enum SylkRTC1Decoder {
    static func decode(_ text: [UInt8], limits: ElementLimits) -> DecodedMessage {
        let document: JSONDocument
        do throws(JSONError) {
            document = try JSONDocument(text)
        } catch {
            return .unanswerable(ProtocolError("not JSON: \(error)"))
        }
        guard document.root.isObject else { return .unanswerable(ProtocolError("not a JSON object")) }
        let fields = Fields(document.root, limits: limits)
        // Only a non-empty string is a transaction; anything else leaves nobody to answer (D03, D04).
        let transaction: String
        do throws(ProtocolError) {
            transaction = try fields.string("transaction", length: 1...Int.max)
        } catch {
            return .unanswerable(error)
        }
        let type = document.root["sylkrtc"]?.string
        if type == nil, let value = document.root["sylkrtc"], !value.isNull {
            return .unanswerable(ProtocolError("sylkrtc: must be a string"))
        }
        guard transaction.utf8.count <= MessageLimits.transaction else {
            return .refused(
                transaction: transaction, type: type,
                ProtocolError(
                    "transaction: must have at most \(MessageLimits.transaction) bytes", exceedsLimit: true))
        }
        do throws(ProtocolError) {
            return .request(transaction: transaction, try request(type, fields))
        } catch {
            return .refused(transaction: transaction, type: type, error)
        }
    }

    private static func request(_ type: String?, _ fields: Fields) throws(ProtocolError) -> Request {
        switch type {
        case "account-add":
            return .accountAdd(
                AccountAdd(
                    account: try fields.address("account"),
                    password: try fields.string("password", length: MessageLimits.password),
                    displayName: try fields.optionalString("display_name", length: 0...MessageLimits.displayName),
                    userAgent: try fields.optionalString("user_agent", length: 0...MessageLimits.userAgent)))
        case "account-remove": return .accountRemove(AccountName(account: try fields.address("account")))
        case "account-register": return .accountRegister(AccountName(account: try fields.address("account")))
        case "account-unregister": return .accountUnregister(AccountName(account: try fields.address("account")))
        case "account-devicetoken":
            return .accountDeviceToken(
                AccountDeviceToken(
                    account: try fields.address("account"),
                    oldToken: try fields.optionalString("old_token", length: 0...MessageLimits.deviceToken),
                    newToken: try fields.optionalString("new_token", length: 0...MessageLimits.deviceToken)))
        case "session-create":
            return .sessionCreate(
                SessionCreate(
                    account: try fields.address("account"), session: try fields.newSession("session"),
                    uri: try destination(fields), offer: try fields.sessionDescription("sdp")))
        case "session-answer":
            return .sessionAnswer(
                SessionAnswer(session: try fields.session("session"), answer: try fields.sessionDescription("sdp")))
        case "session-trickle":
            return .sessionTrickle(
                SessionTrickle(
                    session: try fields.session("session"), candidates: try fields.candidates("candidates")))
        case "session-terminate":
            return .sessionTerminate(SessionTerminate(session: try fields.session("session")))
        case "videoroom-join":
            return .videoroomJoin(
                VideoroomJoin(
                    account: try fields.address("account"), session: try fields.newSession("session"),
                    room: try fields.address("uri"), offer: try fields.sessionDescription("sdp")))
        case "videoroom-ctl": return try videoroomControl(fields)
        case "videoroom-terminate":
            return .videoroomTerminate(VideoroomTerminate(session: try fields.session("session")))
        case nil: throw ProtocolError("missing request type")
        case .some(let unknown): throw ProtocolError("unknown request type: \(unknown.excerpt)")
        }
    }

    /// A call destination loses its scheme and nothing else (D25).
    private static func destination(_ fields: Fields) throws(ProtocolError) -> String {
        let text = try fields.string("uri")
        guard text.utf8.count <= AddressOfRecord.maximumLength, SIPURI(text) != nil else {
            throw ProtocolError("invalid URI: \(text.withoutPassword("[redacted]").excerpt)")
        }
        for scheme in ["sips:", "sip:"] where text.prefix(scheme.count).lowercased() == scheme {
            return String(text.dropFirst(scheme.count))
        }
        return text
    }

    /// All parameter objects present are validated, not only the one that `option` names.
    private static func videoroomControl(_ fields: Fields) throws(ProtocolError) -> Request {
        let session = try fields.session("session")
        let option = try fields.string("option")
        let configureRoom = try fields.fields("configure_room").map { fields throws(ProtocolError) in
            ConfigureRoom(
                session: session,
                activeParticipants: try fields.stringSet(
                    "active_participants", limit: MessageLimits.activeParticipants))
        }
        let feedAttach = try fields.fields("feed_attach").map { fields throws(ProtocolError) in
            FeedAttach(
                session: session, feed: try fields.newSession("session"), publisher: try fields.session("publisher"))
        }
        let feedAnswer = try fields.fields("feed_answer").map { fields throws(ProtocolError) in
            FeedAnswer(
                session: session, feed: try fields.session("session"), answer: try fields.sessionDescription("sdp"))
        }
        let feedDetach = try fields.fields("feed_detach").map { fields throws(ProtocolError) in
            FeedDetach(session: session, feed: try fields.session("session"))
        }
        let invite = try fields.fields("invite_participants").map { fields throws(ProtocolError) in
            InviteParticipants(
                session: session,
                participants: try fields.addresses("participants", limit: fields.limits.invitees))
        }
        let trickle = try fields.fields("trickle").map { fields throws(ProtocolError) in
            let feed = try fields.optionalString("session", length: 0...MessageLimits.sessionID)
            return VideoroomTrickle(
                session: session, feed: feed == "" ? nil : feed, candidates: try fields.candidates("candidates"))
        }
        let update = try fields.fields("update").map { fields throws(ProtocolError) in
            VideoroomUpdate(
                session: session, audio: try fields.boolean("audio"), video: try fields.boolean("video"),
                bitrate: try fields.integer("bitrate", atLeast: MessageLimits.minimumBitrate))
        }
        func chosen<Parameters>(_ parameters: Parameters?, _ name: String) throws(ProtocolError) -> Parameters {
            guard let parameters else { throw ProtocolError("missing '\(name)' field in request") }
            return parameters
        }
        switch option {
        case "configure-room": return .configureRoom(try chosen(configureRoom, "configure_room"))
        case "feed-attach": return .feedAttach(try chosen(feedAttach, "feed_attach"))
        case "feed-answer": return .feedAnswer(try chosen(feedAnswer, "feed_answer"))
        case "feed-detach": return .feedDetach(try chosen(feedDetach, "feed_detach"))
        case "invite-participants": return .inviteParticipants(try chosen(invite, "invite_participants"))
        case "trickle": return .videoroomTrickle(try chosen(trickle, "trickle"))
        case "update": return .videoroomUpdate(try chosen(update, "update"))
        default:
            throw ProtocolError(
                "field value should be one of: 'configure-room', 'feed-answer', 'feed-attach', 'feed-detach', "
                    + "'invite-participants', 'trickle', 'update'")
        }
    }
}
