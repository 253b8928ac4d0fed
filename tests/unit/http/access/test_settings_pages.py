"""The pages under `/settings`: what each role is offered, and what their forms do."""

import re
from html import unescape

import pytest

from flowpilot_http.pages.settings import PLACES
from tests.support.browser import Browser
from tests.support.http import Somebody, World

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

EVERYBODYS = {"profile", "tokens", "people", "teams", "account"}
ALL = {name for name, _, _ in PLACES}


async def signed_in(world: World, who: Somebody) -> Browser:
    browser = Browser(world.app)
    await browser.open(f"/sign-in-link/{await world.flowpilot.signing_in.link(who.account_id, who.user.id)}")
    await browser.send()
    return browser


async def does(browser: Browser, name: str, move: str, /, **fields: str | list[str]) -> None:
    """Open a settings page, and press a button of it."""
    page = await browser.open(f"/settings/{name}")
    assert 200 == page.status_code, page.text
    data = {"csrf_token": browser.csrf_token, "once": browser.hidden["once"], "move": move, **fields}
    browser.page = await browser.client.post(f"/settings/{name}", data=data, follow_redirects=True)


@pytest.mark.parametrize(("who", "offered"), [("owner", ALL), ("admin", ALL - {"sign-in"}), ("senior", EVERYBODYS), ("viewer", EVERYBODYS)])
async def test_each_is_offered_the_settings_of_their_role(world: World, who: str, offered: set[str]) -> None:
    browser = await signed_in(world, getattr(world, who))
    await browser.open("/settings")
    found = set(re.findall(r'href="/settings/([a-z-]+)"', browser.page.text))
    opened = {name: (await browser.open(f"/settings/{name}")).status_code for name in ALL}

    assert offered == found
    assert {name: 200 if name in offered else 403 for name in ALL} == opened


async def test_a_page_that_is_not_found_or_not_theirs_has_the_accounts_name_and_how_many_wait(world: World) -> None:
    browser = await signed_in(world, world.senior)
    session = await world.junior.session()
    await world.junior.made(f"/ai-sessions/{session['id']}/handoff", {"intent": "escalate", "reason": "Stuck"})
    account = (await world.senior.seen("/account"))["name"]

    for path, status in (("/sessions/nonsense", 404), ("/settings/branding", 403)):
        page = await browser.open(path)
        assert status == page.status_code
        assert f"<p>{account}</p>" in page.text
        assert '<span class="count" id="waiting">1</span>' in page.text


async def test_every_settings_page_says_so_in_its_heading(world: World) -> None:
    browser = await signed_in(world, world.owner)

    for name, title, _ in PLACES:
        await browser.open(f"/settings/{name}")
        assert f"<h1>Settings: {title}</h1>" in browser.page.text


async def test_people_are_invited_promoted_and_let_go(world: World) -> None:
    browser = await signed_in(world, world.owner)
    (team,) = (await world.owner.seen("/teams"))["items"]

    await does(browser, "people", "invite", email="new@example.test", name="Nora", role="engineer", teams=[team["id"]])
    await does(browser, "people", "change", user=world.junior.id, role="admin")
    await does(browser, "people", "deactivate", user=world.senior.id)

    users = {user["name"]: user for user in (await world.owner.seen("/users"))["items"]}
    assert ("invited", [team["id"]]) == (users["Nora"]["state"], users["Nora"]["team_ids"])
    assert "admin" == users["Jo"]["role"]
    assert "deactivated" == users["Sam"]["state"]


async def test_an_account_keeps_an_owner_and_the_page_says_so(world: World) -> None:
    browser = await signed_in(world, world.owner)

    await does(browser, "people", "change", user=world.owner.id, role="viewer")

    assert 409 == browser.page.status_code
    assert "This is the only account owner." in browser.page.text


async def test_teams_are_made_and_changed(world: World) -> None:
    browser = await signed_in(world, world.admin)
    await does(browser, "teams", "make", name="Desk", members=[world.junior.id, world.senior.id])
    team = next(one for one in (await world.admin.seen("/teams"))["items"] if one["name"] == "Desk")

    await does(browser, "teams", "change", team=team["id"], name="Service desk", members=[world.junior.id])
    await does(browser, "teams", "archive", team=team["id"])

    assert sorted([world.junior.id, world.senior.id]) == team["member_ids"]
    changed = await world.admin.seen(f"/teams/{team['id']}")
    assert ("Service desk", [world.junior.id], True) == (changed["name"], changed["member_ids"], changed["archived_at"] is not None)


async def test_a_token_is_shown_once_and_revoked(world: World) -> None:
    browser = await signed_in(world, world.junior)
    await does(browser, "tokens", "make", name="Script", scope="read", days="30")
    text = re.search(r"<pre[^>]*>(\S+)</pre>", browser.page.text)
    assert text
    works = await world.nobody.get("/users/me", headers={"authorization": f"Bearer {text[1]}"})
    token = next(one for one in (await world.junior.seen("/tokens"))["items"] if one["name"] == "Script")
    again = await browser.open("/settings/tokens")

    await does(browser, "tokens", "revoke", token=token["id"])

    assert (200, "read") == (works.status_code, token["scope"])
    assert text[1] not in again.text
    ended = next(one for one in (await world.junior.seen("/tokens"))["items"] if one["id"] == token["id"])
    assert ended["revoked_at"]


async def test_one_says_when_one_works_and_how_one_is_told(world: World) -> None:
    browser = await signed_in(world, world.senior)
    said: dict[str, str | list[str]] = {
        "time_zone": "Europe/Vienna",
        "on_monday": "09:00-12:00, 13:00-17:00",
        "other_days": "2027-12-25\n2027-12-24 09:00-12:00",
        "quiet_from": "22:00",
        "quiet_to": "06:00",
        "mail_after": "10",
        "escalated": ["email", "push"],
        "debrief": ["push"],
    }

    await does(browser, "profile", "prefer", **said)

    told = await world.senior.seen("/notification-preferences")
    assert ("Europe/Vienna", 600) == (told["time_zone"], told["mail_after_seconds"])
    assert [("monday", "09:00", "12:00"), ("monday", "13:00", "17:00")] == [
        (shift["day"], shift["start"], shift["end"]) for shift in told["working_hours"]
    ]
    assert {"2027-12-24": 1, "2027-12-25": 0} == {day["date"]: len(day["hours"]) for day in told["other_days"]}
    assert (["push"], []) == (told["channels"]["debrief"], told["channels"]["reminder"])
    assert 'value="09:00-12:00, 13:00-17:00"' in browser.page.text


async def test_hours_that_are_none_are_refused_and_stay_in_the_box(world: World) -> None:
    browser = await signed_in(world, world.senior)

    await does(browser, "profile", "prefer", on_monday="nine to five", time_zone="UTC")

    assert 422 == browser.page.status_code
    assert "on_monday must be hours such as 09:00-12:00, 13:00-17:00." in browser.page.text
    assert 'value="nine to five"' in browser.page.text


async def test_an_admin_sees_what_a_policy_does_before_it_is_kept(world: World) -> None:
    browser = await signed_in(world, world.admin)
    policy: dict[str, str | list[str]] = {
        "after_1": "15",
        "whom_1": [f"person {world.owner.id}", "role admin"],
        "channels_1": ["email"],
        "due_urgent": "30",
        "quiet": "45",
    }

    await does(browser, "policy", "preview", **policy, priority="urgent")
    seen = unescape(browser.page.text)
    before = await world.admin.seen("/escalation-policy")
    await does(browser, "policy", "set", **policy)

    kept = await world.admin.seen("/escalation-policy")
    assert f"<li>{world.owner.user.name} by e-mail" in seen
    assert [] == before["steps"]
    assert (900, {"person", "role"}) == (kept["steps"][0]["after_seconds"], {one["kind"] for one in kept["steps"][0]["whom"]})
    assert (1800, 45) == (kept["due_seconds"]["urgent"], kept["claim_quiet_minutes"])


async def test_webhooks_providers_and_connections_say_what_is_wrong(world: World) -> None:
    browser = await signed_in(world, world.admin)
    await does(browser, "webhooks", "add", name="Chat", url="https://hooks.example/x", kinds=["handoff.escalated"])
    secret = browser.page.text
    (webhook,) = (await world.admin.seen("/webhooks"))["items"]
    await does(browser, "webhooks", "off", webhook=webhook["id"])
    off = (await world.admin.seen("/webhooks"))["items"][0]["on"]
    await does(browser, "connections", "connect", system="nobody", name="Desk", base_url="https://psa.example")
    refused = browser.page.status_code

    assert "Copy it now: it is shown this once." in secret
    assert (False, 422) == (off, refused)


async def test_the_account_is_changed_and_the_log_says_by_whom(world: World) -> None:
    browser = await signed_in(world, world.owner)

    await does(browser, "account", "change", redacts_personal="true", mails_a_minute="5", time_zone="Europe/Vienna")
    await browser.open("/settings/audit-log")

    account = await world.owner.seen("/account")
    assert (True, 5, "Europe/Vienna") == (account["redacts_personal"], account["mails_a_minute"], account["time_zone"])
    assert f"<td>{world.owner.user.name}</td><td>account.changed</td>" in browser.page.text


async def test_who_was_slower_with_the_account_reads_what_is_there_now_and_keeps_what_they_chose(world: World) -> None:
    owner, admin = await signed_in(world, world.owner), await signed_in(world, world.admin)
    await owner.open("/settings/account")
    slower = {"csrf_token": owner.csrf_token, "once": owner.hidden["once"], "shown": owner.hidden["shown"], "move": "change"}
    await admin.open("/settings/account")
    await does(admin, "account", "change", shown=admin.hidden["shown"], redacts_personal="true", mails_a_minute="5")

    page = await owner.client.post("/settings/account", data={**slower, "mails_a_minute": "7"})
    before = await world.owner.seen("/account")
    again = re.search(r'name="shown" value="([^"]+)"', page.text)
    assert again
    saved = {**slower, "shown": again[1], "mails_a_minute": "7"}
    await owner.client.post("/settings/account", data=saved)

    assert "Somebody else has changed this meanwhile" in page.text
    assert "with 5 mails a minute" in page.text
    assert 'value="7"' in page.text
    assert (True, 5) == (before["redacts_personal"], before["mails_a_minute"])
    after = await world.owner.seen("/account")
    assert (False, 7) == (after["redacts_personal"], after["mails_a_minute"])


async def test_who_was_slower_with_the_policy_reads_what_is_there_now_and_keeps_what_they_chose(world: World) -> None:
    owner, admin = await signed_in(world, world.owner), await signed_in(world, world.admin)
    await owner.open("/settings/policy")
    slower = {"csrf_token": owner.csrf_token, "once": owner.hidden["once"], "shown": owner.hidden["shown"], "move": "set"}
    step = {"whom_1": "everybody", "channels_1": "email"}
    await admin.open("/settings/policy")
    await does(admin, "policy", "set", shown=admin.hidden["shown"], after_1="10", **step)

    page = await owner.client.post("/settings/policy", data={**slower, "after_1": "25", **step})
    before = await world.owner.seen("/escalation-policy")

    assert "Somebody else has saved another policy meanwhile" in page.text
    assert "After 10 minutes" in page.text
    assert 'value="25"' in page.text
    assert [600] == [one["after_seconds"] for one in before["steps"]]


def form_of(browser: Browser, id: str) -> dict[str, str]:
    """What one of a page's forms holds unseen."""
    form = re.search(rf'<form method="post"[^>]* id="{id}"[^>]*>(.*?)</form>', browser.page.text, re.DOTALL)
    assert form, id
    return dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', form[1]))


async def sends(browser: Browser, name: str, move: str, form: dict[str, str], /, **fields: str | list[str]) -> int:
    browser.page = await browser.client.post(f"/settings/{name}", data={**form, "move": move, **fields}, follow_redirects=True)
    return browser.page.status_code


async def test_who_was_slower_with_a_role_reads_what_is_there_now_and_keeps_what_they_chose(world: World) -> None:
    owner, admin = await signed_in(world, world.owner), await signed_in(world, world.admin)
    jo = f"change-{world.junior.id}"
    for browser in (owner, admin):
        await browser.open("/settings/people")
    await sends(admin, "people", "change", form_of(admin, jo), role="viewer")

    status = await sends(owner, "people", "change", form_of(owner, jo), role="admin")
    before = await world.owner.seen(f"/users/{world.junior.id}")
    refused = owner.page.text
    saved = await sends(owner, "people", "change", form_of(owner, jo), role="admin")

    assert 409 == status
    assert "Somebody else has changed this meanwhile" in refused
    assert f"{world.junior.user.name} is viewer now." in refused
    assert re.search(rf'aria-label="Role of {world.junior.user.name}">[^\n]*?<option value="admin" selected>', refused)
    assert ("viewer", 200) == (before["role"], saved)
    assert "admin" == (await world.owner.seen(f"/users/{world.junior.id}"))["role"]


async def test_who_was_slower_with_a_team_reads_what_is_there_now_and_keeps_what_they_chose(world: World) -> None:
    owner, admin = await signed_in(world, world.owner), await signed_in(world, world.admin)
    await does(admin, "teams", "make", name="Desk", members=[world.junior.id])
    team = next(one for one in (await world.admin.seen("/teams"))["items"] if one["name"] == "Desk")
    change = f"change-{team['id']}"
    for browser in (owner, admin):
        await browser.open("/settings/teams")
    await sends(admin, "teams", "change", form_of(admin, change), name="First desk", members=[world.senior.id])

    status = await sends(owner, "teams", "change", form_of(owner, change), name="Service desk", members=[world.owner.id])
    before = await world.owner.seen(f"/teams/{team['id']}")
    refused = owner.page.text
    saved = await sends(owner, "teams", "change", form_of(owner, change), name="Service desk", members=[world.owner.id])

    assert 409 == status
    assert f"Now it is called First desk. In it: {world.senior.user.name}." in refused
    assert 'value="Service desk"' in refused
    form = refused[refused.index(f'id="{change}"') :].partition("</form>")[0]
    assert [world.owner.id] == re.findall(r'name="members" value="([^"]+)" checked', form)
    assert ("First desk", [world.senior.id], 200) == (before["name"], before["member_ids"], saved)
    after = await world.owner.seen(f"/teams/{team['id']}")
    assert ("Service desk", [world.owner.id]) == (after["name"], after["member_ids"])


@pytest.mark.parametrize("move", ["deactivate", "reactivate"])
async def test_who_was_slower_to_let_somebody_in_or_out_reads_what_they_are_now_before_it_is_done(world: World, move: str) -> None:
    owner, jo = await signed_in(world, world.owner), world.junior
    if move == "reactivate":
        await world.admin.made(f"/users/{jo.id}/deactivate")
    state = (await world.owner.seen(f"/users/{jo.id}"))["state"]
    await owner.open("/settings/people")
    shown = form_of(owner, f"of-{jo.id}")
    if move == "reactivate":
        await world.admin.made(f"/users/{jo.id}/reactivate")
    await world.admin.patch(f"/users/{jo.id}", {"role": "viewer"})
    if move == "reactivate":
        await world.admin.made(f"/users/{jo.id}/deactivate")

    status = await sends(owner, "people", move, shown)
    before = await world.owner.seen(f"/users/{jo.id}")
    refused = owner.page.text
    again = await sends(owner, "people", move, form_of(owner, f"of-{jo.id}"))

    assert 409 == status
    assert "Somebody else has changed this meanwhile, and nothing was done." in refused
    assert (state, 200) == (before["state"], again)
    assert state != (await world.owner.seen(f"/users/{jo.id}"))["state"]


async def test_who_was_slower_to_archive_a_team_reads_what_is_there_now_before_it_is_done(world: World) -> None:
    owner, admin = await signed_in(world, world.owner), await signed_in(world, world.admin)
    await does(admin, "teams", "make", name="Desk", members=[world.junior.id])
    team = next(one for one in (await world.admin.seen("/teams"))["items"] if one["name"] == "Desk")
    await owner.open("/settings/teams")
    await world.admin.patch(f"/teams/{team['id']}", {"name": "First desk"})

    status = await sends(owner, "teams", "archive", form_of(owner, f"shelve-{team['id']}"))
    before = await world.owner.seen(f"/teams/{team['id']}")
    refused = owner.page.text
    again = await sends(owner, "teams", "archive", form_of(owner, f"shelve-{team['id']}"))

    assert 409 == status
    assert "Somebody else has changed this meanwhile, and nothing was done." in refused
    assert 'value="First desk"' in refused
    assert (None, 200) == (before["archived_at"], again)
    assert (await world.owner.seen(f"/teams/{team['id']}"))["archived_at"] is not None


@pytest.mark.parametrize("move", ["off", "remove"])
async def test_who_was_slower_with_a_webhook_reads_what_is_there_now_before_it_is_done(world: World, move: str) -> None:
    owner, admin = await signed_in(world, world.owner), await signed_in(world, world.admin)
    await does(admin, "webhooks", "add", name="Chat", url="https://hooks.example/x", kinds=["handoff.escalated"])
    (webhook,) = (await world.admin.seen("/webhooks"))["items"]
    await owner.open("/settings/webhooks")
    await world.admin.patch(f"/webhooks/{webhook['id']}", {"name": "Pager"})

    status = await sends(owner, "webhooks", move, form_of(owner, f"of-{webhook['id']}"))
    before = (await world.admin.seen("/webhooks"))["items"]
    refused = owner.page.text
    again = await sends(owner, "webhooks", move, form_of(owner, f"of-{webhook['id']}"))

    assert 409 == status
    assert "Somebody else has changed this meanwhile, and nothing was done." in refused
    assert ">Pager</h2>" in refused
    assert ([("Pager", True)], 200) == ([(one["name"], one["on"]) for one in before], again)
    after = (await world.admin.seen("/webhooks"))["items"]
    assert ([False] if move == "off" else []) == [one["on"] for one in after]


@pytest.mark.parametrize("move", ["off", "remove"])
async def test_a_webhooks_form_that_is_sent_twice_is_nobody_elses(world: World, move: str) -> None:
    browser = await signed_in(world, world.admin)
    await does(browser, "webhooks", "add", name="Chat", url="https://hooks.example/x", kinds=["handoff.escalated"])
    (webhook,) = (await world.admin.seen("/webhooks"))["items"]
    await browser.open("/settings/webhooks")
    form = form_of(browser, f"of-{webhook['id']}")

    assert [200, 200] == [await sends(browser, "webhooks", move, form) for _ in range(2)]


async def test_a_team_that_is_saved_twice_is_nobody_elses(world: World) -> None:
    browser = await signed_in(world, world.admin)
    await does(browser, "teams", "make", name="Desk", members=[world.junior.id])
    team = next(one for one in (await world.admin.seen("/teams"))["items"] if one["name"] == "Desk")
    await browser.open("/settings/teams")
    form = form_of(browser, f"change-{team['id']}")

    assert [200, 200] == [await sends(browser, "teams", "change", form, name=" Service desk ") for _ in range(2)]


async def test_the_same_setting_twice_is_nobody_elses(world: World) -> None:
    browser = await signed_in(world, world.owner)
    await browser.open("/settings/account")
    form = {"csrf_token": browser.csrf_token, "once": "x", "shown": browser.hidden["shown"], "move": "change", "mails_a_minute": "7"}

    answers = [await browser.client.post("/settings/account", data=form) for _ in range(2)]

    assert [303, 303] == [answer.status_code for answer in answers]
