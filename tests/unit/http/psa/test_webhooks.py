"""What a PSA tells of its tickets, from the address that an account makes to the session that ends here."""

from datetime import timedelta
from typing import Any

import pytest

from flowpilot_adapters.memory import MemoryTicket
from flowpilot_adapters.sql.connection import recorded_round_trips
from flowpilot_adapters.system import new_id, new_secret
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.kernel.secret_text import Prefix, token_text
from flowpilot_http.app import LARGEST_BODY
from tests.support.http import BASE, Somebody, World

pytestmark = pytest.mark.anyio
ADAPTERS = ("memory", "postgres")

NEW = {"system": "memory", "name": "Desk", "base_url": "https://psa.example", "credentials": {"key": "good"}}
TICKET = {"system": "memory", "id": "1001"}


async def an_address(world: World, who: Somebody | None = None) -> tuple[str, str]:
    """The path and the secret of a new connection's address."""
    manager = who or world.admin
    connection = await manager.made("/psa-connections", NEW)
    return await renewed(manager, connection["id"])


async def renewed(manager: Somebody, connection_id: str) -> tuple[str, str]:
    made = await manager.made(f"/psa-connections/{connection_id}/webhook")
    assert made["url"].startswith(f"{BASE}/psa-webhooks/fpp_")
    return made["url"].removeprefix(BASE), made["secret"]


async def told(world: World, address: tuple[str, str], *, ticket: str = "1001", secret: str | None = None) -> Any:
    """The PSA calls."""
    path, own = address
    return await world.nobody.post(path, json={"ticket": ticket}, headers={"x-secret": own if secret is None else secret})


async def status(who: Somebody, session: Any) -> str:
    return str((await who.seen(f"/ai-sessions/{session['id']}"))["status"])


async def timeline(who: Somebody, session: Any) -> list[tuple[str, Any]]:
    return [(entry["kind"], entry["by"]) for entry in (await who.seen(f"/ai-sessions/{session['id']}/timeline"))["items"]]


async def test_a_ticket_that_is_closed_there_ends_its_session_here(world: World) -> None:
    address = await an_address(world)
    session, other = await world.junior.session(ticket=TICKET), await world.junior.session(ticket={**TICKET, "id": "1002"})
    world.psa.tickets["1001"].status = "Closed"

    answer = await told(world, address)
    await world.relay_runs()

    assert (204, b"") == (answer.status_code, answer.content)
    found = await world.junior.seen(f"/ai-sessions/{session['id']}")
    assert ("resolved", "The ticket was closed in PSA in memory.") == (found["status"], found["resolution"]["summary"])
    entries = (await world.junior.seen(f"/ai-sessions/{session['id']}/timeline"))["items"]
    assert ("session.resolved", "system", "ticket was closed") in [(entry["kind"], entry["by"], entry["cause"]) for entry in entries]
    assert "active" == await status(world.junior, other)
    assert [] == (await world.admin.seen("/psa-posts"))["items"]


async def test_of_an_escalated_session_the_escalation_is_withdrawn_first(world: World) -> None:
    address = await an_address(world)
    handoff = await world.junior.escalation_of(ticket=TICKET)
    world.psa.tickets["1001"].status = "Closed"

    await told(world, address)
    await world.relay_runs()

    assert "withdrawn" == (await world.senior.seen(f"/handoffs/{handoff['id']}"))["state"]
    assert [] == (await world.senior.seen("/handoffs/queue"))["items"]
    found = await timeline(world.junior, {"id": handoff["session_id"]})
    by_system = [("handoff.withdrawn", "system"), ("session.resolved", "system")]
    assert by_system == [entry for entry in found if entry in by_system]


async def test_of_a_parked_session_the_park_ends_first_and_stays_private(world: World) -> None:
    address = await an_address(world)
    session = await world.junior.session(ticket=TICKET)
    park = await world.junior.made(f"/ai-sessions/{session['id']}/handoff", {"intent": "park", "reason": "Waiting"})
    world.psa.tickets["1001"].status = "Closed"

    await told(world, address)
    await world.relay_runs()

    assert "resumed" == (await world.junior.seen(f"/handoffs/{park['id']}"))["state"]
    assert "resolved" == await status(world.senior, session)
    assert ("session.resumed", "system") in await timeline(world.junior, session)
    assert ("session.resumed", "system") not in await timeline(world.senior, session)


async def test_a_claimed_session_is_resolved_and_its_claim_stays_on_record(world: World) -> None:
    address = await an_address(world)
    handoff = await world.junior.escalation_of(ticket=TICKET)
    await world.senior.made(f"/handoffs/{handoff['id']}/claim")
    world.psa.tickets["1001"].status = "Closed"

    await told(world, address)
    await world.relay_runs()

    assert ("resolved", "claimed") == (
        await status(world.junior, {"id": handoff["session_id"]}),
        (await world.senior.seen(f"/handoffs/{handoff['id']}"))["state"],
    )


async def test_what_the_webhook_says_of_the_ticket_is_not_believed(world: World) -> None:
    """The body says that it is closed, and it is not."""
    path, secret = await an_address(world)
    session = await world.junior.session(ticket=TICKET)

    answer = await world.nobody.post(path, json={"ticket": "1001", "closed": True, "status": "Closed"}, headers={"x-secret": secret})
    await world.relay_runs()

    assert (204, "active") == (answer.status_code, await status(world.junior, session))


async def test_the_same_webhook_again_does_nothing(world: World) -> None:
    """Replays, and what comes back of our own notes: the session that was reopened goes on, until the ticket is closed anew."""
    address = await an_address(world)
    session = await world.junior.session(ticket=TICKET)
    ticket = world.psa.tickets["1001"]
    ticket.status = "Closed"
    for _ in range(3):
        await told(world, address)
    await world.relay_runs()
    await world.junior.made(f"/ai-sessions/{session['id']}/reopen", {"reason": "It is back"})
    before = await timeline(world.junior, session)

    for _ in range(2):
        await told(world, address)
        await world.relay_runs()

    assert before == await timeline(world.junior, session)
    for now in ("In Progress", "Closed"):
        ticket.status = now
        await told(world, address)
        await world.relay_runs()
    assert "resolved" == await status(world.junior, session)


async def test_our_own_resolution_comes_back_and_does_nothing(world: World) -> None:
    """The ticket is closed because the session was resolved; reopened, the session goes on."""
    address = await an_address(world)
    session = await world.junior.session(ticket=TICKET)
    await world.junior.made(f"/ai-sessions/{session['id']}/resolve", {"summary": "New certificate"})
    await world.relay_runs()
    world.psa.tickets["1001"].status = "Closed"
    before = await timeline(world.junior, session)
    await told(world, address)
    await world.relay_runs()
    assert before == await timeline(world.junior, session)

    await world.junior.made(f"/ai-sessions/{session['id']}/reopen", {"reason": "It is back"})
    await told(world, address)
    await world.relay_runs()

    assert "active" == await status(world.junior, session)


async def test_a_session_that_began_on_a_closed_ticket_goes_on(world: World) -> None:
    address = await an_address(world)
    world.psa.tickets["1001"] = MemoryTicket(status="Closed", closed_at=world.clock.now())
    world.clock.jump(timedelta(minutes=1))
    session = await world.junior.session(ticket=TICKET)

    await told(world, address)
    await world.relay_runs()

    assert "active" == await status(world.junior, session)


async def test_an_unknown_address_is_not_found_with_the_same_work(world: World) -> None:
    """A27: of an account that is not there, of one that is, or no address at all."""
    known, secret = await an_address(world)
    account = world.owner.account_id
    unknown = [token_text(account, new_secret(), Prefix.PSA), token_text(AccountId(new_id()), new_secret(), Prefix.PSA), "nonsense"]
    unknown += [known.rpartition("/")[2][:-1] + "x", token_text(account, new_secret())]
    answers, work = [], []
    for token in unknown:
        with recorded_round_trips() as trips:
            answers.append(await told(world, (f"/psa-webhooks/{token}", secret)))
        work.append([trip for trip in trips if "rollback" not in trip])

    assert {(404, "not_found")} == {(answer.status_code, answer.json()["code"]) for answer in answers}
    assert 1 == len({answer.content for answer in answers})
    assert [work[0]] * len(work) == work


async def test_what_nobody_vouches_for_is_refused(world: World) -> None:
    address = await an_address(world)
    await world.junior.session(ticket=TICKET)

    answers = [await told(world, address, secret=secret) for secret in ("", "wrong", address[0])]
    await world.relay_runs()

    assert [(401, "unauthenticated")] * 3 == [(answer.status_code, answer.json()["code"]) for answer in answers]
    assert address[1] not in "".join(answer.text for answer in answers)


async def test_a_new_address_ends_the_one_before_and_none_is_left_once_it_is_dropped(world: World) -> None:
    first = await an_address(world)
    connection = (await world.admin.seen("/psa-connections"))["items"][0]["id"]
    second = await renewed(world.owner, connection)

    assert [404, 204] == [(await told(world, address)).status_code for address in (first, second)]
    assert second[1] != first[1]
    assert 401 == (await told(world, second, secret=first[1])).status_code
    assert [204, 204] == [(await world.admin.client.delete(f"/psa-connections/{connection}/webhook")).status_code for _ in range(2)]
    assert 404 == (await told(world, second)).status_code


async def test_an_address_goes_with_its_connection(world: World) -> None:
    address = await an_address(world)
    connection = (await world.admin.seen("/psa-connections"))["items"][0]["id"]
    assert 204 == (await world.admin.client.delete(f"/psa-connections/{connection}")).status_code

    assert 404 == (await told(world, address)).status_code


async def test_two_accounts_with_the_same_ticket_do_not_hear_of_each_other(world: World) -> None:
    address = await an_address(world)
    await an_address(world, world.rival_owner)
    own, theirs = await world.junior.session(ticket=TICKET), await world.rival.session(ticket=TICKET)
    world.psa.tickets["1001"].status = "Closed"

    await told(world, address)
    await world.relay_runs()

    assert ("resolved", "active") == (await status(world.junior, own), await status(world.rival, theirs))


async def test_a_body_without_end_is_refused(world: World) -> None:
    path, secret = await an_address(world)

    answer = await world.nobody.post(path, content=b"x" * (LARGEST_BODY + 1), headers={"x-secret": secret})

    assert (413, "body_too_large") == (answer.status_code, answer.json()["code"])


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'{"person": 1}'])
async def test_what_tells_of_no_ticket_is_taken_and_forgotten(world: World, body: bytes) -> None:
    path, secret = await an_address(world)

    answer = await world.nobody.post(path, content=body, headers={"x-secret": secret})

    assert 204 == answer.status_code


async def test_the_secret_is_shown_once_and_never_again(world: World) -> None:
    path, secret = await an_address(world)

    shown = await world.admin.get("/psa-connections")

    assert not [word for word in (secret, path.rpartition("/")[2]) if word in shown.text]
