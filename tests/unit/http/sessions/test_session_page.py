"""The page of a session, worked on by plain forms."""

import re
from html import unescape
from typing import Any

import httpx
import pytest
from attrs import frozen

from tests.support.browser import Browser
from tests.support.http import Somebody, World
from tests.support.pictures import a_picture

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")


@frozen
class Desk:
    """Somebody's browser at a session."""

    browser: Browser
    who: Somebody
    session_id: str

    @classmethod
    async def of(cls, world: World, who: Somebody, session_id: str) -> "Desk":
        browser = Browser(world.app)
        await browser.open(f"/sign-in-link/{await world.flowpilot.signing_in.link(who.account_id, who.user.id)}")
        await browser.send()
        await browser.open(f"/sessions/{session_id}")
        return cls(browser, who, session_id)

    @property
    def text(self) -> str:
        return unescape(self.browser.page.text.partition("<main")[2].partition("</main>")[0])

    @property
    def buttons(self) -> set[str]:
        return {re.sub(r"\s*<.*", "", found, flags=re.S).strip() for found in re.findall(r"<button[^>]*>(.*?)</button>", self.text, re.S)}

    @property
    def once(self) -> str:
        """What tells the page from others."""
        return self.browser.hidden["once"]

    async def does(self, move: str, *, once: str | None = None, **fields: str) -> httpx.Response:
        data = {"csrf_token": self.browser.csrf_token, "once": once or self.once, "move": move, **fields}
        self.browser.page = await self.browser.client.post(f"/sessions/{self.session_id}", data=data, follow_redirects=True)
        return self.browser.page

    async def uploads(self, content: bytes, **fields: str) -> httpx.Response:
        """The form with a file."""
        data = {"csrf_token": self.browser.csrf_token, "once": self.once, **fields}
        path = f"/sessions/{self.session_id}/pictures"
        answer = await self.browser.client.post(path, data=data, files={"picture": ("x.png", content, "image/png")}, follow_redirects=True)
        if answer.is_success:
            self.browser.page = answer
        return answer

    async def opens(self, query: str) -> None:
        await self.browser.open(f"/sessions/{self.session_id}?{query}")

    async def session(self) -> Any:
        return await self.who.seen(f"/ai-sessions/{self.session_id}")


@pytest.fixture
async def desk(world: World) -> Desk:
    return await Desk.of(world, world.junior, (await world.junior.session(ticket={"system": "memory", "id": "1001"}))["id"])


async def test_an_investigation_is_worked_through_by_forms_alone(desk: Desk) -> None:
    await desk.does("step", content="What changed?\r\nAnd when?", kind="question")
    (step,) = (await desk.session())["steps"]
    await desk.does("result", step=f"{step['id']} worked")
    await desk.does("rate", step=f"{step['id']} good")
    pairs = {"label_1": "Driver", "hypothesis_1": "The update broke it", "label_2": "Port", "hypothesis_2": "It is in the wrong VLAN"}
    await desk.does("fork", step=step["id"], reason="Two things changed", **pairs, label_3="", hypothesis_3="")
    root, driver, port = (await desk.session())["branches"]
    await desk.does("close", branch=driver["id"], outcome="dead_end", reason="It is the newest")
    await desk.does("branch", branch=root["id"])
    await desk.does("resolve", summary="Moved the port", root_cause="A swapped cable", version=str((await desk.session())["version"]))

    session = await desk.session()
    assert ("What changed?\nAnd when?", "question", "worked") == tuple(session["steps"][0][name] for name in ("content", "kind", "result"))
    assert ["open", "dead_end", "open"] == [branch["state"] for branch in session["branches"]]
    assert (root["id"], "resolved", "Moved the port") == (session["active_branch_id"], session["status"], session["resolution"]["summary"])
    assert port["label"] in desk.text
    assert "Solved:</b> Moved the port" in desk.browser.page.text


async def test_a_form_that_is_sent_twice_is_done_once(desk: Desk) -> None:
    once = desk.once

    for _ in range(2):
        assert 200 == (await desk.does("step", once=once, content="Restarted it", kind="action")).status_code
    await desk.does("step", once=once, content="Restarted it again", kind="action")

    assert ["Restarted it", "Restarted it again"] == [step["content"] for step in (await desk.session())["steps"]]


async def test_what_is_refused_says_why_and_keeps_what_was_typed(desk: Desk) -> None:
    await desk.does("step", content="Looked at it", kind="note")
    (step,) = (await desk.session())["steps"]
    refused = await desk.does("fork", step=step["id"], reason="Two things changed", label_1="Only one", hypothesis_1="Of two")

    assert 422 == refused.status_code
    assert "options needs 2 to 8 options, not 1." in desk.text
    assert 'value="Only one"' in desk.text
    assert ">Two things changed</textarea>" in desk.text


async def test_before_escalating_one_sees_who_would_be_told(world: World, desk: Desk) -> None:
    await desk.opens("do=escalate")

    assert "Who would be told" in desk.text
    assert f"<li>{world.senior.user.name} by e-mail" in desk.text
    await desk.does("escalate", reason="No rights on the switch", priority="urgent", user=world.senior.id)
    (handoff,) = (await desk.session())["handoffs"]
    assert ("escalate", "urgent", world.senior.id) == (handoff["intent"], handoff["priority"], handoff["user_id"])
    assert "It waits for a colleague" in desk.text
    assert "Add step" not in desk.buttons


async def test_a_parked_one_is_resumed_and_reminds_by_its_parkers_clock(desk: Desk) -> None:
    hours = {"time_zone": "Europe/Berlin", "weekly": []}
    preferences = await desk.who.seen("/notification-preferences")
    await desk.who.client.put("/notification-preferences", json={**preferences, "working_hours": hours})

    await desk.does("park", reason="The disk comes tomorrow", wake_at="2027-03-02T09:00")

    (park,) = (await desk.session())["handoffs"]
    zone = await desk.who.seen("/notification-preferences")
    assert park["wake_at"] in ("2027-03-02T08:00:00Z", "2027-03-02T09:00:00Z"), zone
    assert {"Resume", "Reassign"} <= desk.buttons
    await desk.does("resume")
    assert "active" == (await desk.session())["status"]


async def test_a_helper_has_the_results_of_their_own_steps_alone(world: World, desk: Desk) -> None:
    await desk.does("step", content="Jo looked", kind="action")
    sam = await Desk.of(world, world.senior, desk.session_id)
    offered = sam.buttons

    await sam.does("join")
    await sam.does("step", content="Sam looked", kind="action")

    steps = {step["content"]: step["id"] for step in (await desk.session())["steps"]}
    assert {"Join", "Good step", "Bad step"} <= offered
    assert "Add step" not in offered
    assert f'value="{steps["Sam looked"]} worked"' in sam.text
    assert f'value="{steps["Jo looked"]} worked"' not in sam.text
    assert 403 == (await sam.does("result", step=f"{steps['Jo looked']} worked")).status_code


async def test_a_viewer_reads_and_is_offered_nothing(world: World, desk: Desk) -> None:
    await desk.does("step", content="Looked", kind="action")

    vera = await Desk.of(world, world.viewer, desk.session_id)

    assert "Looked" in vera.text
    assert set() == vera.buttons - {"root"}
    assert 403 == (await vera.does("step", content="x", kind="note")).status_code


async def test_an_output_is_made_edited_approved_and_not_overwritten(world: World, desk: Desk) -> None:
    await desk.does("step", content="Moved the port", kind="action")
    await desk.does("resolve", summary="Moved the port")
    await desk.does("make", kind="psa_note")
    (output,) = (await desk.who.seen(f"/ai-sessions/{desk.session_id}/outputs"))["items"]
    path = f"/ai-sessions/{desk.session_id}/outputs/{output['id']}"
    await desk.opens(f"do=edit-{output['id']}")
    await world.senior.patch(path, {"body": "Somebody was quicker"})

    stale = await desk.does("save", output=output["id"], version="1", body="What I typed")

    assert 412 == stale.status_code
    assert "Somebody was quicker" in desk.text
    assert "What I typed</textarea>" in desk.text
    await desk.does("save", output=output["id"], version="2", body="What I typed")
    await desk.does("approve", output=output["id"], version="3")
    shown = await desk.who.seen(path)
    assert ("approved", "What I typed") == (shown["state"], shown["body"])
    assert {"Edit", "Post to ticket"} <= desk.buttons


async def test_a_suggestion_is_accepted_and_becomes_a_step(desk: Desk) -> None:
    await desk.does("step", content="What changed?", kind="question")
    (step,) = (await desk.session())["steps"]
    pairs = {
        "label_1": "Uplink",
        "hypothesis_1": "The port of the new switch flaps",
        "label_2": "Idle",
        "hypothesis_2": "It is the gateway",
    }
    await desk.does("fork", step=step["id"], reason="Two things changed", **pairs)
    await desk.does("step", content="Port 14 went down six times in an hour", kind="observation")
    await desk.does("suggest")
    proposed = re.search(r'name="suggestion" value="([^"]+)"', desk.text)

    assert proposed
    await desk.does("accept", suggestion=proposed[1])
    assert 3 == len((await desk.session())["steps"])


async def test_a_session_begins_on_a_page_that_says_what_is_not_right(world: World, desk: Desk) -> None:
    browser = desk.browser
    await browser.open("/sessions/new")
    await browser.send(title="", problem="Nobody can print", client="Contoso", number="48213", system="")
    refused = browser.page.status_code, browser.page.text
    await browser.send(title="No paper", problem="Nobody can print", client="Contoso", number="48213", system="halopsa", priority="high")

    assert 422 == refused[0]
    assert 'aria-invalid="true"' in refused[1]
    assert ">Nobody can print</textarea>" in refused[1]
    assert browser.path.startswith("/sessions/")
    assert "HaloPSA 48213" in browser.page.text


async def test_what_is_mine_stands_by_what_it_waits_for(world: World, desk: Desk) -> None:
    for title, move in (("Rests", {"intent": "park", "reason": "x"}), ("Asks", {"intent": "escalate", "reason": "x"})):
        session = await world.junior.session(title=title)
        await world.junior.made(f"/ai-sessions/{session['id']}/handoff", move)
    done = await world.junior.session(title="Done")
    await world.junior.made(f"/ai-sessions/{done['id']}/resolve", {"summary": "It was the cable"})

    await desk.browser.open("/work")
    mine = desk.text
    await desk.browser.open("/sessions?status=resolved")

    lists = re.findall(r"<h2[^>]*>(.*?)</h2>", mine)
    assert ["Active", "Parked", "Waiting for a colleague", "Lately resolved"] == lists
    assert "It was the cable" in mine
    assert ["Done"] == re.findall(r"<h2[^>]*><a[^>]*>(.*?)</a>", desk.text)


async def test_a_session_is_as_urgent_as_its_escalation_says_while_there_is_one(world: World, desk: Desk) -> None:
    asked = await world.junior.made(f"/ai-sessions/{desk.session_id}/handoff", {"intent": "escalate", "reason": "x", "priority": "urgent"})
    ben = await Desk.of(world, world.senior, desk.session_id)

    async def shown(who: Desk, path: str) -> list[str]:
        await who.browser.open(path)
        return re.findall(r'<span class="badge priority ([a-z]+)"', who.text)

    pages = ("/work", "/sessions", f"/sessions/{desk.session_id}")
    assert [["urgent"]] * 3 == [await shown(desk, path) for path in pages]
    await world.senior.made(f"/handoffs/{asked['id']}/claim")
    assert [["urgent"]] * 3 == [await shown(ben, path) for path in pages]
    await world.senior.made(f"/ai-sessions/{desk.session_id}/resolve", {"summary": "Done"})
    assert ["normal"] == await shown(ben, f"/sessions/{desk.session_id}")


async def test_who_only_reads_begins_at_the_sessions(world: World, desk: Desk) -> None:
    vera = await Desk.of(world, world.viewer, desk.session_id)

    await vera.browser.open("/")
    begins = vera.browser.path
    refused = await vera.browser.open("/sessions/new")

    assert "/work" == begins
    assert (403, True) == (refused.status_code, "As viewer you may not start a session." in refused.text)


async def test_a_picture_is_added_by_a_plain_form_once_and_shown_at_its_step(desk: Desk) -> None:
    await desk.does("step", content="Took a picture of it", kind="observation")
    (step,) = (await desk.session())["steps"]
    once = desk.once

    for _ in range(2):
        await desk.uploads(a_picture(size=(800, 100)), step=step["id"], alt="The <error>", once=once)

    (picture,) = (await desk.session())["steps"][0]["pictures"]
    whole = f"/ai-sessions/{desk.session_id}/steps/{step['id']}/pictures/{picture['id']}"
    assert f'<a href="{whole}"><img src="{whole}?width=640" alt="The <error>" width="320" height="40" loading="lazy"></a>' in desk.text


async def test_a_file_that_is_no_picture_is_refused_on_the_page(desk: Desk) -> None:
    await desk.does("step", content="Took a picture of it", kind="observation")
    (step,) = (await desk.session())["steps"]

    refused = [await desk.uploads(content, step=step["id"]) for content in (b"", b"x", a_picture()[:-9], bytes(5 * 1024 * 1024))]
    forged = await desk.uploads(a_picture(), step=step["id"], csrf_token="x")

    assert [422, 422, 422, 413, 403] == [answer.status_code for answer in (*refused, forged)]
    assert "This picture cannot be kept: its file is cut." in unescape(refused[2].text)
    assert [] == (await desk.session())["steps"][0]["pictures"]


async def test_who_may_add_no_picture_is_offered_none(desk: Desk, world: World) -> None:
    await desk.does("step", content="Jo looked", kind="action")
    (step,) = (await desk.session())["steps"]
    sam, vera = [await Desk.of(world, who, desk.session_id) for who in (world.senior, world.viewer)]

    assert ["Upload" in one.buttons for one in (desk, sam, vera)] == [True, False, False]
    assert 403 == (await sam.uploads(a_picture(), step=step["id"])).status_code
