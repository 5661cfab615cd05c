"""What a newcomer sees: two Chromium browsers meet on the real page."""

import os
from pathlib import Path
from urllib.parse import urlencode

import pytest
import pytest_asyncio

from harness.browser import Browser
from harness.checks import nothing_left
from harness.waiting import eventually, until_empty

IN_ROOM = "document.documentElement.dataset.stage === 'room'"
IN_LOBBY = "document.documentElement.dataset.stage === 'lobby'"


@pytest.fixture(scope="module")
def gateway_settings():
    return {"closed@conference.example.com": {"access_policy": "deny,allow", "deny": "all", "allow": "none"}}


@pytest.fixture(scope="module")
def screenshots(folder):
    """CONTINUO_SCREENSHOTS names a folder that keeps them."""
    screenshots = Path(os.environ.get("CONTINUO_SCREENSHOTS") or folder / "screenshots").resolve()
    screenshots.mkdir(parents=True, exist_ok=True)
    return screenshots


@pytest_asyncio.fixture(scope="module")
async def browsers(folder):
    """Two of them, with profiles of their own, as on two computers."""
    browsers = [Browser(folder, "anna"), Browser(folder, "bela")]
    try:
        for browser in browsers:
            await browser.start()
        yield browsers
    finally:
        for browser in browsers:
            await browser.close()


@pytest_asyncio.fixture
async def pages(gateway, browsers):
    """Opens the page with URL parameters; all pages are gone at the end of the test, and what they did, too."""
    opened = []

    async def open_page(number, **parameters):
        page = await browsers[number].open(f"{gateway.page_url(door=number)}?{urlencode(parameters)}")
        opened.append(page)
        return page

    yield open_page
    for page in opened:
        await page.close()
    await nothing_left(gateway)


async def meeting(pages, room):
    anna = await pages(0, name="Anna", room=room, join="yes")
    await anna.until(IN_ROOM)
    bela = await pages(1, name="Béla", room=room, join="yes")
    await bela.until(IN_ROOM)
    return anna, bela


async def only_tile(page):
    """The tile of the other one, once its picture moves."""
    async def moving():
        tiles = (await page.stats())["tiles"]
        return len(tiles) == 1 and tiles[0]["framesDecoded"] > 0 and tiles[0]["state"] == "live" and tiles[0]

    return await eventually(moving, 20, "the other one's picture")


async def test_two_browsers_see_and_hear_each_other(pages, screenshots):
    anna, bela = await meeting(pages, "browsers")
    for page, name in ((anna, "Béla"), (bela, "Anna")):
        before = await only_tile(page)
        assert before["name"] == name

        async def grown():
            tile = await only_tile(page)
            return (tile["framesDecoded"] >= before["framesDecoded"] + 20
                    and tile["audioPackets"] >= before["audioPackets"] + 50 and tile)

        after = await eventually(grown, 20, f"20 more frames of {name}, and 50 more audio packets")
        assert after["width"] > 0 and after["height"] > 0
    await anna.screenshot(screenshots / "conference-anna.png")
    await bela.screenshot(screenshots / "conference-bela.png")
    for page in (anna, bela):
        assert not [line for line in page.console if "Uncaught" in line], page.console


async def test_names_stand_on_the_tiles(pages):
    anna, bela = await meeting(pages, "names")
    name = "document.querySelector('.tile:not(.tile-self) .tile-name')?.textContent"
    await anna.until(f"{name} === 'Béla'")
    await bela.until(f"{name} === 'Anna'")


async def test_who_leaves_goes_from_the_others_grid_and_the_last_one_closes_the_room(pages, gateway, screenshots):
    anna, bela = await meeting(pages, "leaving")
    await only_tile(anna)
    await bela.evaluate("document.querySelector('#leave').click()")
    await bela.until(IN_LOBBY)

    async def tiles():
        return (await anna.stats())["tiles"]

    await until_empty(tiles, 10, "the tile of who has left")
    await anna.screenshot(screenshots / "alone.png")
    await anna.evaluate("document.querySelector('#leave').click()")
    await anna.until(IN_LOBBY)
    await nothing_left(gateway)


async def test_E13_everybody_sees_who_is_in_the_spotlight(pages, screenshots):
    anna, bela = await meeting(pages, "spotlight")
    await only_tile(anna)
    await only_tile(bela)

    async def spotlit(page, who, is_active):
        await page.until(f"window.continuo.stats().then(({{ self, tiles }}) => ({who}).active === {is_active})")

    await bela.evaluate("document.querySelector('.tile:not(.tile-self) .tile-spotlight').click()")
    await spotlit(bela, "tiles[0]", "true")
    await spotlit(anna, "self", "true")
    await bela.screenshot(screenshots / "spotlight.png")
    await anna.evaluate("document.querySelector('.tile-self .tile-spotlight').click()")
    await spotlit(anna, "self", "false")
    await spotlit(bela, "tiles[0]", "false")


async def test_a_closed_window_has_left(pages, gateway):
    anna, bela = await meeting(pages, "closing")
    await only_tile(anna)
    await bela.close()

    async def tiles():
        return (await anna.stats())["tiles"]

    await until_empty(tiles, 10, "the tile of who closed the window")


async def test_a_refusal_is_told_in_plain_words(pages, screenshots):
    page = await pages(0, name="Anna", room="closed@conference.example.com")
    await page.until("window.continuo !== undefined")
    await page.evaluate("document.querySelector('#join').click()")
    await page.until("document.querySelector('#lobby-message').textContent.includes('does not let you in')")
    assert await page.evaluate(IN_LOBBY)
    await page.screenshot(screenshots / "refused.png")


async def test_R15_E05_who_is_invited_is_asked_and_follows(pages, screenshots):
    anna = await pages(0, name="Anna", room="invites", join="yes")
    await anna.until(IN_ROOM)
    bela = await pages(1, name="Béla", account="bela@example.org")
    await bela.until("window.continuo !== undefined")
    await anna.evaluate("document.querySelector('#invite').click()")
    await anna.until("document.querySelector('#invite-dialog').open")
    # Béla is connected as soon as his page is there; until then an invitation rings nowhere.
    shown = "document.querySelector('#incoming').open"

    async def rings():
        await anna.evaluate(
            "document.querySelector('#invitee').value = 'bela@example.org',"
            "document.querySelector('#invite-dialog form').requestSubmit()")
        await anna.until("document.querySelector('#invite-dialog .message').textContent.includes('is invited')")
        return await bela.evaluate(shown)

    await eventually(rings, 15, "the invitation")
    await anna.screenshot(screenshots / "inviting.png")
    await bela.screenshot(screenshots / "invited.png")
    text = await bela.evaluate("document.querySelector('#incoming').textContent")
    assert "Anna invites you to the room invites." in text
    await bela.evaluate("document.querySelector('#incoming .incoming-decline').click()")
    await bela.until(f"!{shown}")
    assert await bela.evaluate(IN_LOBBY)
    await eventually(rings, 15, "another invitation")
    await bela.evaluate("document.querySelector('#incoming .incoming-join').click()")
    await bela.until(IN_ROOM)
    await anna.evaluate("document.querySelector('#invite-dialog .dialog-cancel').click()")
    for page in (anna, bela):
        await only_tile(page)
        assert not [line for line in page.console if "Uncaught" in line], page.console


async def test_an_address_that_is_none_is_refused_in_plain_words(pages):
    anna = await pages(0, name="Anna", room="invites-nobody", join="yes")
    await anna.until(IN_ROOM)
    await anna.evaluate(
        "document.querySelector('#invite').click(), document.querySelector('#invitee').value = 'nobody',"
        "document.querySelector('#invite-dialog form').requestSubmit()")
    await anna.until("document.querySelector('#invite-dialog .message').textContent.includes('not an address')")
