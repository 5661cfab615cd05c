/// The steps around which tests kill a worker, in the order in which requests go through them.
enum FaultPoint: CaseIterable {
    // videoroom-join
    case roomClaim, roomCreate, joinRecord, joinAttach, joinSend, joinJoined
    // feed-attach, feed-answer, feed-detach
    case feedRecord, feedAttach, feedSubscribe, feedOffer, feedStart, feedStarted, feedLeave, feedDetach, feedMark
    // update
    case updateSend
    // configure-room: recorded, told, then answered
    case roomConfigure, roomTell
    // invite-participants
    case inviteResolve, inviteSend, inviteAnswer
    // videoroom-terminate
    case publisherLeave, publisherDetach, publisherMark, roomDestroy, roomRelease, rowDelete
    // account-register, account-unregister
    case registrationRecord, registrationAttach, registrationSend, registrationDetach, registrationMark
    // session-create
    case callRecord, callRegister, callSent, callSend
    // session-answer, session-terminate
    case callAccept, callDecline, callHangup, callDetach, callMark

    enum Moment: CaseIterable {
        case before, after
    }
}
