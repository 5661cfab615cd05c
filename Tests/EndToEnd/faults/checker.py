"""The promises, checked on what every client asked and was told."""

from collections import Counter

from .call_rules import CallRules
from .transcript import Violation, word_of

DEADLINE = 30.0 + 3.0  # seconds: what a request may take, and some slack for a busy machine
NOBODY_SERVES = 3000  # told to who waits for `ready` for 5 s
NOBODY = "192.0.2.1"  # in answers with nobody behind them
LOST, DOUBLED = "no request is lost", "a request is answered once"
STATES = ("progress", "accepted", "initial_publishers", "established", "terminated")
ABOUT_PRESENT = ("publishers_joined", "publishers_left", "configure-room")
GATEWAY = "videoroom"  # the originator of lists that nobody asked for
RINGING = 0.5  # seconds an invitation may take behind the ack of its request, and a socket to close
GRACE_AFTER_LOCK = 1.0  # seconds for which a registry that was locked may still refuse

# Refusals that the load itself causes: the publisher left meanwhile, and the feed with it.
GONE_PUBLISHER = ("the publisher has left", "unknown publisher video room session to attach to", "No such feed", "unknown video room session",
                  "unknown video room session to detach", "has no pending offer")


class Checker(CallRules):
    """`transcripts` of all connections of a run, and the `injected` faults, which say what may be noticed.

    `lists_may_be_skipped`: there were faults that are not injected ones, and of lists of active participants the last one counts."""

    def __init__(self, transcripts, injected, lists_may_be_skipped=False):
        self._transcripts = transcripts
        self._injected = injected
        self._lists_may_be_skipped = lists_may_be_skipped
        self._departures = self._when_sessions_began_to_end()
        self._changes = self._count_changes_asked_for()
        self.violations = []

    def check(self):
        for transcript in self._transcripts:
            self._check_connection(transcript)
            self._check_answers(transcript)
            self._check_order_of_answers(transcript)
            self._check_refusals(transcript)
            self._check_invitations(transcript)
            self._check_phones(transcript)
            for session in transcript.sessions:
                self._check_states(transcript, session)
                self._check_publishers(transcript, session)
                self._check_feeds(transcript, session)
                self._check_configurations(transcript, session)
        self._check_order_of_configurations()
        return self.violations

    def check_debts(self):
        """What is still owed when everything has settled: to be told, to be established."""
        for transcript in self._transcripts:
            if transcript.open:
                if not transcript.messages:
                    self._complain("ready is told first and once", "never", transcript)
                for session in transcript.sessions:
                    self._check_debts(transcript, session)
                self._check_phone_debts(transcript)
        return self.violations

    # Connections and answers.

    def _check_connection(self, transcript):
        words = [word_of(message) for _, message in transcript.messages]
        if words and (words[0] != "ready" or words.count("ready") > 1):
            self._complain("ready is told first and once", f"{words[:8]}", transcript)
        turned_away = not words and transcript.close_code == NOBODY_SERVES
        if transcript.was_cut_off and not turned_away and not self._door_failed(transcript.door, transcript.closed_at):
            self._complain("sockets stay open", f"closed with {transcript.close_code}", transcript, transcript.closed_at)

    def _check_answers(self, transcript):
        answers = {}
        for at, message in transcript.messages:
            if message["sylkrtc"] in ("ack", "error"):
                answers.setdefault(message["transaction"], []).append(at)
        asked = {request["transaction"] for request in transcript.requests}
        for transaction in answers.keys() - asked:
            self._complain("answers are to what was asked", transaction, transcript, answers[transaction][0])
        for request in transcript.requests:
            told = answers.get(request["transaction"], [])
            name = f"{describe(request)} ({request['transaction']})"
            if len(told) > 1:
                self._complain(DOUBLED, f"{name}: {len(told)} answers", transcript, told[1],
                               request["transaction"])
            elif told and told[0] - request["at"] > DEADLINE:
                self._complain("a request is answered in time", f"{name}: {told[0] - request['at']:.1f} s", transcript,
                               told[0], request["transaction"])
            elif not told and transcript.open:
                self._complain(LOST, name, transcript, request["at"], request["transaction"])

    def _check_order_of_answers(self, transcript):
        """Those of one session come in the order in which they were asked for."""
        acked = {message["transaction"]: at for at, message in transcript.messages if message["sylkrtc"] == "ack"}
        latest = {}
        for request in transcript.requests:
            at = acked.get(request["transaction"])
            if at is None:
                continue
            subject = subject_of(request)
            if subject in latest and at < latest[subject]:
                self._complain("answers come in the order of the requests", f"{describe(request)}", transcript, at, subject)
            latest[subject] = max(at, latest.get(subject, at))

    def _check_refusals(self, transcript):
        requests = {request["transaction"]: request for request in transcript.requests}
        for at, message in transcript.messages:
            if message["sylkrtc"] == "error" and message["transaction"] in requests:
                request = requests[message["transaction"]]
                if not self._may_be_refused(transcript, request, message["error"], at):
                    self._complain("nothing is refused because something failed", f"{describe(request)}: {message['error']}",
                                   transcript, at, message["transaction"])

    def _may_be_refused(self, transcript, request, text, at):
        if self._after("janus-kill", at):
            return True
        if self._locked(request["at"], at) and option_of(request) in (
                "account-add", "videoroom-join", "feed-attach", "configure-room", "invite-participants", "account-register",
                "session-create"):
            return True
        if self._may_phone_be_refused(transcript, request, text, at):
            return True
        option = option_of(request)
        session = request["members"].get("session")
        if self._departed(session, request["at"]) or self._has_ended(transcript, session, at):
            return True  # it was asked of a session that was leaving, or that was lost, which is a complaint of its own
        if option == "configure-room":
            # Whom it names may leave before it is worked on.
            return "unknown participant session id" in text and any(
                self._departed(name, at) for name in request["members"]["configure_room"]["active_participants"])
        if any(gone in text for gone in GONE_PUBLISHER) and option in (
                "feed-attach", "feed-answer", "feed-detach", "trickle", "update"):
            publisher = self._publisher_concerned(transcript, request)
            return publisher is not None and self._departed(publisher, at)
        return False

    # Invitations.

    def _check_invitations(self, transcript):
        """Everybody who invites this connection's accounts is heard once for each time; who invites himself is not."""
        heard = Counter(message["data"]["originator"]["uri"] for _, message in transcript.messages
                        if word_of(message) == "conference_invite")
        due, possible = Counter(), Counter()
        for other in self._transcripts:
            if other is transcript:
                continue
            for request in other.requests:
                if option_of(request) == "invite-participants":
                    host = self._account_in(other, request)
                    due[host] += self._must_ring(transcript, other, request)
                    possible[host] += self._may_ring(transcript, request)
        for host in heard.keys() | due.keys():
            if heard[host] < due[host]:
                self._complain("who is invited hears of it", f"{host} invited {due[host]} times, heard {heard[host]} times",
                               transcript)
            if heard[host] > possible[host]:
                self._complain("an invitation rings once",
                               f"{host} invited {possible[host]} times at most, heard {heard[host]} times", transcript)

    def _must_ring(self, transcript, other, request):
        """It was acked, and the connection had the account from before it was asked until some time after."""
        answered = self._answered(other, request)
        if answered is None or answered[1]["sylkrtc"] != "ack":
            return False
        invited = set(request["members"]["invite_participants"]["participants"])
        there = any(added in invited and at < request["at"] for added, at in self._accounts(transcript))
        ends = [moment for moment in (transcript.closing_at, transcript.closed_at) if moment is not None]
        stays = all(moment > answered[0] + RINGING for moment in ends)
        return there and stays and not self._door_failed(transcript.door, answered[0] + RINGING)

    def _may_ring(self, transcript, request):
        """The connection asked for the account before it was gone; when the invitation went out nobody knows."""
        invited = set(request["members"]["invite_participants"]["participants"])
        asked = {added["members"]["account"] for added in transcript.requests if added["kind"] == "account-add"}
        gone = transcript.closed_at is not None and transcript.closed_at < request["at"]
        return bool(asked & invited) and not gone

    def _accounts(self, transcript):
        """Accounts, and when they were acknowledged."""
        for request in transcript.requests:
            answered = self._answered(transcript, request) if request["kind"] == "account-add" else None
            if answered and answered[1]["sylkrtc"] == "ack":
                yield request["members"]["account"], answered[0]

    def _account_in(self, transcript, request):
        """Under which account the session is there that invites."""
        join = self._request(transcript, "videoroom-join", request["members"]["session"])
        return join["members"]["account"] if join else None

    # Publisher sessions.

    def _check_states(self, transcript, session):
        told = transcript.told(session)
        words = [(at, word) for at, word, _ in told]
        counts = Counter(word for _, word in words)
        for word in STATES:
            if counts[word] > 1:
                at = [at for at, other in words if other == word][1]
                self._complain("a state is told once", f"{word} of {session}: {counts[word]} times", transcript, at, session)
        order = [STATES.index(word) for _, word in words if word in STATES]
        if order != sorted(order):
            self._complain("states are told in order", f"{session}: {[STATES[number] for number in order]}", transcript,
                           words[-1][0], session)
        names = [word for _, word in words]
        if "terminated" in names and names[-1] != "terminated":
            self._complain("nothing is told after terminated", f"{session}: {names[-3:]}", transcript, words[-1][0], session)
        if "established" in names and "initial_publishers" not in names:
            self._complain("states are told in order", f"{session}: established without a roster", transcript,
                           words[-1][0], session)
        self._check_ack_comes_first(transcript, session, words)
        self._check_ending(transcript, session, told)

    def _check_ack_comes_first(self, transcript, session, words):
        join = self._request(transcript, "videoroom-join", session)
        answered = self._answered(transcript, join)
        if words and (answered is None or answered[1]["sylkrtc"] != "ack" or answered[0] > words[0][0]):
            self._complain("an ack precedes what it causes", f"{session}: {words[0][1]} before the ack of its join",
                           transcript, words[0][0], session)

    def _check_ending(self, transcript, session, told):
        for at, word, data in told:
            if word != "terminated":
                continue
            if self._asked_to_end(transcript, session, at):
                answered = self._answered(transcript, self._request(transcript, "videoroom-terminate", session))
                if "reason" not in data and (answered is None or answered[0] > at):
                    self._complain("an ack precedes what it causes", f"{session}: terminated before the ack", transcript, at,
                                   session)
                continue
            if self._after("janus-kill", at):
                if data.get("reason") != "500 Janus lost":
                    self._complain("a lost Janus is the reason told", f"{session}: {data.get('reason')}", transcript, at, session)
            else:
                self._complain("nobody is told an end that nobody asked for", f"{session}: {data.get('reason')}", transcript,
                               at, session)

    def _check_publishers(self, transcript, session):
        present, began = set(), False
        for at, word, data in transcript.told(session):
            if word == "initial_publishers":
                began = True
            if word in ABOUT_PRESENT and not began:
                self._complain("a roster comes before its changes", f"{session}: {word}", transcript, at, session)
            if word in ("initial_publishers", "publishers_joined"):
                self._check_arrivals(transcript, session, at, word, data["publishers"], present)
            elif word == "publishers_left":
                self._check_departures(transcript, session, at, data["publishers"], present)

    def _check_arrivals(self, transcript, session, at, word, publishers, present):
        names = [publisher["id"] for publisher in publishers]
        if word == "publishers_joined" and not names:
            self._complain("publishers_joined is never empty", session, transcript, at, session)
        for name in names:
            if name in present or name == session or names.count(name) > 1:
                self._complain("who is there does not arrive again", f"{session} was told of {name}", transcript, at,
                               session, name)
        present.update(names)

    def _check_departures(self, transcript, session, at, names, present):
        for name in names:
            if name not in present:
                self._complain("who was not there does not leave", f"{session} was told of {name}", transcript, at, session,
                               name)
            elif not self._departed(name, at) and not self._after("janus-kill", at):
                self._complain("nobody is said to leave who stays", f"{session} was told of {name}", transcript, at, session,
                               name)
        present.difference_update(names)

    # Who is prominent.

    def _check_configurations(self, transcript, session):
        lists = [(at, data) for at, word, data in transcript.told(session) if word == "configure-room"]
        counts = Counter((data["originator"], tuple(data["active_participants"])) for _, data in lists)
        for (originator, active), count in counts.items():
            if originator != GATEWAY and count > self._changes[originator, active]:
                self._complain("a list of active participants is told once",
                               f"{session} was told {list(active)} of {originator} {count} times", transcript,
                               lists[-1][0], session)
        for request in transcript.requests:
            answered = self._answered(transcript, request)
            if (option_of(request) != "configure-room" or request["members"]["session"] != session
                    or answered is None or answered[1]["sylkrtc"] != "ack"):
                continue
            between = [data for at, data in lists if request["at"] <= at <= answered[0]]
            own = [data for data in between
                   if data["originator"] == session and data["active_participants"] == chosen_in(request)]
            # Where something failed a later list may have taken its place.
            may_be_skipped = self._lists_may_be_skipped or any(fault.began <= answered[0] for fault in self._injected)
            if not own and not (between and may_be_skipped):
                self._complain("a new list is told before the ack of who asked for it", f"{session}: {chosen_in(request)}",
                               transcript, answered[0], session)

    def _check_order_of_configurations(self):
        """Lists that can be told apart come in one order to everybody in a room."""
        told = []
        for transcript in self._transcripts:
            for session in transcript.sessions:
                lists = [(data["originator"], *data["active_participants"])
                         for _, word, data in transcript.told(session) if word == "configure-room"]
                counts = Counter(lists)
                once = [entry for entry in lists if entry[0] != GATEWAY and counts[entry] == 1
                        and self._changes[entry[0], entry[1:]] <= 1]
                told.append((transcript, session, once))
        for number, (transcript, session, lists) in enumerate(told):
            for other, its_session, its_lists in told[:number]:
                if transcript.room != other.room:
                    continue
                common = set(lists) & set(its_lists)
                if [entry for entry in lists if entry in common] != [entry for entry in its_lists if entry in common]:
                    self._complain("lists of active participants come in one order", f"{session} and {its_session}",
                                   transcript, None, session)

    def _count_changes_asked_for(self):
        """How often each session asked for each list."""
        return Counter((request["members"]["session"], tuple(chosen_in(request)))
                       for transcript in self._transcripts for request in transcript.requests
                       if option_of(request) == "configure-room")

    # Feeds.

    def _check_feeds(self, transcript, session):
        for request in transcript.requests:
            if option_of(request) == "feed-attach" and request["members"]["session"] == session:
                self._check_feed(transcript, session, request)

    def _check_feed(self, transcript, session, attach):
        feed = attach["members"]["feed_attach"]["session"]
        told = [(at, word) for at, word, data in transcript.told(session) if data.get("subscription") == feed]
        words = [word for _, word in told]
        for word in ("feed_attached", "feed_established"):
            if words.count(word) > 1:
                self._complain("a feed's state is told once", f"{word} of {feed}", transcript, told[-1][0], feed)
        if "feed_established" in words and words[0] != "feed_attached":
            self._complain("a feed's states are told in order", f"{feed}: {words}", transcript, told[0][0], feed)
        answered = self._answered(transcript, attach)
        if told and (answered is None or answered[1]["sylkrtc"] != "ack" or answered[0] > told[0][0]):
            self._complain("an ack precedes what it causes", f"{feed}: {words[0]} before the ack of its attach", transcript,
                           told[0][0], feed)
        accepted = self._answered(transcript, self._control(transcript, "feed-answer", feed))
        established = next((at for at, word in told if word == "feed_established"), None)
        if established is not None and (accepted is None or accepted[0] > established):
            self._complain("an ack precedes what it causes", f"{feed}: feed_established before the ack of its answer",
                           transcript, established, feed)
        detach = self._control(transcript, "feed-detach", feed)
        detached = self._answered(transcript, detach)
        if detached and detached[1]["sylkrtc"] == "ack" and told and told[-1][0] > detached[0]:
            self._complain("nothing is told of a detached feed", f"{feed}: {words[-1]}", transcript, told[-1][0], feed)

    # What is owed.

    def _check_debts(self, transcript, session):
        join = self._answered(transcript, self._request(transcript, "videoroom-join", session))
        words = [word for _, word, _ in transcript.told(session)]
        if not join or join[1]["sylkrtc"] != "ack" or "terminated" in words:
            return
        if any(request["kind"] == "videoroom-terminate" and request["members"]["session"] == session
               for request in transcript.requests):
            self._complain("what was ended is told", f"{session} was terminated and not told", transcript, None, session)
            return
        owed = STATES[:4] if transcript.media else STATES[:3]
        for word in owed:
            if word not in words:
                self._complain("every state is told", f"{session} was never told {word}", transcript, None, session)
        for request in transcript.requests:
            if option_of(request) == "feed-attach" and request["members"]["session"] == session:
                self._check_feed_debts(transcript, session, request)

    def _check_feed_debts(self, transcript, session, attach):
        feed, publisher = (attach["members"]["feed_attach"][key] for key in ("session", "publisher"))
        answered = self._answered(transcript, attach)
        told = [word for _, word, data in transcript.told(session) if data.get("subscription") == feed]
        if (answered and answered[1]["sylkrtc"] == "ack" and "feed_attached" not in told
                and publisher in transcript.roster(session) and not self._control(transcript, "feed-detach", feed)):
            self._complain("every state is told", f"{feed} was never told feed_attached", transcript, None, feed)
        accept = self._control(transcript, "feed-answer", feed)
        accepted = self._answered(transcript, accept)
        if (accepted and accepted[1]["sylkrtc"] == "ack" and NOBODY not in accept["members"]["feed_answer"].get("sdp", NOBODY)
                and "feed_established" not in told and publisher in transcript.roster(session)
                and not self._control(transcript, "feed-detach", feed)):
            self._complain("every state is told", f"{feed} was never told feed_established", transcript, None, feed)

    # What we know of the run.

    def _when_sessions_began_to_end(self):
        """By their ids: asked to, closed, or cut off. From then on others may be told that they left."""
        moments = {}
        for transcript in self._transcripts:
            for session in transcript.sessions:
                asked = [request["at"] for request in transcript.requests
                         if request["kind"] == "videoroom-terminate" and request["members"]["session"] == session]
                told = [at for at, word, _ in transcript.told(session) if word == "terminated"]
                closed = [moment for moment in (transcript.closing_at, transcript.closed_at) if moment is not None]
                if transcript.was_cut_off:
                    closed += [fault.began for fault in self._injected if fault.fault.kind.startswith("door")]
                moments[session] = min(asked + told + closed, default=None)
        return moments

    def _departed(self, session, at):
        moment = self._departures.get(session)
        return moment is not None and moment <= at

    def _has_ended(self, transcript, session, at):
        return any(word == "terminated" and when <= at for when, word, _ in transcript.told(session))

    def _publisher_concerned(self, transcript, request):
        """Of whom the feed is that the request is about."""
        members = request["members"]
        option = option_of(request)
        if option == "feed-attach":
            return members["feed_attach"]["publisher"]
        inner = members.get(option.replace("-", "_"), {})
        feed = inner.get("session") or members.get("session")
        for other in transcript.requests:
            if option_of(other) == "feed-attach" and other["members"]["feed_attach"]["session"] == feed:
                return other["members"]["feed_attach"]["publisher"]
        return None

    def _asked_to_end(self, transcript, session, at):
        return any(request["kind"] == "videoroom-terminate" and request["members"]["session"] == session
                   and request["at"] <= at for request in transcript.requests)

    def _request(self, transcript, kind, session):
        return next((request for request in transcript.requests
                     if request["kind"] == kind and request["members"]["session"] == session), None)

    def _control(self, transcript, option, feed):
        name = option.replace("-", "_")
        return next((request for request in transcript.requests
                     if option_of(request) == option and request["members"][name]["session"] == feed), None)

    def _answered(self, transcript, request):
        if request is None:
            return None
        return next(((at, message) for at, message in transcript.messages
                     if message["sylkrtc"] in ("ack", "error") and message["transaction"] == request["transaction"]), None)

    def _door_failed(self, door, at):
        return any(fault.fault.kind in ("door-kill", "door-term", "door-hang") and fault.fault.target == door
                   and fault.began <= at for fault in self._injected)

    def _after(self, kind, at):
        return any(fault.fault.kind == kind and fault.began <= at for fault in self._injected)

    def _locked(self, asked, answered):
        """A process that stands still may have been stopped with the registry's lock in its hands."""
        return any(fault.fault.kind.endswith(("-lock", "-stop", "-hang")) and fault.began <= answered
                   and asked <= (fault.ended or answered) + GRACE_AFTER_LOCK for fault in self._injected)

    def _complain(self, invariant, text, transcript, at=None, *about):
        self.violations.append(Violation(invariant, text, at, transcript, tuple(about)))


def option_of(request):
    return request["members"]["option"] if request["kind"] == "videoroom-ctl" else request["kind"]


def chosen_in(request):
    """The list a configure-room asks for: duplicates fall away."""
    return list(dict.fromkeys(request["members"]["configure_room"].get("active_participants", ())))


def subject_of(request):
    """The session, feed or account a request is about: what it waits for its turn with."""
    members, option = request["members"], option_of(request)
    inner = members.get(option.replace("-", "_"), {}) if request["kind"] == "videoroom-ctl" else {}
    return inner.get("session") or members.get("session") or members.get("account")


def describe(request):
    members = request["members"]
    return f"{option_of(request)} of {members.get('session') or members.get('account')}"
