"""Ways to a domain that are not the first: the next server when one is not there, and a proxy that is told instead of looked up."""

import pytest
import pytest_asyncio

from harness.baresip import VOICE
from harness.media import TONE
from harness.nameserver import NameServer

NOBODY = 9  # the port of a server that is not there
ROUTES = ["the next server", "the outbound proxy, over TCP"]


@pytest_asyncio.fixture(scope="module")
async def name_server(folder, kamailio):
    """The domain's first server is not there."""
    server = NameServer(folder, kamailio.domain)
    await server.publish(
        server.srv(f"_sip._udp.{kamailio.domain}", f"proxy.{kamailio.domain}", NOBODY, priority=1),
        server.srv(f"_sip._udp.{kamailio.domain}", f"proxy.{kamailio.domain}", kamailio.port, priority=2),
        server.host(f"proxy.{kamailio.domain}", kamailio.address), ttl=60)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(scope="module", params=ROUTES)
def route(request):
    return request.param


@pytest.fixture(scope="module")
def gateway_settings(route, kamailio, name_server):
    worker = {"dns_servers": f"{name_server.address}:{name_server.port}"}
    if route == ROUTES[0]:
        return {"Worker": worker}
    name_server.pause()  # nobody is to ask it
    return {"General": {"outbound_sip_proxy": f"{kamailio.address}:{kamailio.port};transport=tcp"}, "Worker": worker}


async def test_R03_R06_R07_B29_a_client_registers_calls_and_is_called(route, subscribers, phones, exchange):
    alice, bob = await subscribers.registered("alice"), await phones("bob", answers=True)
    assert alice.registrations() == ["registering", "registered"]
    contacts = await exchange.contacts("alice")
    assert len(contacts) == 1 and ("transport=tcp" in contacts[0]) == (route == ROUTES[1]), contacts

    before = await exchange.dialled(alice.user)
    call = await alice.dial(bob.account)
    await call.connects()
    await call.hears(VOICE)
    await bob.hears(TONE)
    await call.terminate()
    await call.ends("200")
    assert call.states == ["progress", "accepted", "established", "terminated"]
    dialled = await exchange.dialled(alice.user)
    assert [dialled[one] for one in dialled.keys() - before.keys()] == [1]

    carol = await phones("carol")
    await carol.dial(f"sip:{alice.account}")
    call = await alice.rings()
    await call.answer()
    await call.hears(VOICE)
    await carol.hang_up()
    await call.ends("200")
