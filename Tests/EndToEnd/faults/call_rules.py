"""The promises about registrations and calls; a part of the checker."""

from collections import Counter

from .exchange import HANGER, REFUSER
from .transcript import Violation

CALL_STATES = ("incoming_session", "progress", "accepted", "established", "terminated")
END_BY_THEMSELVES = (HANGER, REFUSER)
# Told of a call that may have been dialled by whoever died, and of which Janus has nothing.
NOT_DIALLED_AGAIN = "408 Request Timeout"
AFTERMATH = 5.0  # seconds for which a fault that is over may be felt
# Janus closes the former call on a handle up to a second after its end, and a new one that has been answered there with it.
CLOSED_WITH_FORMER, CLOSING = "Close PC", 3.0
JANUS_LOST = "500 Janus lost"


def dialled_twice(dialled):
    """`dialled` is {Call-ID: INVITEs that began it}, as the registrar has counted them."""
    return [Violation("nobody is dialled twice", f"{call}: {count} times") for call, count in dialled.items() if count > 1]


class CallRules:
    """What the checker knows of the run comes from the class that has these rules."""

    def _check_phones(self, transcript):
        for session in transcript.calls_made:
            self._check_call(transcript, session, is_incoming=False)
        for session in dict.fromkeys(transcript.calls_taken):
            self._check_call(transcript, session, is_incoming=True)
        self._check_registrations(transcript)
        self._check_missed(transcript)

    # Calls.

    def _check_call(self, transcript, session, is_incoming):
        told = transcript.told_of_call(session)
        words = [word for _, word, _ in told]
        if not words:
            return
        for word, count in Counter(words).items():
            if count > 1:
                at = [at for at, other, _ in told if other == word][1]
                self._complain("a call's state is told once", f"{word} of {session}: {count} times", transcript, at, session)
        order = [CALL_STATES.index(word) for word in words if word in CALL_STATES]
        if order != sorted(order) or "established" in words and "accepted" not in words:
            self._complain("a call's states are told in order", f"{session}: {words}", transcript, told[-1][0], session)
        if is_incoming and "progress" in words or not is_incoming and "incoming_session" in words:
            self._complain("a call's states are told in order", f"{session}: {words}", transcript, told[0][0], session)
        if "terminated" in words and words[-1] != "terminated":
            self._complain("nothing is told after terminated", f"{session}: {words}", transcript, told[-1][0], session)
        for at, word, data in told:
            if word == "accepted" and ("sdp" in data) == is_incoming:
                self._complain("an answer comes with the call that it answers", session, transcript, at, session)
            if word == "terminated":
                self._check_end(transcript, session, is_incoming, at, data.get("reason", ""))
        self._check_acks_of_call(transcript, session, is_incoming, told)

    def _check_acks_of_call(self, transcript, session, is_incoming, told):
        """What is told of a call that was made follows the ack of its creation; `accepted` of one that was taken that of the
        answer; and the end that of whoever asked for it."""
        first = {word: at for at, word, _ in reversed(told)}
        caused = [("session-answer", first.get("accepted"))] if is_incoming else [("session-create", told[0][0])]
        for kind, at in caused:
            if at is not None and not any(acked <= at for acked in self._acks(transcript, kind, session)):
                self._complain("an ack precedes what it causes", f"{session}: {told[0][1]} before the ack of its {kind}",
                               transcript, at, session)
        for acked in self._acks(transcript, "session-terminate", session):
            if "terminated" in first and acked > first["terminated"]:
                self._complain("an ack precedes what it causes", f"{session}: terminated before the ack of its terminate",
                               transcript, acked, session)

    def _check_end(self, transcript, session, is_incoming, at, reason):
        """Somebody wanted it: the client, the telephone, whoever killed Janus; or it was not dialled, lest it be dialled twice."""
        if self._terminates(transcript, session, at) or self._telephone_ended(transcript, session, at):
            return
        if self._after("janus-kill", at):
            if reason != JANUS_LOST:
                self._complain("a lost Janus is the reason told", f"{session}: {reason}", transcript, at, session)
            return
        was_accepted = any(word == "accepted" for _, word, _ in transcript.told_of_call(session))
        if not was_accepted and is_incoming and self._unregisters(transcript, session, at):
            return
        if not was_accepted and not is_incoming and reason == NOT_DIALLED_AGAIN:
            created = self._request(transcript, "session-create", session)
            if self._something_failed(created["at"], at):
                return
        if is_incoming and reason == CLOSED_WITH_FORMER and self._has_just_ended(transcript, session, at):
            return
        self._complain("nobody is told an end that nobody asked for", f"{session}: {reason}", transcript, at, session)

    def _has_just_ended(self, transcript, session, at):
        """Another call of the connection, which was answered."""
        for other in {*transcript.calls_made, *transcript.calls_taken} - {session}:
            times = {word: when for when, word, _ in transcript.told_of_call(other)}
            if "accepted" in times and at - CLOSING <= times.get("terminated", at) < at:
                return True
        return False

    def _terminates(self, transcript, session, at):
        return any(request["kind"] == "session-terminate" and request["members"]["session"] == session
                   and request["at"] <= at for request in transcript.requests)

    def _telephone_ended(self, transcript, session, at):
        if any(act["what"] == "hangs up" and act["session"] == session and act["at"] <= at for act in transcript.acts):
            return True
        created = self._request(transcript, "session-create", session)
        return created is not None and created["members"]["uri"].partition("@")[0] in END_BY_THEMSELVES

    def _unregisters(self, transcript, session, at):
        account = next(message["account"] for _, message in transcript.messages
                       if message.get("event") == "incoming_session" and message["session"] == session)
        return any(request["kind"] == "account-unregister" and request["members"]["account"] == account
                   and request["at"] <= at for request in transcript.requests)

    def _something_failed(self, began, ended):
        return any(fault.began <= ended and (fault.ended or ended) + AFTERMATH >= began for fault in self._injected)

    def _acks(self, transcript, kind, session):
        """When requests of that kind about the session were acked."""
        requests = [request for request in transcript.requests
                    if request["kind"] == kind and request["members"]["session"] == session]
        answers = [self._answered(transcript, request) for request in requests]
        return [answer[0] for answer in answers if answer and answer[1]["sylkrtc"] == "ack"]

    def _may_phone_be_refused(self, transcript, request, text, at):
        """It was asked of a call that was over, or about to be, or that was never begun: why, is a matter of its own."""
        session = request["members"].get("session")
        if request["kind"] not in ("session-answer", "session-trickle", "session-terminate") or session is None:
            return False
        created = self._answered(transcript, self._request(transcript, "session-create", session))
        if created and created[1]["sylkrtc"] == "error" and created[0] <= at:
            return True
        ends = [when for when, word, _ in transcript.told_of_call(session) if word == "terminated"]
        return bool(ends) and (ends[0] <= at or self._terminates(transcript, session, at)
                               or self._telephone_ended(transcript, session, at))

    # Missed calls.

    def _check_missed(self, transcript):
        """Who was answered or declined is not missed, and nobody is missed twice."""
        missed = self._missed(transcript)
        turned_down = [session for session in dict.fromkeys(transcript.calls_taken)
                       if self._was_taken_or_declined(transcript, session)]
        dials = [act for act in transcript.acts if act["what"] == "dials"]
        if len(missed) > len(dials) - len(turned_down):
            self._complain("a call is missed once, if nobody takes it",
                           f"{len(missed)} missed, {len(dials)} came, {len(turned_down)} of them taken or declined",
                           transcript, missed[-1])

    def _was_taken_or_declined(self, transcript, session):
        told = transcript.told_of_call(session)
        if any(word == "accepted" for _, word, _ in told):
            return True
        given_up = [act["at"] for act in transcript.acts if act["what"] == "hangs up" and act["session"] == session]
        acks = self._acks(transcript, "session-terminate", session)
        return bool(acks) and not any(at <= acks[0] for at in given_up)

    def _missed(self, transcript):
        return [at for at, message in transcript.messages if message.get("event") == "missed_session"]

    # Registrations.

    def _check_registrations(self, transcript):
        asked = [(request["at"], "register") for request in transcript.requests if request["kind"] == "account-register"]
        # One that waited for another one begins when that is answered.
        asked += [(at, "register") for at in self._register_acks(transcript)] + self._unregistrations(transcript)
        states = [(at, message["data"]["state"]) for at, message in transcript.messages
                  if message.get("event") == "registration_state"]
        last = None  # what was told since it was asked for
        is_wanted = False
        for at, word in sorted(asked + states):
            if word == "register":
                last, is_wanted = None, True
            elif word == "unregister":
                last, is_wanted = None, False
            elif word == last:
                self._complain("a registration's state is told once", word, transcript, at)
            elif not is_wanted:
                self._complain("nothing is told of a registration that is over", word, transcript, at)
            elif word == "failed" and not self._after("janus-kill", at):
                self._complain("a registration does not fail because something failed", word, transcript, at)
            else:
                last = word
        self._check_acks_of_registrations(transcript, states)

    def _register_acks(self, transcript):
        answers = [self._answered(transcript, request) for request in transcript.requests
                   if request["kind"] == "account-register"]
        return [answer[0] for answer in answers if answer and answer[1]["sylkrtc"] == "ack"]

    def _unregistrations(self, transcript):
        """When they were acked."""
        answers = [self._answered(transcript, request) for request in transcript.requests
                   if request["kind"] == "account-unregister"]
        return [(answer[0], "unregister") for answer in answers if answer and answer[1]["sylkrtc"] == "ack"]

    def _check_acks_of_registrations(self, transcript, states):
        """Where nothing else is under way, what is told after a request follows its ack."""
        requests = [(request["at"], self._answered(transcript, request)) for request in transcript.requests
                    if request["kind"] == "account-register"]
        for asked, answered in requests:
            end = answered[0] if answered else float("inf")
            former = max((at for at in self._register_acks(transcript) if at <= asked), default=asked)
            before = [state for at, state in states if former <= at <= asked]
            others = [other for other in requests
                      if other[0] < asked and (other[1] is None or other[1][0] >= asked)]
            early = [at for at, _ in states if asked < at < end]
            if early and not others and before[-1:] == ["registered"] and not self._after("janus-kill", early[0]):
                self._complain("an ack precedes what it causes", "a registration's state before the ack of its request",
                               transcript, early[0])

    # What is owed.

    def _check_phone_debts(self, transcript):
        for session in transcript.calls_made + list(dict.fromkeys(transcript.calls_taken)):
            words = [word for _, word, _ in transcript.told_of_call(session)]
            if "terminated" in words:
                continue
            if self._acks(transcript, "session-terminate", session):
                self._complain("what was ended is told", f"{session} was terminated and not told", transcript, None, session)
            elif self._acks(transcript, "session-answer", session) and "accepted" not in words:
                self._complain("every state is told", f"{session} was never told accepted", transcript, None, session)
            elif self._acks(transcript, "session-create", session):
                for word in ("progress", "accepted", "established") if transcript.media else ("progress",):
                    if word not in words:
                        self._complain("every state is told", f"{session} was never told {word}", transcript, None, session)
        given_up = [session for session in dict.fromkeys(transcript.calls_taken)
                    if self._telephone_ended(transcript, session, float("inf"))
                    and not self._was_taken_or_declined(transcript, session)
                    and not self._terminates(transcript, session, float("inf"))]
        if len(self._missed(transcript)) < len(given_up) and not self._after("janus-kill", float("inf")):
            self._complain("who was missed is told", f"{len(given_up)} gave up, {len(self._missed(transcript))} were missed",
                           transcript, None, *given_up)
        self._check_registration_debts(transcript)

    def _check_registration_debts(self, transcript):
        acks = self._register_acks(transcript)
        ends = [at for at, _ in self._unregistrations(transcript)]
        if not acks or ends and max(ends) > max(acks):
            return
        states = [message["data"]["state"] for at, message in transcript.messages
                  if message.get("event") == "registration_state" and at >= max(acks)]
        if states[-1:] not in (["registered"], ["failed"]):
            self._complain("every state is told", f"the registration is {states[-1:]}", transcript)
