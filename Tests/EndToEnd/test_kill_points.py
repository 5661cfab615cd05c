"""A worker is killed before or after each step of a request, and nobody notices."""

import pytest
import pytest_asyncio

from faults.verdict import nobody_noticed
from harness.fault_points import both_sides, known_points
from harness.gateway import Gateway
from harness.offer import answer
from harness.participant import PASSWORD
from harness.running import running
from harness.waiting import eventually

STEPS = {
    "join": "room.claim room.create join.record join.attach join.send join.joined",
    "feed-attach": "feed.record feed.attach feed.subscribe feed.offer",
    "feed-answer": "feed.start feed.started",
    "feed-detach": "feed.leave feed.detach feed.mark",
    "update": "update.send",
    "configure-room": "room.configure room.tell",
    "invite-participants": "invite.resolve invite.send invite.answer",
    "terminate": "publisher.leave publisher.detach publisher.mark room.destroy room.release row.delete",
}
POINTS = [(request, point) for request, steps in STEPS.items() for point in both_sides(steps)]


@pytest_asyncio.fixture(scope="module")
async def gateway(folder, janus, points):
    """One slot, so that there is no doubt who meets the point, and no standby: the one that died comes back."""
    async with running(Gateway(folder, janus, workers=1, slots=1, worker=points.launcher)) as gateway:
        yield gateway


def test_the_points_are_all_of_those_the_worker_has():
    of_conferences, _ = known_points()
    assert sorted(of_conferences) == sorted(point for _, point in POINTS)


@pytest.mark.parametrize("request_name, point", POINTS, ids=[point for _, point in POINTS])
async def test_nobody_notices_a_worker_killed(visitors, gateway, points, killing, request_name, point):
    room = visitors.new_room()
    anna = await (await visitors.quiet_participant("Anna", room, door=0)).join()
    bela = await (await visitors.quiet_participant("Bela", room, door=1)).join()
    await anna.client.event("publishers_joined", anna.session)
    scene = SCENES[request_name](visitors, anna, bela, alone=request_name in ("join", "terminate") and point.startswith("room."))
    await scene.prepare()

    await points.kill(gateway, point, scene.act)
    await scene.told()

    everybody = [anna, bela, scene.clara]
    await nobody_noticed(gateway, everybody)
    dora = await (await visitors.quiet_participant("Dora", scene.clara.room, door=1)).join()
    egon = await (await visitors.participant("Egon", visitors.new_room(), door=0)).join()
    everybody += [dora, egon]
    for publisher in dora.publishers("initial_publishers")[:1]:
        await dora.controlled("feed-attach", {"session": f"of-{dora.session}", "publisher": publisher})
    await nobody_noticed(gateway, everybody)
    await dora.terminate()
    await nobody_noticed(gateway, everybody)


class Scene:
    """Clara, and the request during which the worker dies. `alone`: in a room of her own."""

    def __init__(self, visitors, anna, bela, alone):
        self._visitors = visitors
        self._anna = anna
        self._bela = bela
        self._room = visitors.new_room() if alone else anna.room
        self.clara = None

    async def prepare(self):
        self.clara = await self._visitors.quiet_participant("Clara", self._room, door=1)
        await self.clara.join()

    async def act(self):
        """The request; it must be acked."""

    async def told(self):
        """What must follow it."""

    async def _attach(self):
        await self.clara.controlled("feed-attach", {"session": f"of-{self.clara.session}", "publisher": self._anna.session})

    async def _offered(self):
        return await self.clara.client.event(
            "feed_attached", self.clara.session, subscription=f"of-{self.clara.session}")

    async def _answer(self):
        sdp = answer((await self._offered())["data"]["sdp"])
        await self.clara.controlled("feed-answer", {"session": f"of-{self.clara.session}", "sdp": sdp})


class Join(Scene):
    async def prepare(self):
        self.clara = await self._visitors.quiet_participant("Clara", self._room, door=1)
        await self.clara.add_account()

    async def act(self):
        await self.clara.client.acked("videoroom-join", **await self.clara.join_request())

    async def told(self):
        await self.clara.send_media()


class FeedAttach(Scene):
    async def act(self):
        await self._attach()

    async def told(self):
        await self._answer()


class FeedAnswer(Scene):
    async def prepare(self):
        await super().prepare()
        await self._attach()
        await self._offered()

    async def act(self):
        await self._answer()


class FeedDetach(FeedAnswer):
    async def prepare(self):
        await super().prepare()
        await self._answer()

    async def act(self):
        await self.clara.controlled("feed-detach", {"session": f"of-{self.clara.session}"})

    async def told(self):
        await self._attach_again()

    async def _attach_again(self):
        again = {"session": f"again-{self.clara.session}", "publisher": self._anna.session}
        await self.clara.controlled("feed-attach", again)


class Update(Scene):
    async def act(self):
        await self.clara.controlled("update", {"bitrate": 256000})


class ConfigureRoom(Scene):
    """Bela is prominent before; nobody is to hear of that again."""

    async def prepare(self):
        await super().prepare()
        await self.clara.controlled("configure-room", {"active_participants": [self._bela.session]})
        for person in (self._anna, self._bela):
            await eventually(lambda: person.configurations, what="everybody to be told")

    async def act(self):
        await self.clara.controlled(
            "configure-room", {"active_participants": [self._anna.session, self.clara.session]})

    async def told(self):
        for person in (self._anna, self._bela, self.clara):
            await eventually(lambda: len(person.configurations) == 2, what="everybody to be told")
            assert person.configurations[1] == (self.clara.session, [self._anna.session, self.clara.session])


class Invite(Scene):
    """Anna and Bela are invited, who are there, and so is Clara's other device; Clara herself is not."""

    async def prepare(self):
        await super().prepare()
        self._other = await self._visitors.client(0)
        await self._other.acked("account-add", account=self.clara.account, password=PASSWORD)

    async def act(self):
        await self.clara.controlled(
            "invite-participants", {"participants": [self._anna.account, self.clara.account]})

    async def told(self):
        for client in (self._anna.client, self._other):
            await client.event("conference_invite")
        # What a successor sends again must not ring again: it would have come by the next request's answer.
        await self.clara.controlled("update", {"bitrate": 256000})
        rung = [len(client.events("conference_invite")) for client in (self._anna.client, self._other, self.clara.client)]
        assert rung == [1, 1, 0]


class Terminate(Scene):
    async def act(self):
        await self.clara.client.acked("videoroom-terminate", session=self.clara.session)

    async def told(self):
        await self.clara.told("terminated")


SCENES = {
    "join": Join, "feed-attach": FeedAttach, "feed-answer": FeedAnswer, "feed-detach": FeedDetach, "update": Update,
    "configure-room": ConfigureRoom, "invite-participants": Invite, "terminate": Terminate,
}
