"""Which log is read first where many accounts listen: one that has news, before those that nothing woke us for."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from functools import partial

import pytest
from attrs import define, field

from flowpilot_adapters.memory import MemoryEventStream, MemoryStore
from flowpilot_adapters.memory.notifications.view import MemoryNotificationView
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.application.notifications import push
from flowpilot_core.application.notifications.push import MOST_READS, MOST_ROUTINE, Push
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.notifications import News
from flowpilot_core.testing.builders import a_staff
from flowpilot_http.cursors import Cursors
from flowpilot_http.sse import EventIds, Sse
from tests.support.http import SECRET_KEY

pytestmark = pytest.mark.anyio

MANY = 10
"""Accounts: more than are read at once."""
NEVER = 10**9
"""Seconds until the next look: not in this test."""


@define
class Logs:
    """The logs of all accounts; held up, none of them answers."""

    asked: list[AccountId] = field(factory=list)
    answering: asyncio.Event = field(factory=asyncio.Event)
    changed: asyncio.Event = field(factory=asyncio.Event)

    async def until_asked(self, times: int) -> None:
        """Come back once so many reads have begun."""
        while len(self.asked) < times:
            self.changed.clear()
            await self.changed.wait()


async def _still(reader: Person) -> Person:
    return reader


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Logs:
    logs, news = Logs(), MemoryNotificationView.news

    async def noted(view: MemoryNotificationView, *, after: int, limit: int) -> Sequence[News]:
        logs.asked.append(view._account_id)
        logs.changed.set()
        await logs.answering.wait()
        return await news(view, after=after, limit=limit)

    monkeypatch.setattr(MemoryNotificationView, "news", noted)
    return logs


@pytest.fixture
async def listened(logs: Logs, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Push]:
    """Push to somebody of each account, whose logs are held up once all listen; nothing but a wake-up has any of them read."""
    monkeypatch.setattr(push, "LOOK", NEVER)
    store, stop = MemoryStore(clock=SystemClock(), new_token=new_id), asyncio.Event()
    pushing = Push(
        view=store.view,
        wire=Sse(EventIds(Cursors([SECRET_KEY]))),
        jitter=lambda: 0.5,
        begin=store.begin,
        node_id=new_id(),
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pushing.run(MemoryEventStream(), stop))
        await asyncio.sleep(0)
        logs.answering.set()
        for number in range(MANY):
            anna = (await a_staff().kept(store.begin)).anna
            await pushing.open(anna, credential=b"%d" % number, signed_in=partial(_still, anna))
        logs.answering.clear()
        logs.asked.clear()
        yield pushing
        logs.answering.set()
        stop.set()


async def test_news_does_not_wait_for_logs_that_nothing_woke_us_for(listened: Push, logs: Logs) -> None:
    last = listened.streams[-1].reader.account_id
    listened.heard(None)
    await logs.until_asked(MOST_ROUTINE)
    listened.heard(last)
    await logs.until_asked(MOST_ROUTINE + 1)

    assert MOST_ROUTINE < MOST_READS
    assert [stream.reader.account_id for stream in listened.streams[:MOST_ROUTINE]] == logs.asked[:MOST_ROUTINE]
    assert last == logs.asked[MOST_ROUTINE]


async def test_a_log_that_was_read_for_news_is_not_read_once_more(listened: Push, logs: Logs) -> None:
    accounts = [stream.reader.account_id for stream in listened.streams]
    listened.heard(None)
    await logs.until_asked(MOST_ROUTINE)
    # The one whose turn is next.
    listened.heard(accounts[MOST_ROUTINE])
    logs.answering.set()
    await logs.until_asked(MANY)

    assert Counter(accounts) == Counter(logs.asked[:MANY])
