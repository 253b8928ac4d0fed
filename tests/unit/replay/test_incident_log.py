"""What a row of an incident log means, as the table says it, played on the in-memory peer."""

from datetime import datetime
from typing import Any

import pytest
from attrs import evolve, frozen

from flowpilot_adapters.memory import MemoryStore
from flowpilot_core.application.replay.replay import Replay, RowRefused
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.actor import Role
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.events import Event
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.replay.incident_log import MEANING, Happening, LogRow
from flowpilot_core.domain.sessions.session import Priority, Status, Ticket
from flowpilot_core.ports.replay import Figures
from flowpilot_core.ports.sessions import SessionDetail
from flowpilot_core.testing.builders import MINUTE, NOON, SetClock, a_staff, new_id
from flowpilot_core.testing.logs import log_rows

pytestmark = pytest.mark.anyio

ADMIN = "Import of log"

BEFORE = {
    Status.ACTIVE: ("anna working V1",),
    Status.PARKED: ("anna on_hold V1",),
    Status.ESCALATED: ("anna queued V1",),
    Status.RESOLVED: ("anna done V1",),
    Status.ABANDONED: ("anna cancelled V1",),
}
"""How to bring a case of Anna's into each status."""


@frozen(kw_only=True)
class Played:
    """What one case came to."""

    detail: SessionDetail
    events: tuple[Event, ...]
    outcomes: tuple[str, ...]
    names: dict[object, str]
    figures: Figures

    def told(self, since: int = 0) -> list[str]:
        """What happened, as `anna session.started`, from the given row on."""
        at = NOON + since * MINUTE
        return [f"{self.names[event.by]} {event.kind}" for event in self.events if event.at >= at]

    @property
    def assignee(self) -> str:
        return self.names[self.detail.session.assignee_id]


async def play(*told: str, rows: tuple[LogRow, ...] | None = None) -> Played:
    """One case, replayed in an account of its own."""
    store = MemoryStore(clock=SetClock(), new_token=new_id)
    staff = await a_staff().kept(store.begin)
    view = store.view(staff.account_id)
    replay = Replay(begin=store.begin, view=store.view, new_id=new_id)
    rows = log_rows(*(f"1 {words}" for words in told)) if rows is None else rows

    figures = await replay.run(staff.account_id, "log", rows, concurrency=1, done=lambda _: None)

    (case,) = (await view.imported("log")).values()
    async with store.begin(staff.account_id) as work:
        names: dict[object, str] = {user.id: user.name for user in await work.people.users()}
    tables = store._accounts[staff.account_id]
    return Played(
        detail=await view.session(case.session_id),
        events=tuple(one.event for one in await view.events(after=0, limit=100)),
        outcomes=tuple(row.outcome for row in tables.imports.values()),
        names=names,
        figures=figures,
    )


def test_the_table_has_every_happening_in_every_status() -> None:
    assert {(happening, status) for happening in Happening for status in Status} == set(MEANING)


async def test_a_session_starts_active_with_its_first_row_which_counts_too() -> None:
    played = await play("anna working V30")

    session = played.detail.session
    assert ["anna session.started", "anna step.added"] == played.told()
    assert (Status.ACTIVE, "anna", NOON, NOON) == (session.status, played.assignee, session.created_at, session.updated_at)
    assert Ticket(system="log", id="1") == session.ticket
    assert ("step",) == played.outcomes


SAME_ACTOR = [
    (Status.ACTIVE, "queued", ["handoff.escalated"], Status.ESCALATED),
    (Status.ACTIVE, "working", ["step.added"], Status.ACTIVE),
    (Status.ACTIVE, "on_hold", ["session.parked"], Status.PARKED),
    (Status.ACTIVE, "done", ["session.resolved"], Status.RESOLVED),
    (Status.ACTIVE, "cancelled", ["session.abandoned"], Status.ABANDONED),
    (Status.PARKED, "queued", ["session.resumed", "handoff.escalated"], Status.ESCALATED),
    (Status.PARKED, "working", ["session.resumed"], Status.ACTIVE),
    (Status.PARKED, "on_hold", [], Status.PARKED),
    (Status.PARKED, "done", ["session.resumed", "session.resolved"], Status.RESOLVED),
    (Status.PARKED, "cancelled", ["session.resumed", "session.abandoned"], Status.ABANDONED),
    (Status.ESCALATED, "queued", ["handoff.rerouted"], Status.ESCALATED),
    (Status.ESCALATED, "working", ["handoff.withdrawn"], Status.ACTIVE),
    (Status.ESCALATED, "on_hold", ["handoff.withdrawn", "session.parked"], Status.PARKED),
    (Status.ESCALATED, "done", ["handoff.withdrawn", "session.resolved"], Status.RESOLVED),
    (Status.ESCALATED, "cancelled", ["handoff.withdrawn", "session.abandoned"], Status.ABANDONED),
    *(
        (closed, happening, events, after or closed)
        for closed in (Status.RESOLVED, Status.ABANDONED)
        for happening, events, after in (
            ("queued", ["session.reopened", "handoff.escalated"], Status.ESCALATED),
            ("working", ["session.reopened"], Status.ACTIVE),
            ("on_hold", ["session.reopened", "session.parked"], Status.PARKED),
            ("done", [], None),
            ("cancelled", [], None),
        )
    ),
    *((status, "ignored", [], status) for status in Status),
]


@pytest.mark.parametrize(("before", "happening", "events", "after"), SAME_ACTOR)
async def test_what_the_same_actor_does(before: Status, happening: str, events: list[str], after: Status) -> None:
    played = await play(*BEFORE[before], f"anna {happening} V2")

    assert [f"anna {event}" for event in events] == played.told(since=1)
    assert (after, "anna") == (played.detail.session.status, played.assignee)


OTHER_ACTOR = [
    (Status.ACTIVE, "queued", [f"{ADMIN} session.reassigned", "ben handoff.escalated"]),
    (Status.ACTIVE, "working", [f"{ADMIN} session.reassigned", "ben step.added"]),
    (Status.ACTIVE, "on_hold", [f"{ADMIN} session.reassigned", "ben session.parked"]),
    (Status.ACTIVE, "done", [f"{ADMIN} session.reassigned", "ben session.resolved"]),
    (Status.ACTIVE, "cancelled", [f"{ADMIN} session.reassigned", "ben session.abandoned"]),
    (Status.PARKED, "queued", [f"{ADMIN} session.reassigned", "ben session.resumed", "ben handoff.escalated"]),
    (Status.PARKED, "working", [f"{ADMIN} session.reassigned", "ben session.resumed"]),
    (Status.PARKED, "done", [f"{ADMIN} session.reassigned", "ben session.resumed", "ben session.resolved"]),
    (Status.PARKED, "cancelled", [f"{ADMIN} session.reassigned", "ben session.resumed", "ben session.abandoned"]),
    (Status.ESCALATED, "working", ["ben handoff.claimed"]),
    (Status.ESCALATED, "on_hold", ["ben handoff.claimed", "ben session.parked"]),
    (Status.ESCALATED, "done", [f"{ADMIN} handoff.withdrawn", f"{ADMIN} session.reassigned", "ben session.resolved"]),
    (Status.ESCALATED, "cancelled", [f"{ADMIN} handoff.withdrawn", f"{ADMIN} session.reassigned", "ben session.abandoned"]),
    *(
        (closed, happening, events)
        for closed in (Status.RESOLVED, Status.ABANDONED)
        for happening, events in (
            ("queued", ["ben session.reopened", "ben handoff.escalated"]),
            ("working", ["ben session.reopened"]),
            ("on_hold", ["ben session.reopened", "ben session.parked"]),
        )
    ),
]


@pytest.mark.parametrize(("before", "happening", "events"), OTHER_ACTOR)
async def test_what_another_actor_does(before: Status, happening: str, events: list[str]) -> None:
    played = await play(*BEFORE[before], f"ben {happening} V2")

    assert events == played.told(since=1)
    assert "ben" == played.assignee


@pytest.mark.parametrize(
    ("before", "happening"),
    [(Status.PARKED, "on_hold"), (Status.RESOLVED, "done"), (Status.ABANDONED, "done"), *((status, "ignored") for status in Status)],
)
async def test_a_row_that_means_nothing_gives_the_case_to_nobody(before: Status, happening: str) -> None:
    played = await play(*BEFORE[before], f"ben {happening} V2")

    assert [] == played.told(since=1)
    assert (before, "anna") == (played.detail.session.status, played.assignee)
    assert ("ignored" if happening == "ignored" else "nothing") == played.outcomes[-1]
    assert 2 == played.figures.events


async def test_a_reroute_by_another_leaves_the_wait_and_the_escalator_as_they_are() -> None:
    played = await play("anna queued V1", "ben queued V2", "anna working V2")

    assert ["anna session.started", "anna handoff.escalated", "ben handoff.rerouted", "anna handoff.withdrawn"] == played.told()
    assert (1, 1, 0, 1) == (played.figures.escalations, played.figures.reroutes, played.figures.claims, played.figures.withdrawn)


async def test_who_reroutes_may_claim_and_time_to_claim_counts_from_the_escalation() -> None:
    played = await play("anna queued V1", "ben queued V2", "ben working V2")

    assert (1, 120, 120) == (played.figures.claims, played.figures.time_to_claim_median_s, played.figures.time_to_claim_p90_s)


async def test_a_reroute_to_the_same_team_counts() -> None:
    played = await play("anna queued V1", "anna queued V1")

    assert 1 == played.figures.reroutes
    (handoff,) = played.detail.handoffs
    assert (NOON, Intent.ESCALATE) == (handoff.escalated_at, handoff.intent)


async def test_a_second_escalation_has_a_wait_and_an_escalator_of_its_own() -> None:
    played = await play("anna queued V1", "ben working V1", "ben queued V2", "anna working V2")

    assert (2, 0) == (played.figures.claims, played.figures.withdrawn)
    assert [NOON, NOON + 2 * MINUTE] == [handoff.escalated_at for handoff in played.detail.handoffs]


async def test_keys_compare_as_written() -> None:
    """`SE` and `se` are two people."""
    rows = log_rows("1 SE queued V1", "1 se working V1")

    played = await play(rows=rows)

    assert (1, 0) == (played.figures.claims, played.figures.withdrawn)
    assert {"SE", "se"} <= set(played.names.values())


async def test_who_shares_one_part_of_the_key_is_somebody_else() -> None:
    first, second = log_rows("1 anna queued V1", "1 anna working V1")

    played = await play(rows=(evolve(first, actor=("fr", "Anne Claire")), evolve(second, actor=("be", "Anne Claire"))))

    assert 1 == played.figures.claims
    assert {"fr Anne Claire", "be Anne Claire"} <= set(played.names.values())


async def test_everyone_who_appears_is_an_engineer_and_the_admin_is_one_more() -> None:
    store = MemoryStore(clock=SetClock(), new_token=new_id)
    staff = await a_staff().kept(store.begin)
    replay = Replay(begin=store.begin, view=store.view, new_id=new_id)

    await replay.run(staff.account_id, "log", log_rows("1 anna working V1", "1 ben working V1"), concurrency=1, done=lambda _: None)

    async with store.begin(staff.account_id) as work:
        made = [user for user in await work.people.users() if user.email.endswith("@replay.invalid")]
    assert {("anna", Role.ENGINEER), ("ben", Role.ENGINEER), (ADMIN, Role.ADMIN)} == {(user.name, user.role) for user in made}


async def test_the_first_row_says_the_sessions_team_priority_title_and_client() -> None:
    first, second = log_rows("1 anna working V1", "1 anna queued V2")
    first = evolve(first, priority=Priority.HIGH, title="Printer offline", client="Contoso")

    played = await play(rows=(first, evolve(second, priority=Priority.URGENT, title="something else", client="somebody else")))

    session, (handoff,) = played.detail.session, played.detail.handoffs
    assert ("Printer offline", "Contoso", Priority.HIGH) == (session.title, session.client_name, session.priority)
    assert session.team_id not in (None, handoff.team_id)
    assert Priority.URGENT == handoff.priority


async def test_without_a_title_the_log_and_the_case_are_one() -> None:
    assert "log 1" == (await play("anna working")).detail.session.title


async def test_a_step_says_what_the_log_says_and_when() -> None:
    played = await play("anna working V1", "anna working V1")

    assert ["anna is at it: working"] * 2 == [step.content for step in played.detail.steps]
    assert [NOON, NOON + MINUTE] == [step.created_at for step in played.detail.steps]


async def test_a_case_whose_clock_jumps_back_goes_on() -> None:
    first, second, third = log_rows("1 anna queued V1", "1 ben working V1", "1 ben done V1")

    played = await play(rows=(first, evolve(second, at=NOON - MINUTE), third))

    assert (Status.RESOLVED, 0) == (played.detail.session.status, played.figures.time_to_claim_median_s)


async def test_what_the_store_refuses_names_the_row() -> None:
    store = MemoryStore(clock=SetClock(), new_token=new_id)
    staff = await a_staff().kept(store.begin)
    replay = Replay(begin=store.begin, view=store.view, new_id=new_id)
    rows = log_rows("1 anna working", "1 anna done")
    await replay.run(staff.account_id, "log", rows[:1], concurrency=1, done=lambda _: None)
    await _deactivate_everybody(store, staff.account_id)

    with pytest.raises(RowRefused, match=r"line 3 \(case 1\)"):
        await replay.run(staff.account_id, "log", rows, concurrency=1, done=lambda _: None)


async def _deactivate_everybody(store: MemoryStore, account_id: AccountId) -> None:
    async with store.begin(account_id) as work:
        for user in await work.people.users():
            if user.role is Role.ENGINEER:
                await work.people.save_user(evolve(user, deactivated_at=NOON))
        await work.commit()


BROKEN = [
    ("case", " ", "case"),
    ("case", "x" * 201, "case"),
    ("case", "a\0b", "case"),
    ("actor", ("", ""), "actor"),
    ("actor", ("two\nlines",), "actor"),
    ("team", " ", "team"),
    ("team", "x" * 201, "team"),
    ("title", "x" * 201, "title"),
    ("client", "\udc80", "client"),
    ("words", "", "what happened"),
    ("at", datetime(2026, 3, 2), "time"),
]


@pytest.mark.parametrize(("column", "value", "named"), BROKEN)
def test_a_row_that_cannot_be_kept_is_none(column: str, value: Any, named: str) -> None:
    (row,) = log_rows("1 anna working V1")

    with pytest.raises(InvalidValue) as refused:
        evolve(row, **{column: value})

    assert named == refused.value.field
