"""Invitations: every device of whoever is invited rings, on any front door, from a room on any worker."""

import asyncio

import pytest
import pytest_asyncio

from harness.gateway import Gateway
from harness.participant import PASSWORD
from harness.running import running
from harness.visitors import Visitors
from harness.waiting import eventually

BELA = "bela@example.org"
CLARA = "clara@example.org"
SLACK = 0.7  # seconds in which something that must not come would have come


MEMBERS_ONLY = "members@conference.example.com"
RULES = {MEMBERS_ONLY: {"access_policy": "deny,allow", "deny": "all", "allow": "example.com"}}


@pytest.fixture(scope="module")
def gateway_settings():
    return RULES


async def device(visitors, door, *accounts):
    """A connection that has added these accounts."""
    client = await visitors.client(door)
    for account in accounts:
        await client.acked("account-add", account=account, password=PASSWORD)
    return client


async def on_each_slot(visitors, gateway):
    """Somebody in a room, for each slot."""
    people = {}

    async def found():
        host = await (await visitors.participant(f"Host {len(people)}", visitors.new_room("invites"), door=0)).join()
        people.setdefault(gateway.registry.slot_of(host.room), host)
        return len(people) == len(gateway.slot_numbers)

    await eventually(found, 20, "a room on each slot")
    return list(people.values())


def invitations(client):
    return [message for message in client.messages if message.get("event") == "conference_invite"]


def invitation(host, account):
    return {"sylkrtc": "account_event", "account": account, "event": "conference_invite",
            "data": {"originator": {"uri": host.account, "display_name": host.name}, "room": host.room}}


async def invite(host, *accounts):
    await host.controlled("invite-participants", {"participants": list(accounts)})


async def test_R15_every_device_on_every_front_door_rings_once_from_a_room_on_either_worker(visitors, gateway):
    devices = [await device(visitors, door, BELA) for door in (0, 1, 1)]
    hosts = await on_each_slot(visitors, gateway)
    for host in hosts:
        await invite(host, BELA, CLARA)
    # An invitation is on its way before its request is acked.
    for client in devices:
        await eventually(lambda: len(invitations(client)) == len(hosts), 5, "an invitation from each room")
    await asyncio.sleep(SLACK)
    for client in devices:
        assert invitations(client) == [invitation(host, BELA) for host in hosts]


async def test_E05_an_invitation_names_the_account_as_its_own_client_wrote_it(visitors):
    client = await device(visitors, 1, "sip:Bela@Example.ORG", CLARA)
    host = await (await visitors.participant("Anna", visitors.new_room())).join()
    await invite(host, "Bela@example.org:5060", "sip:clara@EXAMPLE.org", "Bela@example.org")
    await eventually(lambda: len(invitations(client)) == 2, 5, "an invitation of each account")
    assert {message["account"] for message in invitations(client)} == {"sip:Bela@Example.ORG", CLARA}


async def test_R15_D53_the_inviters_own_connection_is_left_out_and_his_other_devices_ring(visitors):
    host = await (await visitors.participant("Anna", visitors.new_room())).join()
    others = [await device(visitors, door, host.account) for door in (0, 1)]
    await host.client.acked("account-add", account=BELA, password=PASSWORD)
    await invite(host, host.account, BELA)
    for client in others:
        await client.event("conference_invite")
    await asyncio.sleep(SLACK)
    assert [len(invitations(client)) for client in (host.client, *others)] == [0, 1, 1]


async def test_R15_who_has_gone_or_has_removed_the_account_is_not_invited(visitors, gateway):
    gone, removed = await device(visitors, 1, BELA), await device(visitors, 0, BELA, CLARA)
    await gone.close()
    await removed.acked("account-remove", account=BELA)
    await eventually(lambda: not gateway.registry.claimed(BELA), 5, "nobody to have the account")
    host = await (await visitors.participant("Anna", visitors.new_room())).join()
    await invite(host, BELA)
    await asyncio.sleep(SLACK)
    assert not invitations(removed)


async def test_R15_whose_account_was_removed_invites_nobody(visitors):
    client = await device(visitors, 1, BELA)
    host = await (await visitors.participant("Anna", visitors.new_room())).join()
    removal = await host.client.send("account-remove", account=host.account)
    text = await host.control_refused("invite-participants", {"participants": [BELA]})
    assert text == f"invite-participants: unknown video room session: {host.session}"
    assert (await host.client.answer(removal))["sylkrtc"] == "ack"
    await asyncio.sleep(SLACK)
    assert not invitations(client)


async def test_R01_a_join_pipelined_behind_its_account_works(visitors):
    host = await visitors.participant("Anna", visitors.new_room())
    add = await host.client.send(
        "account-add", account=host.account, password=PASSWORD, display_name=host.name)
    join = await host.client.send("videoroom-join", **await host.join_request())
    assert (await host.client.answer(join))["sylkrtc"] == "ack"
    answers = [message["transaction"] for message in host.client.messages if message["sylkrtc"] == "ack"]
    assert answers == [add, join]
    await host.told("accepted")


async def test_R15_after_the_registry_was_replaced_everybody_is_found_again(visitors, gateway):
    devices = [await device(visitors, door, BELA) for door in (0, 1)]
    host = await (await visitors.participant("Anna", visitors.new_room())).join()
    for suffix in ("", "-wal", "-shm"):
        path = gateway.registry.path
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    await eventually(lambda: len(gateway.registry.claimed(BELA)) == 2, 15, "the accounts to be put back")
    await eventually(lambda: gateway.registry.slot_of(host.room), 15, "the room to be put back")
    await invite(host, BELA)
    for client in devices:
        assert await client.event("conference_invite") == invitation(host, BELA)


async def test_R05_B30_device_tokens_are_kept_and_stand_in_no_log(visitors, gateway, folder):
    client = await device(visitors, 0, BELA)
    await client.acked("account-devicetoken", account=BELA, new_token="secret-token-one")
    other = await device(visitors, 1, BELA)
    await other.acked("account-devicetoken", account=BELA, old_token="secret-token-one", new_token="secret-token-two")
    await other.acked("account-devicetoken", account=BELA)
    assert await other.refused("account-devicetoken", account=CLARA, new_token="x") == (
        f"Unknown account specified: {CLARA}")
    await gateway.end(gateway.front_doors[0])
    await gateway.door_opens(0)
    again = await device(visitors, 0, BELA)
    await again.acked("account-devicetoken", account=BELA, new_token="secret-token-three")
    assert gateway.registry.tokens(folder / "state", BELA) == ["secret-token-two", "secret-token-three"]
    for process in gateway.processes:
        assert "secret-token" not in process.log.read_text(errors="replace")


@pytest_asyncio.fixture
async def untrusting(folder, janus):
    """A gateway of its own that believes nobody."""
    place = folder / "wary"
    place.mkdir()
    settings = {"General": {"trust_claimed_accounts": "no"}, "Deployment": {"id": "wary"}, **RULES}
    async with running(Gateway(place, janus, workers=1, slots=1, settings=settings)) as gateway:
        yield gateway


async def test_R15_R05_B35_D22_who_is_not_verified_is_neither_invited_nor_has_tokens(untrusting, folder):
    visitors = Visitors(untrusting)
    client = await device(visitors, 1, BELA)
    await client.acked("account-devicetoken", account=BELA, new_token="secret-token-four")
    host = await (await visitors.participant("Anna", visitors.new_room())).join()
    await invite(host, BELA)
    await asyncio.sleep(SLACK)
    assert not invitations(client)
    assert untrusting.registry.claimed(BELA) == []
    assert untrusting.registry.tokens(folder / "wary" / "state", BELA) == []
    assert await host.client.refused("videoroom-join", **{**await host.join_request(), "session": "s", "uri": MEMBERS_ONLY}) == (
        f"{host.account} is not allowed to join room {MEMBERS_ONLY}")
    await visitors.leave()


async def test_B35_D22_who_is_believed_may_enter_a_room_that_is_for_some(visitors):
    await (await visitors.participant("Anna", MEMBERS_ONLY)).join()
