"""The page's telephone: Chromium registers, calls baresip and is called by it."""

import hashlib
import json
import os
from pathlib import Path

import pytest
import pytest_asyncio

from harness.baresip import VOICE
from harness.browser import Browser
from harness.checks import nothing_left
from harness.raw import get
from harness.waiting import eventually

PHONE = "document.querySelector('#phone')"
RINGING = "document.querySelector('#ringing')"
# The loudest note of what the page plays, in Hz.
LOUDEST = """(async () => {
  const context = new AudioContext();
  await context.resume();
  const analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  context.createMediaStreamSource(document.querySelector('#phone .call video').srcObject).connect(analyser);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const loudness = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(loudness);
  const note = loudness.indexOf(Math.max(...loudness)) * context.sampleRate / analyser.fftSize;
  await context.close();
  return note;
})()"""
# What the page says and with what it opens its connections, from now on.
WATCHED = """(() => {
  window.said = [];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (text) { window.said.push(String(text)); return send.call(this, text); };
  window.servers = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration) { super(configuration); window.servers.push(configuration?.iceServers); }
  };
})()"""
# RFC 1321, A.5.
DIGESTS = {
    "": "d41d8cd98f00b204e9800998ecf8427e", "a": "0cc175b9c0f1b6a831c399e269772661",
    "abc": "900150983cd24fb0d6963f7d28e17f72", "message digest": "f96b697d7cb7938d525a2f31aaf161d0",
    "abcdefghijklmnopqrstuvwxyz": "c3fcd3d76192e4007dfb496cca67e13b",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789": "d174ab98d277d9f5a5611c2c9f419d9f",
    "1234567890" * 8: "57edf4a22be3c955ac49da2e2107b67a",
}


@pytest.fixture(scope="module")
def gateway_settings(name_server):
    return {
        "General": {"trust_claimed_accounts": "no"},
        "Worker": {"dns_servers": f"{name_server.address}:{name_server.port}"},
    }


@pytest.fixture(scope="module")
def screenshots(folder):
    """CONTINUO_SCREENSHOTS names a folder that keeps them."""
    screenshots = Path(os.environ.get("CONTINUO_SCREENSHOTS") or folder / "screenshots").resolve()
    screenshots.mkdir(parents=True, exist_ok=True)
    return screenshots


@pytest_asyncio.fixture(scope="module")
async def browser(folder):
    browser = Browser(folder, "anna")
    try:
        await browser.start()
        yield browser
    finally:
        await browser.close()


@pytest_asyncio.fixture
async def page(gateway, exchange, browser):
    """The page with the phone open; all that it did is over when it has been closed."""
    page = await browser.open(gateway.page_url())
    await page.until("window.continuo !== undefined")
    await page.evaluate("document.querySelector('#lobby-phone').click()")
    yield page
    assert not [line for line in page.console if "Uncaught" in line or "Content Security" in line], page.console
    await page.close()
    await nothing_left(gateway)


async def register(page, exchange, user, password=None, behind="null", **more):
    """behind: what is done right before, in JavaScript."""
    fields = {"address": exchange.address_of(user), "password": password or await exchange.add_user(user),
              "displayname": user.capitalize(), **more}
    await page.evaluate(
        f"{behind},Object.entries({json.dumps(fields)}).forEach(([name, value]) => "
        f"{{ {PHONE}.querySelector('.line').elements[name].value = value; }}),"
        f"{PHONE}.querySelector('.line').requestSubmit()")


async def registered(page, exchange, user="anna", **more):
    await register(page, exchange, user, **more)
    await line_is(page, "registered")


async def line_is(page, state):
    await page.until(f"{PHONE}.dataset.line === '{state}'", 30)


async def call_is(page, state):
    await page.until(f"{PHONE}.dataset.call === '{state}'")


async def dial(page, uri):
    await page.evaluate(
        f"{PHONE}.querySelector('.dial').elements.uri.value = {json.dumps(uri)},"
        f"{PHONE}.querySelector('.dial').requestSubmit()")


async def click(page, selector):
    await page.evaluate(f"document.querySelector({json.dumps(selector)}).click()")


async def text(page, selector):
    return await page.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")


async def hears(page, frequency):
    """The page plays that note, and the statistics say so, too."""
    await page.until("window.continuo.phone.stats().then(({ call }) => call.audioEnergy > 0.001)")

    async def heard():
        return abs(await page.evaluate(LOUDEST) - frequency) < 15

    await eventually(heard, 15, f"the page to play {frequency} Hz")


async def test_R03_E02_the_page_registers_and_unregisters(page, exchange, gateway, screenshots):
    await registered(page, exchange)
    await exchange.registered("anna")
    assert "Registered" in await text(page, "#phone .line-state")
    assert await page.evaluate(f"{PHONE}.querySelector('.line').elements.password.value") == ""
    await page.screenshot(screenshots / "phone-registered.png")
    await click(page, "#phone .line-unregister")
    await line_is(page, "off")
    await exchange.nothing_registered()


async def test_R01_R03_the_password_never_leaves_the_page(page, exchange):
    password = await exchange.add_user("anna")
    await page.evaluate(WATCHED)
    await registered(page, exchange)
    said = await page.evaluate("window.said")
    assert said and not [frame for frame in said if password in frame]
    added = [json.loads(frame) for frame in said if "account-add" in frame]
    assert [request["password"] for request in added] == [exchange.ha1("anna")]


async def test_E02_a_wrong_password_is_told_in_plain_words(page, exchange, screenshots):
    await exchange.add_user("anna")
    await register(page, exchange, "anna", password="wrong")
    await line_is(page, "failed")
    assert "does not accept this account or password" in await text(page, "#phone .line-state")
    await page.screenshot(screenshots / "phone-refused.png")
    await registered(page, exchange)


async def test_R03_a_domain_without_telephones_is_told_in_plain_words(page, exchange):
    await register(page, exchange, "anna", address="anna@unknown.phones.test")
    await line_is(page, "failed")
    assert "no telephone service" in await text(page, "#phone .line-state")


async def test_R06_R09_E06_the_page_calls_a_telephone_and_hears_it(page, exchange, phones, screenshots):
    bob = await phones("bob", answers=True)
    await registered(page, exchange)
    await dial(page, bob.user)  # a name alone is one of our own domain
    await call_is(page, "established")
    await hears(page, VOICE)
    await bob.hears_something()
    await page.evaluate(f"{PHONE}.querySelector('.call-keys').open = true")
    await page.until(f"!{PHONE}.querySelector('.keys button').disabled")
    await click(page, "#phone .keys [data-key='5']")
    assert (await bob.told("CALL_DTMF_START"))["param"] == "5"
    await page.screenshot(screenshots / "phone-call.png")

    await click(page, "#phone .call-mute")
    assert await page.evaluate(f"{PHONE}.querySelector('.call-mute').getAttribute('aria-pressed')") == "true"
    assert (await page.evaluate("window.continuo.phone.stats()"))["call"]["muted"]
    await bob.hears_silence()
    await click(page, "#phone .call-mute")
    await bob.hears_something()
    await click(page, "#phone .call-end")
    await call_is(page, "terminated")
    await bob.told("CALL_CLOSED")
    assert await page.evaluate(f"{PHONE}.querySelector('.keys button').disabled")


async def test_E03_R07_E06_a_telephone_calls_the_page_and_is_answered(page, exchange, phones, screenshots):
    bob = await phones("bob")
    await registered(page, exchange)
    await bob.dial("sip:anna@phones.test")
    await page.until(f"{RINGING}.open")
    assert "is calling" in await text(page, "#ringing")
    await page.screenshot(screenshots / "phone-ringing.png")
    await click(page, "#ringing .ringing-answer")
    await call_is(page, "established")
    assert not await page.evaluate(f"{RINGING}.open")
    await bob.told("CALL_ESTABLISHED")
    await hears(page, VOICE)
    await bob.hang_up()
    await call_is(page, "terminated")
    assert await text(page, "#phone .call-state") == "The call has ended."


async def test_R09_E03_the_page_declines(page, exchange, phones):
    bob = await phones("bob")
    await registered(page, exchange)
    await bob.dial("sip:anna@phones.test")
    await page.until(f"{RINGING}.open")
    await click(page, "#ringing .ringing-decline")
    assert (await bob.told("CALL_CLOSED"))["param"].startswith("486")
    await page.until(f"!{RINGING}.open")
    assert await page.evaluate(f"{PHONE}.querySelector('.missed').hidden")


async def test_E04_a_call_that_was_missed_is_listed_and_can_be_called_back(page, exchange, phones, screenshots):
    bob = await phones("bob")
    await registered(page, exchange)
    await bob.dial("sip:anna@phones.test")
    await page.until(f"{RINGING}.open")
    await bob.hang_up()
    await page.until(f"!{RINGING}.open")
    await page.until(f"{PHONE}.querySelectorAll('.missed li').length === 1")
    await page.screenshot(screenshots / "phone-missed.png")
    await click(page, "#phone .missed li button")
    await bob.told("CALL_INCOMING")
    await bob.hang_up()
    await page.until(f"{PHONE}.querySelector('.call-state').textContent === 'Busy.'")
    await click(page, "#phone .missed-clear")
    assert await page.evaluate(f"{PHONE}.querySelector('.missed').hidden")


async def test_E03_a_callers_name_is_text_and_nothing_else(page, exchange, sipp, callers):
    await registered(page, exchange)
    name = "<img src=x onerror=alert(1)>" + "y" * 2000
    caller = sipp("uac_cancel", rows=await callers(1, "anna"), name=name, ringing=1500)
    await caller.start()
    await page.until(f"{RINGING}.open")
    assert "<img src=x" in await text(page, "#ringing .ringing-who")
    assert len(await text(page, "#ringing .ringing-who")) < 120
    assert await page.evaluate("document.querySelectorAll('#ringing img, #phone img').length") == 0
    await caller.succeeds()
    await page.until(f"!{RINGING}.open")


async def test_a_microphone_that_is_refused_is_told_and_nobody_is_called(page, exchange, phones):
    bob = await phones("bob")
    await registered(page, exchange)
    await page.evaluate(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))")
    await dial(page, "bob@phones.test")
    await page.until(f"{PHONE}.querySelector('.dial-message').textContent.startsWith('No microphone: this page may not')")
    assert (await page.evaluate("window.continuo.phone.stats()"))["call"] is None
    # Who is called may still allow it; meanwhile it rings on.
    await bob.dial("sip:anna@phones.test")
    await page.until(f"{RINGING}.open")
    await click(page, "#ringing .ringing-answer")
    await page.until(f"{RINGING}.querySelector('.message').textContent.startsWith('No microphone')")
    assert await page.evaluate(f"{RINGING}.open")
    await click(page, "#ringing .ringing-decline")
    await bob.told("CALL_CLOSED")
    assert not bob.events_of("CALL_INCOMING")


async def test_ice_servers_are_taken_from_a_field_and_remembered_in_the_window_only(page, exchange, phones):
    await register(page, exchange, "anna", ice="http://example.org")
    assert "begins with stun: or turn:" in await text(page, "#phone .line-state")
    await register(page, exchange, "anna", ice="turn:127.0.0.1:9")
    assert "needs a user name and a password" in await text(page, "#phone .line-state")
    await registered(page, exchange, ice="stun:127.0.0.1:9\nturn:127.0.0.1:9 user secret")
    assert await page.evaluate("sessionStorage.getItem('continuo.ice')") == (
        "stun:127.0.0.1:9\nturn:127.0.0.1:9 user secret")
    assert "secret" not in await page.evaluate("JSON.stringify(localStorage)")
    await phones("bob", answers=True)
    await page.evaluate(WATCHED)
    await dial(page, "sip:bob@phones.test")
    await call_is(page, "established")
    await hears(page, VOICE)
    assert await page.evaluate("window.servers") == [[
        {"urls": "stun:127.0.0.1:9"}, {"urls": "turn:127.0.0.1:9", "username": "user", "credential": "secret"}]]


async def test_a_call_goes_on_in_a_room_and_the_room_beside_the_call(page, exchange, phones, screenshots):
    await phones("bob", answers=True)
    await registered(page, exchange)
    await dial(page, "bob@phones.test")
    await call_is(page, "established")
    await page.evaluate("window.continuo.join('Anna', 'beside-a-call')")
    await page.until("document.documentElement.dataset.stage === 'room'")
    await hears(page, VOICE)
    await page.screenshot(screenshots / "phone-in-room.png")
    await page.evaluate("window.continuo.leave()")
    await page.until("document.documentElement.dataset.stage === 'lobby'")
    await hears(page, VOICE)
    await click(page, "#phone .call-end")
    await call_is(page, "terminated")


async def test_R03_another_account_registers_while_the_call_of_the_first_goes_on(page, exchange, phones):
    await phones("bob", answers=True)
    await registered(page, exchange)
    await dial(page, "bob@phones.test")
    await call_is(page, "established")
    await click(page, "#phone .line-unregister")
    await line_is(page, "off")
    await registered(page, exchange, "carol")
    await exchange.registered("carol")
    await hears(page, VOICE)
    await click(page, "#phone .call-end")
    await call_is(page, "terminated")
    assert await page.evaluate(f"{PHONE}.dataset.line") == "registered"
    await dial(page, "bob@phones.test")
    await call_is(page, "established")
    await click(page, "#phone .call-end")


async def test_R03_E02_a_password_can_be_corrected_while_a_call_goes_on(page, exchange, phones):
    await phones("bob", answers=True)
    await registered(page, exchange)
    await dial(page, "bob@phones.test")
    await call_is(page, "established")
    await click(page, "#phone .line-unregister")
    await register(page, exchange, "anna", password="wrong")
    await line_is(page, "failed")
    await registered(page, exchange)
    await hears(page, VOICE)
    await click(page, "#phone .call-end")


async def test_R03_R04_registering_right_behind_unregistering_is_heard(page, exchange):
    await exchange.add_user("carol")
    unregister = f"{PHONE}.querySelector('.line-unregister').click()"
    await registered(page, exchange)
    for user in ("carol", "carol", "anna"):
        await registered(page, exchange, user, behind=unregister)
        await exchange.registered(user)


async def test_E06_a_worker_that_dies_leaves_the_call_of_the_page_alone(page, exchange, phones, gateway):
    await phones("bob", answers=True)
    await registered(page, exchange)
    await dial(page, "bob@phones.test")
    await call_is(page, "established")
    slot = next(row["slot"] for row in gateway.registry.sessions() if row["role"] == "call")
    await gateway.end(gateway.worker_of(slot))
    await gateway.serving()
    await hears(page, VOICE)
    assert await page.evaluate(f"{PHONE}.dataset.call === 'established' && {PHONE}.dataset.line === 'registered'")
    await click(page, "#phone .call-end")
    await call_is(page, "terminated")


async def test_the_page_computes_md5_as_everybody_does(page):
    texts = [*DIGESTS, *("é" * (length % 5) + "x" * length for length in range(0, 200, 3))]
    found = await page.evaluate(f"import('./md5.js').then(({{ md5 }}) => {json.dumps(texts)}.map(md5))")
    assert dict(zip(texts, found)) | DIGESTS == dict(zip(texts, found))
    assert found == [hashlib.md5(one.encode(), usedforsecurity=False).hexdigest() for one in texts]


async def test_everything_of_the_phone_has_a_name_for_screen_readers(page):
    nameless = await page.evaluate("""[...document.querySelectorAll('#phone button, #phone input, #phone textarea, #ringing button')]
        .filter((element) => !(element.getAttribute('aria-label') || element.labels?.length || element.textContent.trim()))
        .map((element) => element.outerHTML)""")
    assert nameless == []
    assert await page.evaluate("document.querySelector('#lobby-phone').getAttribute('aria-expanded')") == "true"
    await page.evaluate(f"{PHONE}.dispatchEvent(new KeyboardEvent('keydown', {{ key: 'Escape', bubbles: true }}))")
    assert await page.evaluate(f"{PHONE}.hidden && document.activeElement.id === 'lobby-phone'")


async def test_the_policy_of_the_page_is_as_strict_as_before(gateway):
    policy = (await get(gateway.ports[0], "/webrtcgateway/")).headers["content-security-policy"]
    assert policy == "default-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'"
