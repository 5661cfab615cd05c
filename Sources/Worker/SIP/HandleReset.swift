import NIOCore

extension JanusHandle<SIPMessage> {
    /// Janus closes the media of a call that rang up to 0.7 s after its end, and whatever call the handle has by then is ended
    /// with it. Until then the handle is busy, and the registration's other one takes calls.
    static var clearingTime: TimeAmount { .milliseconds(1500) }

    /// A call that nobody took may leave its handle busy for ever. Frees it when Janus has cleared up; while the handle is
    /// idle only: another call that has come in is not disturbed.
    func resetWhenCleared(_ possession: SlotPossession) {
        let bound = NIOLoopBound((handle: self, possession: possession), eventLoop: possession.loop)
        possession.loop.scheduleTask(in: Self.clearingTime) {
            guard bound.value.possession.isHeld else { return }
            // A handle that is gone by now is busy with nothing.
            bound.value.handle.message(.reset, body: SIPBody.reset) { _ in }
        }
    }
}
