"""Signing in by a code that is mailed: what the browser that asked for it can do with it, and nobody else."""

import logging
import re

import pytest

from flowpilot_adapters.sql.connection import recorded_round_trips
from flowpilot_core.domain.access.sign_in_code import LASTS, MOST_ASKED, MOST_TRIES
from flowpilot_core.ports.notifications import NotSent
from tests.support.browser import Browser
from tests.support.http import Somebody, World

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

COOKIE = "__Host-flowpilot_sign_in"
NOBODY = "nobody@example.test"


async def _asked(world: World, email: str = "jo@example.test", *, next: str = "/signed-in") -> Browser:
    """A browser that waits for a code."""
    browser = Browser(world.app)
    await browser.open(f"/sign-in/{world.junior.account_id}?next={next}")
    await browser.send(email=email)
    assert (200, f"/sign-in/{world.junior.account_id}/code") == (browser.page.status_code, browser.path)
    return browser


async def _code(world: World) -> str:
    """What the last mail says."""
    await world.relay_runs()
    found = re.search(r"^ {4}(\S{11})$", world.mailbox.messages[-1].text, re.MULTILINE)
    assert found
    return found[1]


async def test_who_types_the_code_is_signed_in_and_goes_where_they_were_going(world: World) -> None:
    browser = await _asked(world, " JO@example.test ", next="/signed-in?from=there")
    code = await _code(world)

    page = await browser.send(code=f" {code.lower().replace('-', ' ')} ")

    assert (200, "/signed-in?from=there", True) == (page.status_code, browser.path, "You are Jo, engineer" in page.text)
    assert ["jo@example.test"] == world.mailbox.recipients
    assert ("Jo", "Sign in to Acme") == (world.mailbox.messages[0].to_name, world.mailbox.messages[0].subject)
    assert None is browser.client.cookies.get("__Host-flowpilot_code")


async def test_what_is_done_by_whoever_typed_a_code_is_on_record_as_theirs_by_a_code(world: World) -> None:
    """A45"""
    browser = await _asked(world)
    await browser.send(code=await _code(world))

    headers = {"x-csrf-token": browser.csrf_token}
    assert 201 == (await browser.client.post("/tokens", json={"name": "x"}, headers=headers)).status_code

    (entry,) = (await world.owner.seen("/audit-log?limit=1"))["items"]
    assert ("token.made", world.junior.by, {"way": "code", "id": None}) == (entry["kind"], entry["by"], entry["way_in"])


async def test_no_script_and_no_other_site_reads_what_the_browser_keeps(world: World) -> None:
    browser = Browser(world.app)
    await browser.open(f"/sign-in/{world.junior.account_id}")

    answer = await browser.client.post(browser.path, data={**browser.hidden, "email": "jo@example.test"})

    (kept,) = [value for value in answer.headers.get_list("set-cookie") if value.startswith("__Host-flowpilot_code=fpc_")]
    assert kept.endswith("; Max-Age=600; Path=/; HttpOnly; SameSite=Lax; Secure")


async def test_a_code_is_worth_nothing_in_another_browser(world: World) -> None:
    """A35: not to whoever reads the mail or looks over a shoulder, nor to who asked for it in the hope that somebody tells it."""
    browser, thief = await _asked(world), await _asked(world, NOBODY)
    code = await _code(world)

    assert 401 == (await thief.send(code=code)).status_code
    assert None is thief.client.cookies.get(COOKIE)
    assert 200 == (await browser.send(code=code)).status_code


async def test_a_code_is_good_once(world: World) -> None:
    browser = await _asked(world)
    kept = browser.client.cookies["__Host-flowpilot_code"]
    await browser.send(code=(code := await _code(world)))
    await browser.client.post("/sign-out", data=browser.hidden)

    browser.client.cookies.set("__Host-flowpilot_code", kept)
    await browser.open(f"/sign-in/{world.junior.account_id}/code")

    assert 401 == (await browser.send(code=code)).status_code


async def test_a_code_is_good_for_ten_minutes(world: World) -> None:
    browser = await _asked(world)
    code = await _code(world)
    world.clock.jump(LASTS)

    assert 401 == (await browser.send(code=code)).status_code


async def test_the_page_says_at_the_field_what_is_wrong_with_it(world: World) -> None:
    """For who hears the page, or sees little of it at once."""
    browser = await _asked(world)
    before = browser.page.text
    wrong = (await browser.send(code="WRONG-WRONG")).text

    assert ("aria-invalid" in before, 'aria-invalid="true" aria-describedby="problem"' in wrong) == (False, True)
    assert '<p class="note" role="alert" id="problem">' in wrong


async def test_a_code_that_was_mistyped_too_often_is_good_no_more(world: World) -> None:
    patient, hasty = await _asked(world), await _asked(world, "sam@example.test")
    await world.relay_runs()
    codes = {message.to: re.findall(r"^ {4}(\S+)$", message.text, re.MULTILINE)[0] for message in world.mailbox.messages}

    for _ in range(MOST_TRIES - 1):
        assert 401 == (await patient.send(code="WRONG-WRONG")).status_code
    for _ in range(MOST_TRIES):
        assert 401 == (await hasty.send(code="WRONG-WRONG")).status_code

    assert 200 == (await patient.send(code=codes["jo@example.test"])).status_code
    assert 401 == (await hasty.send(code=codes["sam@example.test"])).status_code


async def test_whether_an_address_is_anybodys_is_not_told(world: World) -> None:
    """A27: asking is the same answer and the same statements, and so is typing something wrong; nobody is mailed who is not there."""
    answers, work = [], []
    for email in ("jo@example.test", NOBODY, "rita@example.test"):
        browser = Browser(world.app)
        await browser.open(f"/sign-in/{world.junior.account_id}")
        with recorded_round_trips() as trips:
            await browser.send(email=email)
        answers.append(browser.page.text.replace(browser.csrf_token, ""))
        work.append(list(trips))
        await world.relay_runs()
        with recorded_round_trips() as trips:
            await browser.send(code="WRONG-WRONG")
        answers[-1] += browser.page.text.replace(browser.csrf_token, "")
        work[-1] += list(trips)

    assert (1, True) == (len(set(answers)), work[0] == work[1] == work[2])
    assert ["jo@example.test"] == world.mailbox.recipients


async def test_where_there_is_no_account_it_looks_as_if_there_were(world: World) -> None:
    """A27"""
    nowhere, browser = "01998c2e-7a10-7000-8000-000000000001", Browser(world.app)
    await browser.open(f"/sign-in/{nowhere}")

    page = await browser.send(email="jo@example.test")
    await world.relay_runs()

    assert (200, f"/sign-in/{nowhere}/code", []) == (page.status_code, browser.path, world.mailbox.recipients)


async def test_a_code_of_one_account_signs_nobody_in_to_another(world: World) -> None:
    browser = await _asked(world)
    code = await _code(world)
    await browser.open(f"/sign-in/{world.rival.account_id}/code")

    assert 401 == (await browser.send(code=code)).status_code


async def test_nobody_who_was_deactivated_is_mailed_or_signed_in(world: World) -> None:
    async def gone(who: Somebody) -> None:
        await world.flowpilot.accounts.deactivate(who.account_id, who.user.id)

    browser = await _asked(world)
    code = await _code(world)
    await gone(world.junior)
    await gone(world.senior)
    await _asked(world, "sam@example.test")
    await world.relay_runs()

    assert 401 == (await browser.send(code=code)).status_code
    assert ["jo@example.test"] == world.mailbox.recipients


async def test_no_more_than_so_many_mails_an_hour_go_to_one_address(world: World) -> None:
    for _ in range(MOST_ASKED + 2):
        await _asked(world)
        await world.relay_runs()

    assert MOST_ASKED == len(world.mailbox.messages)


async def test_a_mail_that_nobody_is_sure_of_comes_again_and_either_code_is_good(world: World) -> None:
    world.mailbox.script("jo@example.test", NotSent("the line went dead", unknown=True))
    browser = await _asked(world)

    code = await _code(world)

    assert 2 == len({message.message_id for message in world.mailbox.messages}) == len(world.mailbox.messages)
    assert 200 == (await browser.send(code=code)).status_code


async def test_a_mail_server_that_is_down_is_asked_again_and_one_that_refuses_is_not(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A42 too: neither what the server says nor the code is in the log."""
    world.mailbox.script("jo@example.test", NotSent("nobody answers"))
    world.mailbox.script("sam@example.test", NotSent("sam is not here", permanent=True, logged="refused: 550"))
    browser = await _asked(world)
    await _asked(world, "sam@example.test")

    with caplog.at_level(logging.DEBUG, logger="flowpilot"):
        code = await _code(world)

    logged = [vars(record) for record in caplog.records]
    assert {"nobody answers", "refused: 550", None} == {line["problem"] for line in logged if line["msg"] == "sign-in code attempt"}
    assert not [word for word in (code, "sam is not here", "jo@example.test") if word in str(logged)]
    assert ["jo@example.test"] == world.mailbox.recipients
    assert 200 == (await browser.send(code=code)).status_code


async def test_another_site_can_neither_ask_nor_type(world: World) -> None:
    browser = await _asked(world)
    code = await _code(world)

    asked = await browser.client.post(f"/sign-in/{world.junior.account_id}", data={"csrf_token": "x", "email": "jo@example.test"})
    typed = await browser.client.post(browser.path, data={"csrf_token": "x", "code": code})

    assert (403, 403) == (asked.status_code, typed.status_code)


@pytest.mark.parametrize("email", ["x", "jo@example.test\r\nBcc: x@example.test", "jo@" + "x" * 300])
async def test_what_is_no_address_is_refused(world: World, email: str) -> None:
    """A39"""
    browser = Browser(world.app)
    await browser.open(f"/sign-in/{world.junior.account_id}")

    assert 422 == (await browser.send(email=email)).status_code


async def test_who_was_signed_in_with_the_browser_is_signed_out(world: World) -> None:
    browser = await _asked(world)
    await browser.send(code=await _code(world))
    before = browser.client.cookies[COOKIE]

    await browser.send(f"/sign-in/{world.junior.account_id}", email="sam@example.test")
    await browser.send(code=await _code(world))

    assert "You are Sam" in browser.page.text
    assert 401 == (await world.nobody.get("/users/me", headers={"cookie": f"{COOKIE}={before}"})).status_code
