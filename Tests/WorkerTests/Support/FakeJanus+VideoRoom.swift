import JSONText

@testable import Worker

/// The VideoRoom plugin.
extension FakeJanus {
    func message(_ request: Request, _ socket: FakeJanusSocket) {
        guard let body = request.body, let name = body["request"]?.string else {
            return refuse(request, 456, "Missing body", socket)
        }
        let room = body["room"]?.integer(UInt64.self) ?? 0
        switch name {
        case "create":
            guard rooms[room] == nil else { return fail(request, 427, "Room \(room) already exists", socket) }
            rooms[room] = Room(
                description: body["description"]?.string ?? "", maximum: body["publishers"]?.integer() ?? 3,
                bitrate: body["bitrate"]?.integer() ?? 0)
            succeed(request, #""videoroom":"created","room":\#(room),"permanent":false"#, socket)
        case "destroy":
            guard let removed = rooms.removeValue(forKey: room) else {
                return fail(request, 426, "No such room (\(room))", socket)
            }
            for (_, participant) in removed.participants {
                handles[participant.handle]?.role = .none
                handles[participant.handle]?.local = nil
                pluginEvent(participant.handle, #""videoroom":"destroyed","room":\#(room)"#)
                event("hangup", participant.handle, #","reason":"Close PC""#)
            }
            succeed(request, #""videoroom":"destroyed","room":\#(room),"permanent":false"#, socket)
        case "list":
            let list = rooms.sorted { $0.key < $1.key }.map { #"{"room":\#($0),"description":"\#($1.description)"}"# }
            succeed(request, #""videoroom":"success","list":[\#(list.joined(separator: ","))]"#, socket)
        case "listparticipants":
            guard let found = rooms[room] else { return fail(request, 426, "No such room (\(room))", socket) }
            let list = found.participants.sorted { $0.key < $1.key }.map {
                #"{"id":\#($0),"display":"\#($1.display ?? "")","publisher":\#($1.isUp)}"#
            }
            succeed(
                request,
                #""videoroom":"participants","room":\#(room),"participants":[\#(list.joined(separator: ","))]"#,
                socket)
        case "joinandconfigure": accept(request, socket) { [self] in joinAndConfigure(request, body, room) }
        case "join": accept(request, socket) { [self] in subscribe(request, body, room) }
        case "configure":
            accept(request, socket) { [self] in
                if handles[request.handle]?.role == Role.none { return answer(request, 424, "Not joined") }
                if let bitrate = body["bitrate"]?.integer(Int.self) { handles[request.handle]?.bitrate = bitrate }
                answer(request, #""videoroom":"event","room":\#(room),"configured":"ok""#)
            }
        case "start":
            if handles[request.handle]?.hasAnswer == true, refusesSecondAnswer {
                return refuse(request, 469, "Unexpected ANSWER (did we offer?)", socket)
            }
            handles[request.handle]?.hasAnswer = true
            accept(request, socket) { [self] in start(request, room) }
        case "leave": accept(request, socket) { [self] in leave(request) }
        default: fail(request, 423, "Unknown request '\(name)'", socket)
        }
    }

    private func fail(_ request: Request, _ code: Int, _ text: String, _ socket: FakeJanusSocket) {
        succeed(request, #""videoroom":"event","error_code":\#(code),"error":"\#(text)""#, socket)
    }

    private func answer(_ request: Request, _ code: Int, _ text: String) {
        answer(request, #""videoroom":"event","error_code":\#(code),"error":"\#(text)""#)
    }

    private func answer(_ request: Request, _ data: String, jsep: String? = nil) {
        pluginEvent(request.handle, data, transaction: request.transaction, jsep: jsep)
    }

    private func start(_ request: Request, _ room: UInt64) {
        guard case .subscriber = handles[request.handle]?.role else { return answer(request, 424, "Not joined") }
        handles[request.handle]?.isAnswered = true
        answer(request, #""videoroom":"event","room":\#(room),"started":"ok""#)
    }

    private func joinAndConfigure(_ request: Request, _ body: JSONValue, _ room: UInt64) {
        guard handles[request.handle]?.role == Role.none else {
            return answer(request, 425, "Already in as a publisher on this handle")
        }
        guard let found = rooms[room] else { return answer(request, 426, "No such room (\(room))") }
        guard let id = body["id"]?.integer(UInt64.self) else { return answer(request, 429, "Missing element (id)") }
        guard found.participants[id] == nil else { return answer(request, 436, "User ID \(id) already exists") }
        guard found.participants.count < found.maximum else {
            return answer(request, 432, "Maximum number of publishers")
        }
        rooms[room]?.participants[id] = Participant(handle: request.handle, display: body["display"]?.string)
        handles[request.handle]?.role = .publisher(room: room, id: id)
        handles[request.handle]?.bitrate = found.bitrate
        let others = found.participants.filter(\.value.isUp).sorted { $0.key < $1.key }.map { entry($0, $1) }
        answer(
            request,
            #""videoroom":"joined","room":\#(room),"description":"","id":\#(id),"private_id":7,"publishers":[\#(others.joined(separator: ","))]"#,
            jsep: "answer")
    }

    private func entry(_ id: UInt64, _ participant: Participant) -> String {
        #"{"id":\#(id),"display":"\#(participant.display ?? "")","streams":[]}"#
    }

    private func subscribe(_ request: Request, _ body: JSONValue, _ room: UInt64) {
        guard handles[request.handle]?.role == Role.none else {
            return answer(request, 425, "Already in as a subscriber on this handle")
        }
        guard body["ptype"]?.string == "subscriber" else { return answer(request, 430, "Invalid element (ptype)") }
        guard let feed = body["feed"]?.integer(UInt64.self) else {
            return answer(request, 429, "Missing element (feed)")
        }
        guard let participant = rooms[room]?.participants[feed], participant.isUp else {
            return answer(request, 428, "No such feed (\(feed))")
        }
        handles[request.handle]?.role = .subscriber(room: room, feed: feed)
        answer(
            request,
            #""videoroom":"attached","room":\#(room),"id":\#(feed),"warning":"deprecated_api","streams":[{"active":true}]"#,
            jsep: "offer")
    }

    private func leave(_ request: Request) {
        switch handles[request.handle]?.role {
        case .publisher(let room, _):
            leaveRoom(request.handle, announcing: false)
            answer(request, #""videoroom":"event","room":\#(room),"leaving":"ok""#)
        case .subscriber(let room, _):
            handles[request.handle]?.role = Role.none
            hangUp(request.handle)
            answer(request, #""videoroom":"event","room":\#(room),"left":"ok""#)
            event("hangup", request.handle, #","reason":"Close PC""#)
        case .some(.none), nil: answer(request, 424, "Not joined")
        }
    }

    // MARK: What the admin API says of it

    /// As `handle_info` tells it: without `sdps` before the negotiation and after a hangup.
    func info(_ id: UInt64, _ handle: Handle) -> String {
        let plugin =
            switch handle.role {
            case .none: #"{"hangingup":0,"destroyed":0}"#
            case .publisher(let room, let publisher):
                #"{"type":"publisher","room":\#(room),"id":\#(publisher),"bitrate":\#(handle.bitrate),"streams":[{"type":"audio","mindex":0,"mid":"0"}],"hangingup":0}"#
            case .subscriber(let room, let feed):
                #"{"type":"subscriber","room":\#(room),"answered":\#(handle.isAnswered),"streams":[{"mindex":0,"active":\#(handle.isActive),"ready":\#(handle.isUp),"feed_id":\#(feed)}],"hangingup":0}"#
            }
        let local = handle.local.map { #""local":"\#($0.sdp)""# } ?? ""
        return #"""
            {"session_id":\#(handle.session),"handle_id":\#(id),"opaque_id":"\#(handle.opaque)","plugin":"janus.plugin.videoroom","plugin_specific":\#(plugin),"flags":{"ready":\#(handle.isUp),"stopped":false,"alert":\#(handle.wasHungUp)},"sdps":{\#(local)}}
            """#
    }

    // MARK: What tests do to it

    /// The handle's media comes up.
    func mediaUp(_ handle: UInt64) {
        handles[handle]?.isUp = true
        event("webrtcup", handle)
        guard case .publisher(let room, let id) = handles[handle]?.role else { return }
        rooms[room]?.participants[id]?.isUp = true
        guard let participant = rooms[room]?.participants[id] else { return }
        tellOthers(room, but: id, #""videoroom":"event","room":\#(room),"publishers":[\#(entry(id, participant))]"#)
    }

    /// The publisher's peer closes.
    func closePeer(_ handle: UInt64) {
        hangUp(handle)
        event("hangup", handle, #","reason":"DTLS alert""#)
        guard case .publisher(let room, let id) = handles[handle]?.role else { return }
        rooms[room]?.participants[id]?.isUp = false
        tellOthers(room, but: id, #""videoroom":"event","room":\#(room),"unpublished":\#(id)"#)
        endSubscriptions(room, id)
    }

    private func hangUp(_ handle: UInt64) {
        handles[handle]?.local = nil
        handles[handle]?.isUp = false
        handles[handle]?.wasHungUp = true
    }

    /// Somebody with power over the room removes the publisher.
    func kick(_ handle: UInt64) {
        guard case .publisher(let room, let id) = handles[handle]?.role else { return }
        rooms[room]?.participants[id] = nil
        handles[handle]?.role = Role.none
        pluginEvent(handle, #""videoroom":"event","room":\#(room),"leaving":"ok","reason":"kicked""#)
        tellOthers(room, but: id, #""videoroom":"event","room":\#(room),"kicked":\#(id)"#)
        endSubscriptions(room, id)
    }

    func leaveRoom(_ handle: UInt64, announcing isUnexpected: Bool) {
        guard case .publisher(let room, let id) = handles[handle]?.role else { return }
        handles[handle]?.role = Role.none
        rooms[room]?.participants[id] = nil
        if isUnexpected {
            for _ in 0..<2 { tellOthers(room, but: id, #""videoroom":"event","room":\#(room),"unpublished":\#(id)"#) }
        }
        tellOthers(room, but: id, #""videoroom":"event","room":\#(room),"leaving":\#(id)"#)
        endSubscriptions(room, id)
    }

    private func tellOthers(_ room: UInt64, but id: UInt64, _ data: String) {
        for (other, participant) in rooms[room]?.participants ?? [:] where other != id {
            pluginEvent(participant.handle, data)
        }
    }

    private func endSubscriptions(_ room: UInt64, _ feed: UInt64) {
        for (handle, value) in handles where value.role == .subscriber(room: room, feed: feed) {
            handles[handle]?.isActive = false
            pluginEvent(
                handle, #""videoroom":"updated","room":\#(room),"streams":[{"active":false}]"#, jsep: "offer")
        }
    }
}
