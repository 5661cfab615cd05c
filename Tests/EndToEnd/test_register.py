"""Accounts are registered with a real registrar, and refused, and forgotten again; and what only registered accounts may."""

import asyncio
import secrets

import pytest

from harness.offer import offer
from harness.waiting import eventually, until_empty

SLACK = 0.7  # seconds in which something that must not come would have come
MEMBERS_ONLY = "members@conference.example.com"


@pytest.fixture(scope="module")
def gateway_settings(name_server):
    return {
        "General": {"trust_claimed_accounts": "no"},
        "Worker": {"dns_servers": f"{name_server.address}:{name_server.port}"},
        MEMBERS_ONLY: {"access_policy": "deny,allow", "deny": "all", "allow": "phones.test"},
    }


async def handles_of(gateway):
    return [handle.opaque_id for handle in await gateway.janus.inspector.session_handles()]


async def test_R03_E02_an_account_is_registered_and_told_so_once(subscribers, exchange):
    alice = await subscribers.subscriber("alice")
    await alice.register()
    await exchange.registered("alice")
    await asyncio.sleep(SLACK)
    assert alice.registrations() == ["registering", "registered"]
    assert alice.client.names()[-4:] == ["ack", "ack", "registration_state", "registration_state"]


async def test_E02_the_account_is_named_as_its_own_client_wrote_it(subscribers, exchange):
    client = await subscribers.client()
    await exchange.add_user("alice")
    await client.acked("account-add", account="sip:alice@PHONES.test:5060", password=exchange.ha1("alice"))
    await client.acked("account-register", account="sip:alice@PHONES.test:5060")
    told = await client.event("registration_state", state="registered")
    assert told["account"] == "sip:alice@PHONES.test:5060"
    assert await exchange.contacts("alice")


async def test_R03_accounts_that_register_and_go_at_once_hold_nobody_up(subscribers, gateway):
    for number in range(12):
        alice = await subscribers.subscriber("alice")
        await alice.client.acked("account-register", account=alice.account)
        # Within the 100 ms that Janus needs for a handle's first.
        await asyncio.sleep(0.01 * number)
        await alice.client.close()
        assert not gateway.janus.mishap()
    await until_empty(lambda: handles_of(gateway), 10, "the handles of registrations that were given up")


async def test_R03_E02_a_wrong_password_is_told_and_the_right_one_works_afterwards(subscribers, exchange, gateway):
    alice = await subscribers.subscriber("alice")
    await alice.client.acked("account-remove", account=alice.account)
    await alice.add_account(ha1=secrets.token_hex(16))
    await alice.client.acked("account-register", account=alice.account)
    failed = await alice.is_told("failed")
    assert failed["reason"].split()[0].isdigit(), failed
    assert alice.registrations() == ["registering", "failed"]
    await exchange.nothing_registered()

    await alice.client.acked("account-remove", account=alice.account)
    await until_empty(lambda: handles_of(gateway), 10, "the handle of a registration that failed")
    await alice.add_account()
    await alice.register()
    await exchange.registered("alice")


async def test_R03_E02_a_registrar_refuses_for_reasons_of_its_own(subscribers, exchange):
    await exchange.answer_registrations("503")
    alice = await subscribers.subscriber("alice")
    await alice.client.acked("account-register", account=alice.account)
    assert (await alice.is_told("failed"))["reason"].startswith("503 ")
    await exchange.answer_registrations("normal")
    await alice.register()


async def test_R03_an_account_that_was_not_added_is_refused(subscribers):
    client = await subscribers.client()
    for request in ("account-register", "account-unregister"):
        text = await client.refused(request, account="nobody@phones.test")
        assert text == "Unknown account specified: nobody@phones.test"


async def test_R03_B29_an_unknown_domain_is_refused_and_leaves_nothing(subscribers, gateway):
    alice = await subscribers.subscriber("alice", domain="unknown.phones.test")
    text = await alice.client.refused("account-register", account=alice.account)
    assert text.startswith("DNS lookup error: "), text
    assert alice.registrations() == []
    assert await handles_of(gateway) == []


async def test_R03_E02_a_proxy_that_is_not_there_fails_the_registration(subscribers):
    alice = await subscribers.subscriber("alice", domain="dead.phones.test")
    await alice.client.acked("account-register", account=alice.account)
    failed = await alice.is_told("failed", within=45)
    assert failed["reason"].split()[0] in ("408", "503"), failed
    assert alice.registrations() == ["registering", "failed"]


async def test_R03_E02_a_registrar_that_vanishes_in_mid_registration_is_told_and_holds_nobody_up(
        subscribers, exchange, gateway):
    await exchange.answer_registrations("silent-when-authenticated")
    alice, bela, clara = [await subscribers.subscriber(name) for name in ("alice", "bela", "clara")]
    for one in (alice, bela, clara):
        await one.client.acked("account-register", account=one.account)
        await one.is_told("registering")
    # Who gives up meanwhile, in whatever way, does not wait for it.
    await asyncio.wait_for(bela.unregister(), 10)
    await clara.client.close()
    failed = await alice.is_told("failed", within=45)
    assert failed["reason"].split()[0] in ("408", "503"), failed
    await asyncio.sleep(SLACK)
    assert bela.registrations() == ["registering"]
    await exchange.answer_registrations("normal")
    await alice.register()
    await bela.register()


async def test_R03_D26_registering_again_renews_the_same_registration(subscribers, exchange, gateway):
    alice = await subscribers.registered("alice")
    before, handles = await exchange.contacts("alice"), await handles_of(gateway)
    mark = alice.client.now
    await alice.register()
    assert alice.registrations(after=mark) == ["registering", "registered"]
    assert await exchange.contacts("alice") == before
    assert await handles_of(gateway) == handles


async def test_R03_another_password_is_another_registration(subscribers, exchange, gateway):
    alice = await subscribers.registered("alice")
    await alice.client.acked("account-remove", account=alice.account)
    await exchange.nothing_registered()  # it takes the former password to say so
    await exchange.add_user("alice", password=secrets.token_hex(8))
    await alice.add_account(ha1=exchange.ha1("alice"))
    await alice.register()
    await exchange.registered("alice")
    await eventually(lambda: _one_handle(gateway), 10, "the former handle to go")


async def _one_handle(gateway):
    return len([handle for handle in await handles_of(gateway) if ":spare-" not in handle]) == 1


async def test_R04_unregistering_leaves_nothing_and_says_nothing(subscribers, exchange, gateway):
    alice = await subscribers.registered("alice")
    mark = alice.client.now
    await alice.unregister()
    await exchange.nothing_registered()
    await until_empty(lambda: handles_of(gateway), 10, "the registration's handle")
    await asyncio.sleep(SLACK)
    assert alice.client.names(after=mark) == ["ack"]
    # Without a registration it is fine, too.
    await alice.unregister()
    mark = alice.client.now
    await alice.register()
    assert alice.registrations(after=mark) == ["registering", "registered"]


async def test_R02_R04_removing_an_account_ends_its_registration(subscribers, exchange, gateway):
    alice = await subscribers.registered("alice")
    await alice.client.acked("account-remove", account=alice.account)
    await exchange.nothing_registered()
    await until_empty(lambda: handles_of(gateway), 10, "the registration's handle")
    assert await alice.client.refused("account-register", account=alice.account) == (
        f"Unknown account specified: {alice.account}")


async def test_R03_B08_a_closed_socket_ends_the_registration(subscribers, exchange, gateway):
    alice = await subscribers.registered("alice")
    await alice.client.close()
    await exchange.nothing_registered()
    await until_empty(lambda: handles_of(gateway), 10, "the registration's handle")


async def test_R03_one_account_is_registered_from_several_connections_and_several_from_one(subscribers, exchange):
    desk, mobile = await subscribers.registered("alice", 0), await subscribers.registered("alice", 1)
    bela = await subscribers.registered("bela", client=desk.client)
    await exchange.registered("alice", count=2)
    await exchange.registered("bela")
    await mobile.unregister()
    await exchange.registered("alice", count=1)
    assert bela.registrations().count("registered") == 2  # both accounts of that connection


async def test_R03_B35_D22_only_a_registered_account_may_enter_a_room_that_is_for_some(subscribers):
    alice = await subscribers.subscriber("alice")
    join = {"account": alice.account, "uri": MEMBERS_ONLY, "sdp": offer()}
    forbidden = f"{alice.account} is not allowed to join room {MEMBERS_ONLY}"
    assert await alice.client.refused("videoroom-join", session="before", **join) == forbidden
    await alice.register()
    await alice.client.acked("videoroom-join", session="registered", **join)
    await alice.client.event("initial_publishers", "registered")
    await alice.unregister()
    assert await alice.client.refused("videoroom-join", session="after", **join) == forbidden
    # Who is in is in.
    assert not alice.client.events("state", "registered", state="terminated")
    # Another connection's registration is not one's own.
    await alice.register()
    other = await subscribers.subscriber("alice", door=1)
    assert await other.client.refused("videoroom-join", session="other", **join) == forbidden


async def test_R15_R03_B35_D22_only_a_registered_account_is_invited(subscribers):
    host = await (await subscribers.participant("Host", f"verified-{secrets.token_hex(3)}@conference.example.com")).join()
    alice, claims = await subscribers.registered("alice"), await subscribers.subscriber("alice", door=1)
    await host.controlled("invite-participants", {"participants": [alice.account]})
    await alice.client.event("conference_invite")
    await alice.unregister()
    await host.controlled("invite-participants", {"participants": [alice.account]})
    await asyncio.sleep(SLACK)
    assert len(alice.client.events("conference_invite")) == 1
    assert not claims.client.events("conference_invite")


async def test_R05_B35_D22_device_tokens_wait_for_the_registration(subscribers, gateway, folder):
    alice = await subscribers.subscriber("alice")
    token = secrets.token_hex(8)
    await alice.client.acked("account-devicetoken", account=alice.account, new_token=token)
    assert token not in _tokens(gateway, folder, alice)
    await alice.register()
    await eventually(lambda: token in _tokens(gateway, folder, alice), 5, "the token to be kept")
    await alice.client.acked("account-devicetoken", account=alice.account, old_token=token)
    assert token not in _tokens(gateway, folder, alice)


def _tokens(gateway, folder, subscriber):
    state = folder / "state"
    return gateway.registry.tokens(state, subscriber.account) if (state / "device_tokens.sqlite").exists() else []
