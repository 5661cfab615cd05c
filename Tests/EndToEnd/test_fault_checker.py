"""The checker of the fault tests: it finds each broken promise, and nothing in a run that kept them."""

import copy

import pytest

from faults.call_rules import dialled_twice
from faults.checker import Checker
from faults.gaps import largest_gap, lost
from faults.injection import Injected
from faults.schedule import ALL_KINDS, Fault, draw
from faults.transcript import Transcript

ROOM = "room@conference.example.com"


class Story:
    """One connection's transcript, line by line, a second each."""

    def __init__(self, name="anna", media=True):
        self.transcript = Transcript(name, ROOM, 0, [], [], media=media)
        self._now = 0.0
        self._number = 0

    def asks(self, kind, **members):
        self._number += 1
        self.transcript.requests.append(
            {"transaction": f"t{self._number}", "kind": kind, "members": members, "at": self._tick()})
        return f"t{self._number}"

    def controls(self, option, parameters, session="a"):
        return self.asks("videoroom-ctl", session=session, option=option, **{option.replace("-", "_"): parameters})

    def acked(self, transaction):
        self.transcript.messages.append((self._tick(), {"sylkrtc": "ack", "transaction": transaction}))

    def refused(self, transaction, text):
        self.transcript.messages.append((self._tick(), {"sylkrtc": "error", "transaction": transaction, "error": text}))

    def told(self, event, session="a", **data):
        self.transcript.messages.append(
            (self._tick(), {"sylkrtc": "videoroom_event", "session": session, "event": event, "data": data}))

    def configured(self, originator, *active, session="a"):
        self.transcript.messages.append((self._tick(), {
            "sylkrtc": "videoroom_event", "session": session, "event": "configure-room", "originator": originator,
            "active_participants": list(active)}))

    def state(self, state, **data):
        self.told("state", state=state, **data)

    def _tick(self):
        self._now += 1.0
        return self._now


def person(name):
    return {"id": name, "uri": f"{name}@example.com", "display_name": name}


def good():
    """Anna comes, sees Bela and watches; Bela goes; Anna goes."""
    story = Story()
    story.transcript.messages.append((0.5, {"sylkrtc": "event", "event": "ready"}))
    story.acked(story.asks("account-add", account="anna@example.com"))
    story.acked(story.asks("videoroom-join", session="a", account="anna@example.com", uri=ROOM))
    story.state("progress")
    story.state("accepted")
    story.told("initial_publishers", publishers=[person("b")])
    story.state("established")
    story.acked(story.controls("feed-attach", {"session": "f", "publisher": "b"}))
    story.told("feed_attached", subscription="f")
    story.acked(story.controls("feed-answer", {"session": "f"}))
    story.told("feed_established", subscription="f", state="established")
    story.told("publishers_joined", publishers=[person("c")])
    asked = story.controls("configure-room", {"active_participants": ["b", "a", "b"]})
    story.configured("a", "b", "a")
    story.acked(asked)
    story.told("publishers_left", publishers=["b"])
    story.configured("videoroom", "a")
    story.acked(story.asks("videoroom-terminate", session="a"))
    story.state("terminated")
    return story.transcript


def others():
    """Bela, who leaves early enough, and Clara, who stays."""
    bela = Transcript("bela", ROOM, 1, [
        {"transaction": "t1", "kind": "videoroom-join", "members": {"session": "b"}, "at": 0.1}], [
        (0.2, {"sylkrtc": "event", "event": "ready"}), (0.3, {"sylkrtc": "ack", "transaction": "t1"})], closing_at=13.0)
    return [bela]


def broken(transcript, injected=()):
    checker = Checker([transcript, *others()], injected)
    checker.check()
    return [violation.invariant for violation in checker.check_debts()]


def index(transcript, word):
    return next(number for number, (_, message) in enumerate(transcript.messages)
                if word in (message.get("event"), message.get("data", {}).get("state")))


def double(word):
    def change(transcript):
        number = index(transcript, word)
        transcript.messages.insert(number + 1, copy.deepcopy(transcript.messages[number]))
    return change


def without(*words):
    def change(transcript):
        for word in words:
            del transcript.messages[index(transcript, word)]
    return change


def swapped(one, other):
    def change(transcript):
        first, second = index(transcript, one), index(transcript, other)
        messages = transcript.messages
        (at, a), (later, b) = messages[first], messages[second]
        messages[first], messages[second] = (at, b), (later, a)
    return change


def doubled_answer(transcript):
    transcript.messages.append((40.0, {"sylkrtc": "ack", "transaction": "t2"}))


def strange_answer(transcript):
    transcript.messages.append((40.0, {"sylkrtc": "ack", "transaction": "t99"}))


def lost_answer(transcript):
    transcript.requests.append({"transaction": "t50", "kind": "videoroom-ctl", "at": 9.0,
                                "members": {"session": "a", "option": "update", "update": {}}})


def late_answer(transcript):
    lost_answer(transcript)
    transcript.messages.append((50.0, {"sylkrtc": "ack", "transaction": "t50"}))


def refusal(text):
    def change(transcript):
        lost_answer(transcript)
        transcript.messages.insert(-2, (9.5, {"sylkrtc": "error", "transaction": "t50", "error": text}))
    return change


def unasked_end(transcript):
    transcript.requests = [request for request in transcript.requests if request["kind"] != "videoroom-terminate"]
    transcript.messages = [(at, message) for at, message in transcript.messages if message.get("transaction") != "t6"]


def afterwards(transcript):
    transcript.messages.append((99.0, {
        "sylkrtc": "videoroom_event", "session": "a", "event": "publishers_joined", "data": {"publishers": [person("d")]}}))


def cut_off(transcript):
    transcript.closed_at, transcript.close_code = 99.0, 1006


def early(transcript):
    """`progress` before the ack of the join."""
    ack = next(number for number, (_, message) in enumerate(transcript.messages) if message.get("transaction") == "t2")
    at, message = transcript.messages[ack]
    transcript.messages[ack] = (at + 1.5, message)


def overtaken(transcript):
    """An update, answered after another one that was asked for later."""
    lost_answer(transcript)
    transcript.requests.append({**transcript.requests[-1], "transaction": "t51", "at": 9.1})
    transcript.messages[-1:-1] = [(20.1, {"sylkrtc": "ack", "transaction": "t51"}), (20.2, {"sylkrtc": "ack", "transaction": "t50"})]


def late_list(transcript):
    """The ack of a configure-room, before the list that was asked for."""
    number = index(transcript, "configure-room")
    messages = transcript.messages
    (at, told), (later, ack) = messages[number:number + 2]
    messages[number:number + 2] = [(at, ack), (later, told)]


BREACHES = [
    (overtaken, "answers come in the order of the requests"),
    (swapped("feed_established", "publishers_joined"), None),
    (doubled_answer, "a request is answered once"), (strange_answer, "answers are to what was asked"),
    (lost_answer, "no request is lost"), (late_answer, "a request is answered in time"),
    (refusal("worker lost"), "nothing is refused because something failed"),
    (double("progress"), "a state is told once"), (double("accepted"), "a state is told once"),
    (double("initial_publishers"), "a state is told once"), (double("established"), "a state is told once"),
    (double("terminated"), "a state is told once"), (double("ready"), "ready is told first and once"),
    (swapped("progress", "accepted"), "states are told in order"),
    (swapped("accepted", "initial_publishers"), "states are told in order"),
    (swapped("established", "initial_publishers"), "states are told in order"),
    (afterwards, "nothing is told after terminated"), (unasked_end, "nobody is told an end that nobody asked for"),
    (double("feed_attached"), "a feed's state is told once"), (double("feed_established"), "a feed's state is told once"),
    (without("feed_attached"), "a feed's states are told in order"),
    (double("publishers_joined"), "who is there does not arrive again"),
    (double("publishers_left"), "who was not there does not leave"),
    (without("initial_publishers"), "a roster comes before its changes"), (without("terminated"), "what was ended is told"),
    (double("configure-room"), "a list of active participants is told once"),
    (without("configure-room"), "a new list is told before the ack of who asked for it"),
    (late_list, "a new list is told before the ack of who asked for it"),
    (refusal("the registry is not available"), "nothing is refused because something failed"),
    (cut_off, "sockets stay open"), (early, "an ack precedes what it causes"),
]


def test_a_good_run_is_found_good():
    assert broken(good()) == []


@pytest.mark.parametrize("breach, invariant", BREACHES, ids=[f"{number}-{text}" for number, (_, text) in enumerate(BREACHES)])
def test_a_broken_promise_is_found(breach, invariant):
    transcript = good()
    breach(transcript)
    assert broken(transcript) == [] if invariant is None else invariant in broken(transcript)


def test_who_stays_is_not_said_to_leave():
    transcript = good()
    checker = Checker([transcript], ())
    assert [violation.invariant for violation in checker.check()] == ["nobody is said to leave who stays"]


@pytest.mark.parametrize("words", [("terminated", "accepted"), ("terminated", "established")], ids=lambda words: words[1])
def test_what_is_owed_is_missed(words):
    transcript = good()
    without(*words)(transcript)
    transcript.requests = [request for request in transcript.requests if request["kind"] != "videoroom-terminate"]
    transcript.messages = [entry for entry in transcript.messages if entry[1].get("transaction") != "t6"]
    assert "every state is told" in broken(transcript)


def injected(kind, target=0, began=9.0):
    return (Injected(Fault(0.0, kind, target, 0.0), began, began + 0.5),)


def test_what_a_fault_explains_is_no_breach():
    transcript = good()
    cut_off(transcript)
    assert broken(transcript, injected("door-kill")) == []
    assert broken(transcript, injected("door-kill", target=1)) == ["sockets stay open"]
    transcript = good()
    refusal("the registry is unavailable")(transcript)
    for kind in ("registry-lock", "worker-stop", "door-hang"):
        assert broken(transcript, injected(kind)) == ["nothing is refused because something failed"]
    transcript = good()
    unasked_end(transcript)
    transcript.messages[-1][1]["data"]["reason"] = "500 Janus lost"
    assert broken(transcript, injected("janus-kill")) == []
    assert broken(transcript, injected("worker-kill")) == ["nobody is told an end that nobody asked for"]


def test_a_feed_of_somebody_who_left_may_be_unknown():
    transcript = good()
    request = {"transaction": "t60", "kind": "videoroom-ctl", "at": 25.0,
               "members": {"session": "a", "option": "feed-detach", "feed_detach": {"session": "f"}}}
    transcript.requests.append(request)
    text = "feed-detach: unknown video room session to detach: f"
    transcript.messages.insert(-2, (25.1, {"sylkrtc": "error", "transaction": "t60", "error": text}))
    assert broken(transcript) == []


def configured(request_id, refused=None):
    """Anna asks for Bela alone, and is told so unless she is refused; when, the story says."""
    request = {"transaction": request_id, "kind": "videoroom-ctl", "at": 14.1,
               "members": {"session": "a", "option": "configure-room", "configure_room": {"active_participants": ["b"]}}}
    answer = {"sylkrtc": "error", "error": refused} if refused else {"sylkrtc": "ack"}
    return request, (14.3, {**answer, "transaction": request_id})


def test_whoever_left_may_be_unknown_as_an_active_participant():
    text = "configure-room: unknown participant session id: b"
    for left, invariants in ((13.0, []), (14.9, ["nothing is refused because something failed"])):
        transcript, bela = good(), others()[0]
        request, answer = configured("t70", text)
        transcript.requests.append(request)
        transcript.messages.append(answer)
        transcript.messages.sort(key=lambda entry: entry[0])
        bela.closing_at = left
        found = [violation.invariant for violation in Checker([transcript, bela], ()).check()]
        assert [invariant for invariant in found if "refused" in invariant] == invariants


def test_after_a_fault_a_later_list_may_take_the_place_of_the_one_asked_for():
    transcript = good()
    request, answer = configured("t70")
    transcript.requests.append(request)
    transcript.messages += [answer, (14.2, {
        "sylkrtc": "videoroom_event", "session": "a", "event": "configure-room", "originator": "videoroom",
        "active_participants": []})]
    transcript.messages.sort(key=lambda entry: entry[0])
    invariant = "a new list is told before the ack of who asked for it"
    assert invariant in broken(transcript)
    assert invariant not in broken(transcript, injected("worker-kill"))


def test_lists_in_two_orders_are_found():
    stories = []
    for name, order in (("anna", ("x", "y")), ("carl", ("y", "x"))):
        story = Story(name)
        story.asks("videoroom-join", session=name, account=f"{name}@example.com", uri=ROOM)
        for originator in order:
            story.configured(originator, originator, session=name)
        stories.append(story.transcript)
    found = [violation.invariant for violation in Checker(stories, ()).check()]
    assert "lists of active participants come in one order" in found
    stories[1].room = "another"
    found = [violation.invariant for violation in Checker(stories, ()).check()]
    assert "lists of active participants come in one order" not in found


def test_gaps_and_losses_are_counted():
    packets = [(0.02 * number, number % 65536) for number in range(65500, 65600)]
    window = (packets[0][0], packets[-1][0])
    assert largest_gap(packets, window) == pytest.approx(0.02)
    assert lost(packets, window) == 0
    del packets[40:50]
    assert lost(packets, window) == 10
    assert largest_gap(packets, window) == pytest.approx(0.22)
    assert largest_gap(packets, window, [(packets[39][0], 0.2)]) == pytest.approx(0.02)


def test_a_seed_draws_the_same_schedule_again():
    schedules = [draw(seed) for seed in range(200)]
    assert schedules == [draw(seed) for seed in range(200)]
    assert {kind for schedule in schedules for kind in schedule.kinds} >= set(ALL_KINDS) - {"door-hang"}


# Invitations.


def inviting():
    """Anna invites Bela twice, and herself; Bela hears of both."""
    anna, bela = Story(), Story("bela")
    for story in (anna, bela):
        story.transcript.messages.append((0.5, {"sylkrtc": "event", "event": "ready"}))
        name = story.transcript.name
        story.acked(story.asks("account-add", account=f"{name}@example.com"))
    bela.transcript.messages[-1] = (1.0, bela.transcript.messages[-1][1])
    anna.acked(anna.asks("videoroom-join", session="a", account="anna@example.com", uri=ROOM))
    anna.state("progress")
    anna.state("accepted")
    anna.told("initial_publishers", publishers=[])
    for _ in range(2):
        anna.acked(anna.controls("invite-participants", {"participants": ["bela@example.com", "anna@example.com"]}))
    for at in (20.0, 21.0):
        bela.transcript.messages.append((at, ring()))
    return anna.transcript, bela.transcript


def ring():
    return {"sylkrtc": "account_event", "account": "bela@example.com", "event": "conference_invite",
            "data": {"originator": {"uri": "anna@example.com", "display_name": None}, "room": ROOM}}


def complaints(transcripts, injected=()):
    return [violation.invariant for violation in Checker(list(transcripts), injected).check()
            if "invit" in violation.invariant]


def test_invitations_that_ring_once_are_no_complaint():
    assert complaints(inviting()) == []


def test_an_invitation_that_never_rings_is_found():
    anna, bela = inviting()
    del bela.messages[-1]
    assert complaints((anna, bela)) == ["who is invited hears of it"]


def test_an_invitation_that_rings_again_is_found():
    anna, bela = inviting()
    bela.messages.append((22.0, ring()))
    assert complaints((anna, bela)) == ["an invitation rings once"]


def test_an_invitation_that_rings_at_its_own_connection_is_found():
    anna, bela = inviting()
    anna.messages.append((22.0, ring()))
    assert complaints((anna, bela)) == ["an invitation rings once"]


def test_who_left_too_early_or_came_too_late_or_whose_front_door_died_need_not_be_invited():
    for change in ("left", "came", "died"):
        anna, bela = inviting()
        del bela.messages[-2:]
        injected = ()
        if change == "left":
            bela.closing_at = 2.0
        elif change == "came":
            bela.messages[1] = (50.0, bela.messages[1][1])
        else:
            injected = (Injected(Fault(0.0, "door-kill", 0, 0.0), 3.0, 3.0),)
        assert complaints((anna, bela), injected) == [], change


# Registrations and calls.


class PhoneStory(Story):
    """Of one account, alice@phones.test."""

    def __init__(self):
        super().__init__("alice", media=False)
        self.transcript.messages.append((0.5, {"sylkrtc": "event", "event": "ready"}))
        self.acked(self.asks("account-add", account="alice@phones.test"))

    def registers(self, *states):
        self.acked(self.asks("account-register", account="alice@phones.test"))
        for state in states:
            self.account_event("registration_state", {"state": state})

    def account_event(self, event, data, **members):
        self.transcript.messages.append((self._tick(), {
            "sylkrtc": "account_event", "account": "alice@phones.test", "event": event, "data": data, **members}))

    def rings(self, session):
        self.acts("dials")
        self.account_event("incoming_session", {"sdp": "v=0"}, session=session)

    def call_state(self, session, state, **data):
        self.transcript.messages.append((self._tick(), {
            "sylkrtc": "session_event", "session": session, "event": "state", "data": {"state": state, **data}}))

    def acts(self, what, session=None):
        self.transcript.acts.append({"what": what, "session": session, "at": self._tick()})


def telephoning():
    """Alice registers, calls, is called and answers, is called and missed, declines, and is registered."""
    story = PhoneStory()
    story.registers("registering", "registered")
    story.acked(story.asks("session-create", session="out", account="alice@phones.test", uri="echo@phones.test"))
    story.call_state("out", "progress")
    story.call_state("out", "accepted", sdp="v=0")
    story.acked(story.asks("session-terminate", session="out"))
    story.call_state("out", "terminated", reason="200 OK")
    story.acked(story.asks("session-create", session="busy", account="alice@phones.test", uri="refuser@phones.test"))
    story.call_state("busy", "progress")
    story.call_state("busy", "terminated", reason="486 Busy Here")
    story.rings("in")
    story.acked(story.asks("session-answer", session="in"))
    story.call_state("in", "accepted")
    story.call_state("in", "established")
    story.acts("hangs up", "in")
    story.call_state("in", "terminated", reason="200 OK")
    story.rings("given-up")
    story.acts("hangs up", "given-up")
    story.call_state("given-up", "terminated", reason="487 Request Terminated")
    story.account_event("missed_session", {"originator": {"uri": "bob@phones.test", "display_name": ""}})
    story.rings("declined")
    story.acked(story.asks("session-terminate", session="declined"))
    story.call_state("declined", "terminated", reason="486 Busy Here")
    story.registers("registering", "registered")
    return story.transcript


def at_phone(transcript, injected=()):
    checker = Checker([transcript], injected)
    checker.check()
    return [violation.invariant for violation in checker.check_debts()]


def place(transcript, session, word):
    return next(number for number, (_, message) in enumerate(transcript.messages) if message.get("session") == session
                and word in (message.get("event"), message.get("data", {}).get("state")))


def told_again(session, word):
    def change(transcript):
        number = place(transcript, session, word)
        transcript.messages.insert(number + 1, copy.deepcopy(transcript.messages[number]))
    return change


def never_told(session, *words):
    def change(transcript):
        for word in words:
            del transcript.messages[place(transcript, session, word)]
    return change


def told_in_another_order(session, one, other):
    def change(transcript):
        first, second = place(transcript, session, one), place(transcript, session, other)
        (at, a), (later, b) = transcript.messages[first], transcript.messages[second]
        transcript.messages[first], transcript.messages[second] = (at, b), (later, a)
    return change


def never_asked(kind, session):
    """Nor answered."""
    def change(transcript):
        request = next(request for request in transcript.requests
                       if request["kind"] == kind and request["members"]["session"] == session)
        transcript.requests.remove(request)
        transcript.messages = [entry for entry in transcript.messages
                               if entry[1].get("transaction") != request["transaction"]]
    return change


def never_acted(session):
    def change(transcript):
        transcript.acts = [act for act in transcript.acts if act["session"] != session]
    return change


def acked_late(kind, session):
    """After what it has caused."""
    def change(transcript):
        request = next(request for request in transcript.requests
                       if request["kind"] == kind and request["members"]["session"] == session)
        number = next(number for number, (_, message) in enumerate(transcript.messages)
                      if message.get("transaction") == request["transaction"])
        at, message = transcript.messages[number]
        transcript.messages[number] = (at + 1.5, message)
    return change


def registration_told(*states):
    """At the end, without a request."""
    def change(transcript):
        for number, state in enumerate(states):
            transcript.messages.append((900.0 + number, {
                "sylkrtc": "account_event", "account": "alice@phones.test", "event": "registration_state",
                "data": {"state": state, "reason": "503 Unavailable"}}))
    return change


def unregistered_then_told(transcript):
    transcript.requests.append({"transaction": "t90", "kind": "account-unregister", "at": 800.0,
                                "members": {"account": "alice@phones.test"}})
    transcript.messages.append((801.0, {"sylkrtc": "ack", "transaction": "t90"}))
    registration_told("registered")(transcript)


def registering_again(*entries):
    """(moment, state), or None for the ack of the request, which is sent at 800."""
    def change(transcript):
        transcript.requests.append({"transaction": "t90", "kind": "account-register", "at": 800.0,
                                    "members": {"account": "alice@phones.test"}})
        for number, state in enumerate(entries, 801):
            if state is None:
                transcript.messages.append((number, {"sylkrtc": "ack", "transaction": "t90"}))
            else:
                transcript.messages.append((number, {
                    "sylkrtc": "account_event", "account": "alice@phones.test", "event": "registration_state",
                    "data": {"state": state}}))
    return change


def missed_again(transcript):
    number = index(transcript, "missed_session")
    transcript.messages.insert(number + 1, copy.deepcopy(transcript.messages[number]))


def never_missed(transcript):
    del transcript.messages[index(transcript, "missed_session")]


def with_an_answer(transcript):
    transcript.messages[place(transcript, "in", "accepted")][1]["data"]["sdp"] = "v=0"


def without_an_answer(transcript):
    del transcript.messages[place(transcript, "out", "accepted")][1]["data"]["sdp"]


def refused_call(text):
    def change(transcript):
        transcript.requests.append({"transaction": "t91", "kind": "session-trickle", "at": 7.2,
                                    "members": {"session": "out", "candidates": []}})
        transcript.messages.append((7.3, {"sylkrtc": "error", "transaction": "t91", "error": text}))
    return change


END, ACK_FIRST = "nobody is told an end that nobody asked for", "an ack precedes what it causes"
PHONE_BREACHES = [
    *((told_again(session, word), "a call's state is told once") for session, word in (
        ("out", "progress"), ("out", "accepted"), ("out", "terminated"), ("in", "incoming_session"), ("in", "accepted"),
        ("in", "established"), ("given-up", "terminated"))),
    (told_in_another_order("out", "progress", "accepted"), "a call's states are told in order"),
    (told_in_another_order("in", "accepted", "established"), "a call's states are told in order"),
    (never_told("in", "accepted"), "a call's states are told in order"),
    (told_in_another_order("out", "accepted", "terminated"), "nothing is told after terminated"),
    (with_an_answer, "an answer comes with the call that it answers"),
    (without_an_answer, "an answer comes with the call that it answers"),
    (acked_late("session-create", "out"), ACK_FIRST), (acked_late("session-answer", "in"), ACK_FIRST),
    (acked_late("session-terminate", "declined"), ACK_FIRST),
    (never_asked("session-terminate", "out"), END), (never_acted("in"), END), (never_acted("given-up"), END),
    (never_asked("session-terminate", "declined"), END),
    (refused_call("worker lost"), "nothing is refused because something failed"),
    (never_told("out", "terminated"), "what was ended is told"),
    (never_told("out", "progress", "accepted"), None), (never_told("busy", "progress", "terminated"), "every state is told"),
    (missed_again, "a call is missed once, if nobody takes it"), (never_missed, "who was missed is told"),
    (registration_told("registered"), "a registration's state is told once"),
    (registration_told("failed"), "a registration does not fail because something failed"),
    (unregistered_then_told, "nothing is told of a registration that is over"),
    (registering_again("registered", None, "registering", "registered"), ACK_FIRST),
    (registering_again(None), "every state is told"), (registering_again(None, "registering"), "every state is told"),
    (registering_again(None, "registering", "registered"), None),
]


def test_good_calls_are_found_good():
    assert at_phone(telephoning()) == []


@pytest.mark.parametrize(
    "breach, invariant", PHONE_BREACHES, ids=[f"{number}-{text}" for number, (_, text) in enumerate(PHONE_BREACHES)])
def test_a_broken_promise_of_calls_is_found(breach, invariant):
    transcript = telephoning()
    breach(transcript)
    assert at_phone(transcript) == [] if invariant is None else invariant in at_phone(transcript)


def test_a_call_that_was_up_and_measured_owes_every_state():
    story = PhoneStory()
    story.transcript.media = True
    story.acked(story.asks("session-create", session="out", account="alice@phones.test", uri="speaker@phones.test"))
    story.call_state("out", "progress")
    story.call_state("out", "accepted", sdp="v=0")
    assert at_phone(story.transcript) == ["every state is told"]
    story.call_state("out", "established")
    assert at_phone(story.transcript) == []


def test_a_lost_janus_ends_calls_and_nothing_else_does():
    for change in (never_asked("session-terminate", "out"), never_acted("in")):
        transcript = telephoning()
        change(transcript)
        assert at_phone(transcript, injected("worker-kill", began=1.0)) == [END]
        assert at_phone(transcript, injected("janus-kill", began=1.0)) == ["a lost Janus is the reason told"]
        for _, message in transcript.messages:
            if message.get("data", {}).get("state") == "terminated":
                message["data"]["reason"] = "500 Janus lost"
        assert at_phone(transcript, injected("janus-kill", began=1.0)) == []


def test_what_may_have_been_dialled_may_end_without_being_dialled_if_something_failed():
    story = PhoneStory()
    story.acked(story.asks("session-create", session="out", account="alice@phones.test", uri="echo@phones.test"))
    story.call_state("out", "terminated", reason="408 Request Timeout")
    assert at_phone(story.transcript) == [END]
    assert at_phone(story.transcript, injected("worker-kill", began=3.5)) == []
    assert at_phone(story.transcript, injected("worker-kill", began=50.0)) == [END]
    story.transcript.messages[-1][1]["data"]["reason"] = "486 Busy Here"
    assert at_phone(story.transcript, injected("worker-kill", began=3.5)) == [END]


def test_a_call_over_which_its_client_unregisters_may_end():
    story = PhoneStory()
    story.registers("registering", "registered")
    story.rings("in")
    story.call_state("in", "terminated", reason="480 Temporarily Unavailable")
    assert END in at_phone(story.transcript)
    story.transcript.messages.pop()
    story.acked(story.asks("account-unregister", account="alice@phones.test"))
    story.call_state("in", "terminated", reason="account unregistered")
    assert at_phone(story.transcript) == []


def test_a_call_that_is_answered_right_after_another_one_may_be_closed_with_it():
    story = PhoneStory()
    story.registers("registering", "registered")
    for session in ("first", "second"):
        story.rings(session)
        story.acked(story.asks("session-answer", session=session))
        story.call_state(session, "accepted")
        if session == "first":
            story.acts("hangs up", session)
        story.call_state(session, "terminated", reason="200 OK" if session == "first" else "Close PC")
    assert at_phone(story.transcript) == [END]
    messages = story.transcript.messages
    messages[-1] = (messages[place(story.transcript, "first", "terminated")][0] + 1.0, messages[-1][1])
    assert END not in at_phone(story.transcript)


def test_what_is_told_of_a_registration_that_waited_for_another_is_not_told_twice():
    story = PhoneStory()
    first, second = (story.asks("account-register", account="alice@phones.test") for _ in range(2))
    story.acked(first)
    story.account_event("registration_state", {"state": "registered"})
    story.acked(second)
    story.account_event("registration_state", {"state": "registered"})
    assert at_phone(story.transcript) == []
    story.account_event("registration_state", {"state": "registered"})
    assert at_phone(story.transcript) == ["a registration's state is told once"]


def test_what_is_asked_of_a_call_that_ends_may_be_refused():
    transcript = telephoning()
    transcript.requests.append({"transaction": "t91", "kind": "session-trickle", "at": 9.1,
                                "members": {"session": "out", "candidates": []}})
    transcript.messages.append((900.0, {
        "sylkrtc": "error", "transaction": "t91", "error": "Unknown session specified: out"}))
    assert "nothing is refused because something failed" not in at_phone(transcript)


def test_what_is_asked_of_a_call_that_was_refused_is_refused():
    story = PhoneStory()
    story.refused(story.asks("session-create", session="out", account="alice@phones.test", uri="echo@phones.test"),
                  "the registry is not available")
    story.refused(story.asks("session-trickle", session="out"), "Unknown session specified: out")
    assert at_phone(story.transcript) == ["nothing is refused because something failed"]
    assert at_phone(story.transcript, injected("registry-lock", began=3.0)) == []


def test_who_dials_twice_is_found():
    assert dialled_twice({"one": 1, "other": 1}) == []
    assert [violation.text for violation in dialled_twice({"one": 1, "other": 2})] == ["other: 2 times"]
