"""The name server of the tests works: it says what it was told, for as long as it was told, and can be silent."""

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import pytest
import pytest_asyncio

from harness.nameserver import NameServer


@pytest_asyncio.fixture
async def name_server(folder, request):
    server = NameServer(folder, name=f"dnsmasq-{request.node.name}"[:40])
    await server.start()
    yield server
    await server.stop()


async def ask(server, name, kind, within=5.0):
    """(answers as text, TTLs, code)."""
    question = dns.message.make_query(name, kind)
    answer = await dns.asyncquery.udp(question, server.address, port=server.port, timeout=within)
    found = [(record.to_text(), records.ttl) for records in answer.answer for record in records]
    return sorted(text for text, _ in found), {ttl for _, ttl in found}, answer.rcode()


async def test_it_serves_what_it_was_told(name_server):
    tell = name_server
    await tell.publish(
        tell.naptr("phones.test", 10, 20, "SIP+D2T", "_sip._tcp.phones.test"),
        tell.naptr("phones.test", 20, 20, "SIP+D2U", "_sip._udp.phones.test"),
        tell.srv("_sip._udp.phones.test", "one.phones.test", 5060, priority=1, weight=30),
        tell.srv("_sip._udp.phones.test", "two.phones.test", 5070, priority=2, weight=10),
        tell.host("one.phones.test", "127.0.0.1", "::1"), tell.host("two.phones.test", "127.0.0.2"), ttl=77)
    assert await ask(tell, "phones.test", "NAPTR") == (
        ['10 20 "s" "SIP+D2T" "" _sip._tcp.phones.test.', '20 20 "s" "SIP+D2U" "" _sip._udp.phones.test.'], {77}, 0)
    assert await ask(tell, "_sip._udp.phones.test", "SRV") == (
        ["1 30 5060 one.phones.test.", "2 10 5070 two.phones.test."], {77}, 0)
    assert await ask(tell, "one.phones.test", "A") == (["127.0.0.1"], {77}, 0)
    assert await ask(tell, "one.phones.test", "AAAA") == (["::1"], {77}, 0)
    assert tell.questions("one.phones.test") == [("A", "one.phones.test"), ("AAAA", "one.phones.test")]


async def test_what_was_not_published_does_not_exist(name_server):
    assert await ask(name_server, "nobody.phones.test", "A") == ([], set(), dns.rcode.NXDOMAIN)
    assert await ask(name_server, "elsewhere.example", "A") == ([], set(), dns.rcode.REFUSED)


async def test_records_change_and_it_can_be_silent(name_server):
    await name_server.publish(name_server.host("one.phones.test", "127.0.0.1"), ttl=5)
    await name_server.add(name_server.host("two.phones.test", "127.0.0.2"))
    assert (await ask(name_server, "one.phones.test", "A"))[:2] == (["127.0.0.1"], {5})
    assert (await ask(name_server, "two.phones.test", "A"))[0] == ["127.0.0.2"]
    await name_server.publish(name_server.host("one.phones.test", "127.0.0.3"))
    assert (await ask(name_server, "one.phones.test", "A"))[:2] == (["127.0.0.3"], {0})

    name_server.pause()
    with pytest.raises(dns.exception.Timeout):
        await ask(name_server, "one.phones.test", "A", within=0.3)
    name_server.resume()
    assert (await ask(name_server, "one.phones.test", "A"))[0] == ["127.0.0.3"]
