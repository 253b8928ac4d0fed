"""Search on PostgreSQL: the relay has found what was written, and nothing that happens meanwhile is missed."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from uuid import UUID

import pytest
from attrs import frozen

from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.sql.connection import recorded_round_trips
from flowpilot_adapters.sql.insights import search
from flowpilot_adapters.system import jitter
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.insights.search import ANYWHERE, IndexForSearch
from flowpilot_core.application.relay.relay import Relay
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.insights import search as domain
from flowpilot_core.domain.insights.search import Hit, HitKind, Within
from flowpilot_core.domain.kernel.identifiers import SessionId
from flowpilot_core.domain.sessions.session import Status
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.ports.relay import WorkKind
from flowpilot_core.testing.builders import SetClock, Staff, a_session, a_staff
from tests.support.postgres import PostgresDatabase
from tests.support.product import a_product

pytestmark = pytest.mark.anyio


@frozen
class Searched:
    """A product with nothing but a relay that indexes."""

    storage: Database
    database: PostgresDatabase
    flowpilot: FlowPilot
    relay: Relay
    acme: Staff

    async def found(self, said: str, within: Within = ANYWHERE) -> list[UUID]:
        return [hit.id for hit in (await self.flowpilot.search.find(self.acme.vera, said, within=within, limit=50)).hits]

    async def looked_at(self, said: str, within: Within = ANYWHERE) -> int | None:
        return (await self.flowpilot.search.find(self.acme.vera, said, within=within, limit=50)).looked_at

    def due(self) -> list[UUID]:
        return [target for (target,) in self.database.do("SELECT target FROM flowpilot.due_work WHERE kind = 'index'")]


@pytest.fixture
async def searched(own_database: PostgresDatabase) -> AsyncIterator[Searched]:
    storage, outbox = Database(own_database.app), SqlOutbox(own_database.relay)
    handlers: Mapping[WorkKind, IndexForSearch] = {WorkKind.INDEX: IndexForSearch(begin=storage.begin)}
    relay = Relay(outbox=outbox, begin=storage.begin, handlers=handlers, jitter=jitter)
    flowpilot = a_product(storage, clock=SetClock(), new_secret=lambda: b"s" * 32)
    yield Searched(storage, own_database, flowpilot, relay, await a_staff().kept(storage.begin))
    await storage.close()
    await outbox.close()


async def test_whatever_a_session_says_is_found_once_the_relay_has_run(searched: Searched) -> None:
    acme, sessions, handoffs = searched.acme, searched.flowpilot.sessions, searched.flowpilot.handoffs
    started = await sessions.start(acme.anna, title="A heron", problem="an egret")
    session_id = started.session.id
    await searched.relay.run_once()
    assert [session_id] == await searched.found("heron egret")

    added = await sessions.add_step(acme.anna, session_id, kind=StepKind.ACTION, content="a stork")
    await searched.relay.run_once()
    assert [session_id] == await searched.found("stork")

    await sessions.set_result(acme.anna, session_id, added.step.id, result=StepResult.WORKED, evidence="an ibis")
    await searched.relay.run_once()
    assert [session_id] == await searched.found("ibis")

    handed = await handoffs.hand_off(acme.anna, session_id, intent=Intent.ESCALATE, reason="a bittern")
    await searched.relay.run_once()
    assert [handed.handoff.id] == await searched.found("bittern")

    await handoffs.claim(acme.ben, handed.handoff.id)
    assert [] == searched.due()
    await sessions.resolve(acme.ben, session_id, summary="a spoonbill")
    await searched.relay.run_once()
    assert session_id in await searched.found("spoonbill")

    await sessions.reopen(acme.ben, session_id, reason="a shoebill")
    await searched.relay.run_once()
    assert [session_id] == await searched.found("shoebill")

    await sessions.abandon(acme.ben, session_id, reason="a hamerkop")
    await searched.relay.run_once()
    assert [session_id] == await searched.found("hamerkop")


async def test_many_changes_of_one_thing_are_one_piece_of_work(searched: Searched) -> None:
    case = await a_session(by=searched.acme.anna).step().step().escalated().kept(searched.storage.begin)
    await searched.flowpilot.handoffs.claim(searched.acme.ben, case.handoff.id)
    await searched.flowpilot.sessions.add_step(searched.acme.ben, case.id, kind=StepKind.NOTE, content="a heron")

    assert [case.id] == searched.due()


async def test_what_changes_while_it_is_looked_at_is_looked_at_again(searched: Searched) -> None:
    case = await a_session(by=searched.acme.anna).kept(searched.storage.begin)
    async with searched.storage.begin(searched.acme.account_id) as looking:
        await looking.search_index.refresh(case.id)
        await searched.flowpilot.sessions.add_step(searched.acme.anna, case.id, kind=StepKind.NOTE, content="a heron")
        await looking.commit()

    assert [] == await searched.found("heron")
    while searched.due():
        await searched.relay.run_once()
    assert [case.id] == await searched.found("heron")


async def test_a_change_takes_the_work_from_whoever_holds_it(searched: Searched) -> None:
    case = await a_session(by=searched.acme.anna).kept(searched.storage.begin)
    (lease,) = await searched.relay.outbox.take({WorkKind.INDEX: 4}, lease_for=searched.relay.grace)
    await searched.flowpilot.sessions.add_step(searched.acme.anna, case.id, kind=StepKind.NOTE, content="a heron")

    async with searched.storage.begin(searched.acme.account_id) as work:
        assert not await work.due.finish(lease)
    assert [case.id] == searched.due()


async def test_adding_a_step_waits_no_more_often_for_it(searched: Searched) -> None:
    case = await a_session(by=searched.acme.anna).kept(searched.storage.begin)

    with recorded_round_trips() as trips:
        await searched.flowpilot.sessions.add_step(searched.acme.anna, case.id, kind=StepKind.NOTE, content="a heron")

    assert 2 == len(trips)
    assert 1 == trips[1].count("index for search")


async def test_what_is_of_nobody_here_is_no_trouble(searched: Searched) -> None:
    async with searched.storage.begin(searched.acme.account_id) as work:
        await work.search_index.refresh(SessionId(UUID(int=1)))
        await work.commit()


async def test_a_title_is_found_however_many_newer_ones_have_its_word_elsewhere(
    searched: Searched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "CANDIDATES", (2,))
    titled, _, *newest = [
        (await searched.flowpilot.sessions.start(searched.acme.anna, title=title, problem=problem)).session.id
        for title, problem in (("A heron", "x"), ("x", "an old heron"), ("x", "a heron"), ("x", "another heron"))
    ]
    while searched.due():
        await searched.relay.run_once()

    assert [titled, newest[-1]] == await searched.found("heron")


async def test_the_only_one_is_found_however_many_newer_ones_have_each_of_its_words(
    searched: Searched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "CANDIDATES", (1, 2, 100))
    both = await _told(searched, "Of egrets", "the heron, an egret")
    for _ in range(4):
        await _told(searched, "Of birds", "an egret")
        await _told(searched, "Of birds", "egret: the heron")
        await _told(searched, "Of birds", "the heron")
    await searched.flowpilot.sessions.resolve(searched.acme.anna, SessionId(both), summary="x")
    await _indexed(searched)

    for said in ('"heron an egret"', "heron egret -birds"):
        assert [both] == await searched.found(said), said
    assert [both] == await searched.found("heron egret", Within(status=Status.RESOLVED))


async def test_what_is_of_one_kind_or_client_or_time_is_found_beside_any_number_of_others(
    searched: Searched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "CANDIDATES", (2,))
    early = searched.flowpilot.sessions.clock.now()
    case = (
        await a_session(by=searched.acme.anna, problem="a heron", client_name="Contoso").escalated("a heron").kept(searched.storage.begin)
    )
    for client in ("Fabrikam", "Contoso, Ltd."):
        for number in range(3):
            newer = a_session(by=searched.acme.anna, at=early + timedelta(days=40 + number), title="A heron", client_name=client)
            await newer.kept(searched.storage.begin)
    await _indexed(searched)

    assert [case.handoff.id, case.id] == await searched.found("heron", Within(client_name="Contoso"))
    assert [case.handoff.id] == await searched.found("heron", Within(kind=HitKind.HANDOFF))
    assert [case.handoff.id, case.id] == await searched.found("heron", Within(start=early, end=early + timedelta(days=1)))


async def test_a_search_that_could_look_at_everything_says_after_how_many_it_stopped(
    searched: Searched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F61: two common words that never meet. However many have each of them, it is bounded how often they are looked up."""
    for _ in range(4):
        await _told(searched, "Of birds", "an egret")
        await _told(searched, "Of birds", "the heron")
    await _indexed(searched)
    assert ([], None) == (await searched.found("heron egret"), await searched.looked_at("heron egret"))

    monkeypatch.setattr(domain, "CANDIDATES", (1, 2, 100))
    monkeypatch.setattr(domain, "MOST_LOOK_UPS", 6)

    assert ([], 3) == (await searched.found("heron egret"), await searched.looked_at("heron egret"))
    assert 1 == await searched.looked_at("heron")


async def test_a_search_ends_after_so_many_hits_on_all_its_pages(searched: Searched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_HITS", 3)
    newest = [await _told(searched, "Of birds", "an egret") for _ in range(5)][:1:-1]
    await _indexed(searched)

    async def page(after: Hit | None) -> list[Hit]:
        place = None if after is None else after.place
        return [*(await searched.flowpilot.search.find(searched.acme.vera, "egret", after=place, limit=2)).hits]

    first = await page(None)
    second = await page(first[-1])

    assert newest == [hit.id for hit in (*first, *second)]
    assert [] == await page(second[-1])


@pytest.mark.parametrize("said", ['"an egret"', 'egret -"the egret"'])
async def test_texts_are_read_for_a_phrase_as_far_as_they_are_short_enough_together(
    searched: Searched, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    """F61: a phrase of common words that nobody wrote. What is read is bounded by its length."""
    old = await _told(searched, "Of birds", "an egret")
    newer = [await _told(searched, "Of birds", "the egret, an") for _ in range(3)]
    await _indexed(searched)
    assert ([old], None) == (await searched.found(said), await searched.looked_at(said))

    monkeypatch.setattr(search, "MOST_TEXT", len("the egret, an") * len(newer))

    assert ([], 3) == (await searched.found(said), await searched.looked_at(said))
    assert (4, None) == (len(await searched.found("egret an")), await searched.looked_at("egret an"))


async def test_what_has_all_words_is_read_as_far_as_so_many_may_be(searched: Searched, monkeypatch: pytest.MonkeyPatch) -> None:
    """F61: a common word of a person who has nothing. Of the best, so many are read."""
    mine = await _told(searched, "Of birds", "an egret")
    for _ in range(3):
        await searched.flowpilot.sessions.start(searched.acme.ben, title="Of birds", problem="an egret")
    await _indexed(searched)
    of_anna = Within(assignee_id=searched.acme.anna.user_id)
    assert ([mine], None) == (await searched.found("egret", of_anna), await searched.looked_at("egret", of_anna))

    monkeypatch.setattr(search, "MOST_READ", 3)

    assert ([], 3) == (await searched.found("egret", of_anna), await searched.looked_at("egret", of_anna))


async def _told(searched: Searched, title: str, problem: str) -> UUID:
    return (await searched.flowpilot.sessions.start(searched.acme.anna, title=title, problem=problem)).session.id


async def _indexed(searched: Searched) -> None:
    while searched.due():
        await searched.relay.run_once()
