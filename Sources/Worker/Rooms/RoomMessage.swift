import Identity
import JSONText

/// What the slot's own VideoRoom handle asks: the life of rooms. All are synchronous in Janus.
enum RoomMessage {
    case create, destroy, list

    /// The body of a `create`. The description carries the slot's mark, so that a room can be told to be ours.
    static func create(
        _ room: JanusRoomID, mark: String, configuration: RoomConfiguration, recordingDirectory: String?
    ) -> (inout JSONWriter) -> Void {
        { json in
            json.member("request", "create")
            json.member("room", room.rawValue)
            json.member("description", mark)
            json.member("publishers", configuration.maximumPublishers)
            json.member("bitrate", configuration.maximumBitrate)
            json.member("videocodec", configuration.videoCodecs.joined(separator: ","))
            json.member("record", recordingDirectory != nil)
            if let recordingDirectory { json.member("rec_dir", recordingDirectory) }
        }
    }

    /// The rooms that a `list` names and whose description is this mark.
    static func rooms(in reply: JanusReply, marked mark: String) -> Set<JanusRoomID> {
        let rooms = (reply.pluginData?["list"]?.elements ?? []).compactMap { room -> JanusRoomID? in
            guard room["description"]?.string == mark else { return nil }
            return room["room"]?.integer(UInt64.self).map(JanusRoomID.init)
        }
        return Set(rooms)
    }

    static func destroy(_ room: JanusRoomID) -> (inout JSONWriter) -> Void {
        { json in
            json.member("request", "destroy")
            json.member("room", room.rawValue)
        }
    }
}
