"""What finding something among many sessions takes, beside fetching one, and what adding a step takes with an index to keep.

Made in bulk: `--sessions` of them, each with a problem of words of which some stand in many and some in few, a host and an error code.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from uuid import UUID

import psycopg
from attrs import frozen
from rich.console import Console
from rich.table import Table

from flowpilot_adapters.sql import roles
from flowpilot_adapters.sql.relay import due_work
from flowpilot_adapters.sql.sessions import sessions as kept
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.insights.search import ANYWHERE
from flowpilot_core.domain.insights.search import HitKind, Place, Within
from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.identifiers import SessionId, UserId
from flowpilot_core.domain.knowledge.rating import NO_STARS
from flowpilot_core.domain.sessions.step import StepKind

from .data import a_product

SESSIONS = 1_000_000
ROUNDS = 5
ASKED = 200
"""Of each in a round."""
UNCOUNTED = 20
"""Before these: the first ones find nothing in any cache."""
STEPS = 150
"""In a round, with the index and without."""
SLOWEST = 10.0
"""Times fetching a session, at the 95th percentile."""
DEAREST = 1.15
"""Times adding a step without an index."""

FIRST_MADE = 1_700_000_000_000
"""The milliseconds that the first session's id begins with, as ids of the product do; the next ones are a second apart."""

# Words are numbers in letters; how often one stands in a session falls with its number, as in any language. They are the same in each run:
# how few of what is asked for is found in the first look moves the slowest twentieth more than the machine does.
SEED = """
SET session_replication_role = replica;
SELECT setseed(0);
CREATE TEMPORARY TABLE made AS
SELECT n, id, branch_id, at, title, format('%s on srv-dc%s.contoso.local says 0x%s', problem, n % 500, lpad(to_hex(n), 8, '0')) AS problem
FROM (
  SELECT n, (lpad(to_hex({first} + n * 1000::int8), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid AS id,
    md5('b' || n)::uuid AS branch_id, now() - ({count} - n) * interval '{apart} s' AS at,
    (SELECT string_agg('t' || translate((random() ^ 3 * 3000)::int::text, '0123456789', 'abcdefghij'), ' ')
     FROM generate_series(1, 4 + n * 0)) AS title,
    (SELECT string_agg('w' || translate((random() ^ 3 * 20000)::int::text, '0123456789', 'abcdefghij'), ' ')
     FROM generate_series(1, 25 + n * 0)) AS problem
  FROM generate_series(1, {count}) AS n
) AS written;
INSERT INTO flowpilot.session
  (account_id, id, version, status, title, problem, client_name, priority, assignee_id, parked_with, helper_ids, active_branch_id,
   step_count, created_by, created_at, updated_at)
SELECT '{account}', id, 1, 'active', title, problem, 'Client ' || n % 50, 'normal',
  CASE WHEN n % 50 = 7 THEN '{other}'::uuid ELSE '{person}' END, '{{}}', '{{}}', branch_id, 0, '{person}',
  at, at
FROM made;
INSERT INTO flowpilot.branch (account_id, session_id, id, number, label, state, created_at)
SELECT '{account}', id, branch_id, 0, 'root', 'open', at FROM made;
INSERT INTO flowpilot.search_document (account_id, id, kind, session_id, title, is_titled, text, client_name, at)
SELECT '{account}', id, 'session', id, title, true, problem, 'Client ' || n % 50, at FROM made;
INSERT INTO flowpilot.search_word (account_id, word, id, in_title)
SELECT '{account}', word, id, in_title
FROM made CROSS JOIN LATERAL (
  SELECT word, bool_or(titled) AS in_title
  FROM (
    SELECT word, true AS titled FROM unnest(string_to_array(title, ' ')) AS word
    UNION ALL SELECT word, false FROM unnest(regexp_split_to_array(problem, '[^a-z0-9]+')) AS word
    UNION ALL SELECT word, false FROM unnest(ARRAY['srv dc' || n % 500, 'dc' || n % 500 || ' contoso', 'contoso local']) AS word
    UNION ALL SELECT word, false FROM unnest(ARRAY['kind:session', 'client:Client ' || n % 50]) AS word
    UNION ALL SELECT format('%s:%s', days, ((at AT TIME ZONE 'UTC')::date - '0001-01-01'::date + 1) / days), false
    FROM unnest(ARRAY[32768, 4096, 512, 64, 8, 1]) AS days
  ) AS all_of_it
  GROUP BY word
) AS said;
INSERT INTO flowpilot.search_spelling (account_id, spelling, word)
SELECT DISTINCT '{account}'::uuid, overlay(word placing '' from place for 1), word
FROM (SELECT DISTINCT word FROM made CROSS JOIN LATERAL unnest(string_to_array(title, ' ')) AS word) AS titled
CROSS JOIN LATERAL generate_series(1, length(word) + 1) AS place
WHERE length(word) >= 5;
"""
TABLES = ("session", "branch", "search_document", "search_word")
"""That get most of the rows."""
FETCHING = "fetching one"
SIZE = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname IN ('search_document', 'search_word', 'search_spelling')"


@frozen
class Asked:
    """What is searched for."""

    said: str
    within: Within = ANYWHERE
    after: Place | None = None


@frozen(kw_only=True)
class Took:
    """Milliseconds, at the 95th percentile of a round; or how many times those of fetching."""

    clock: float
    processor: float
    """Ours and the database's, which other work on the machine moves least."""

    def over(self, other: "Took") -> "Took":
        """The ratio of both."""
        return Took(clock=self.clock / other.clock, processor=self.processor / other.processor)

    def __str__(self) -> str:
        return f"{self.clock:.2f} by the clock and {self.processor:.2f} of a processor"


@frozen(kw_only=True)
class SearchFigure:
    """What is asked over fetching a session, of each round, and adding a step over the same without an index."""

    sessions: int
    fetching: list[Took]
    searching: dict[str, list[Took]]
    step: float
    bytes_a_session: float

    @property
    def is_within(self) -> bool:
        """Whether all of it is as quick as it is to be, by the clock and by the processor."""
        ratios = [max(middle(rounds).clock, middle(rounds).processor) for rounds in self.searching.values()]
        return max(ratios) <= SLOWEST and self.step <= DEAREST


def middle(rounds: list[Took]) -> Took:
    """The medians of both."""
    return Took(clock=median(one.clock for one in rounds), processor=median(one.processor for one in rounds))


async def measure(sessions: int, *, said: Callable[[str], None]) -> SearchFigure:
    """So many sessions, searched by the product in one account, as the application's role."""
    async with a_product() as product:
        accounts = product.flowpilot.accounts
        account_id = (await accounts.create("Many sessions")).id
        user, other = [
            await accounts.add_user(account_id, email=f"{name}@bench.example", name=name, role=Role.ENGINEER)
            for name in ("junior", "other")
        ]
        by = user.acting(account_id)
        said(f"making {sessions:,} sessions")
        # Of the year until now, and every fiftieth is somebody else's.
        apart = timedelta(days=365).total_seconds() / sessions
        product.fill(
            SEED.format(account=account_id, person=user.id, other=other.id, count=sessions, apart=apart, first=FIRST_MADE), *TABLES
        )
        with psycopg.connect(product.url) as connection:
            (size,) = connection.execute(SIZE).fetchone() or (0,)
        fetching = list[Took]()
        searching = {kind: list[Took]() for kind in _asked(sessions, other.id)}
        await product.flowpilot.sessions.get(by, _id(sessions, 0))
        processor = Processor(product.url)
        for number in range(ROUNDS):
            took = await _round(product.flowpilot, by, sessions, other.id, processor, first=number * ASKED)
            fetching.append(took.pop(FETCHING))
            said(f"fetching one: {fetching[-1]}, in milliseconds")
            for kind, one in took.items():
                searching[kind].append(one.over(fetching[-1]))
                said(f"{kind}, times that: {searching[kind][-1]}")
        step = await _steps(product.flowpilot, by, said=said)
    return SearchFigure(sessions=sessions, fetching=fetching, searching=searching, step=step, bytes_a_session=float(size) / sessions)


class Processor:
    """How long it was used by this process and by the server's processes that serve it."""

    def __init__(self, url: str) -> None:
        with psycopg.connect(url) as connection:
            pids = connection.execute("SELECT pid FROM pg_stat_activity WHERE usename = %s", (roles.APP,)).fetchall()
        self._files = [Path(f"/proc/{pid}/schedstat") for (pid,) in pids]

    def seconds(self) -> float:
        """Since they began."""
        return time.process_time() + sum(int(file.read_text().split()[0]) for file in self._files) / 1e9


async def _round(flowpilot: FlowPilot, by: Person, sessions: int, other: UserId, processor: Processor, *, first: int) -> dict[str, Took]:
    """All that is asked, one of each kind after the other in any order: so what the machine does besides comes to all of them alike."""
    asking: dict[str, Callable[[int], Awaitable[object]]] = {FETCHING: lambda number: flowpilot.sessions.get(by, _id(sessions, number))}
    asking |= {kind: partial(_find, flowpilot, by, asked) for kind, asked in _asked(sessions, other).items()}
    clock: dict[str, list[float]] = {kind: [] for kind in asking}
    used: dict[str, list[float]] = {kind: [] for kind in asking}
    for number in range(first, first + UNCOUNTED + ASKED):
        for kind in random.sample(list(asking), len(asking)):
            begun, had = time.perf_counter(), processor.seconds()
            await asking[kind](number)
            clock[kind].append(time.perf_counter() - begun)
            used[kind].append(processor.seconds() - had)
    return {kind: Took(clock=_p95(clock[kind]), processor=_p95(used[kind])) for kind in asking}


def _p95(seconds: list[float]) -> float:
    return 1_000 * quantiles(seconds[UNCOUNTED:], n=20)[-1]


async def _find(flowpilot: FlowPilot, by: Person, asked: Callable[[int], Asked], number: int) -> None:
    one = asked(number)
    await flowpilot.search.find(by, one.said, within=one.within, after=one.after, limit=50)


def _id(sessions: int, number: int) -> SessionId:
    return SessionId(_made(1 + number * 7919 % sessions))


def _made(number: int) -> UUID:
    return UUID(hex=f"{FIRST_MADE + number * 1_000:012x}70008000{number:012x}")


def _asked(sessions: int, other: UserId) -> dict[str, Callable[[int], Asked]]:
    def letters(number: int) -> str:
        return str(number).translate(str.maketrans("0123456789", "abcdefghij"))

    def within_a_week(number: int) -> Within:
        start = now - timedelta(days=30 + number % 300)
        return Within(start=start, end=start + timedelta(days=7))

    now = datetime.now(UTC)
    last = Place(score=1, stars=NO_STARS.mean, id=_made(sessions - 150))
    return {
        "an error code": lambda number: Asked(f"0x{1 + number * 7919 % sessions:08x}"),
        "a host": lambda number: Asked(f"srv-dc{number % 500}.contoso.local"),
        "a word of many": lambda number: Asked(f"w{letters(number % 20)}"),
        "its later page": lambda number: Asked(f"w{letters(number % 20)}", after=last),
        "a word of few": lambda number: Asked(f"w{letters(10_000 + number * 31 % 9_000)}"),
        "two words": lambda number: Asked(f"w{letters(number % 50)} w{letters(1_000 + number * 13 % 9_000)}"),
        "a phrase": lambda number: Asked(f'"w{letters(number % 20)} w{letters(number * 7 % 30)}"'),
        "a typo in a title": lambda number: Asked(f"t{letters(1_000 + number * 7 % 2_000)[:-1]}z"),
        "without a word": lambda number: Asked(f"w{letters(number % 50)} -w{letters(number % 20)}"),
        "of one client": lambda number: Asked(f"w{letters(number % 20)}", within=Within(client_name=f"Client {number % 50}")),
        "of one person": lambda number: Asked(f"w{letters(number % 20)}", within=Within(assignee_id=other)),
        "of one kind": lambda number: Asked(f"w{letters(number % 20)}", within=Within(kind=HitKind.SESSION)),
        "of one week": lambda number: Asked(f"w{letters(number % 20)}", within=within_a_week(number)),
        "of none of these": lambda number: Asked(f"w{letters(number % 20)}", within=Within(kind=HitKind.TREE, client_name="Client 7")),
    }


async def _steps(flowpilot: FlowPilot, by: Person, *, said: Callable[[str], None]) -> float:
    """The middle of the rounds' ratios, with and without in turn by chance."""
    indexing = due_work.index_for_search
    ratios = []
    for _ in range(ROUNDS):
        took = {True: list[float](), False: list[float]()}
        case = await flowpilot.sessions.start(by, title="A step", problem="and another")
        for _ in range(2 * STEPS):
            with_index = random.random() < 0.5
            _patch(indexing if with_index else _nothing)
            begun = time.perf_counter()
            await flowpilot.sessions.add_step(by, case.session.id, kind=StepKind.ACTION, content="restarted the spooler on the server")
            took[with_index].append(time.perf_counter() - begun)
        ratios.append(median(took[True]) / median(took[False]))
    _patch(indexing)
    said(f"adding a step: {median(ratios):.3f} times what it takes without ({min(ratios):.3f} to {max(ratios):.3f})")
    return median(ratios)


def _nothing(*_: object) -> None:
    """In the place of what has search look at something."""


def _patch(indexing: Callable[..., None]) -> None:
    vars(kept)["index_for_search"] = indexing


def main() -> int:
    """Measure, and print a line for each question, or one line of JSON; 1 where one takes longer than it may."""
    parser = argparse.ArgumentParser(prog="python -m bench.search", description="Finding something, beside fetching a session.")
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--json", action="store_true", help="one line of JSON, and nothing else")
    arguments = parser.parse_args()
    console = Console(stderr=arguments.json)
    figure = asyncio.run(measure(arguments.sessions, said=console.log))
    if arguments.json:
        told = {kind: [round(middle(rounds).clock, 2), round(middle(rounds).processor, 2)] for kind, rounds in figure.searching.items()}
        bounds = {"slowest": SLOWEST, "dearest": DEAREST}
        fetching = round(middle(figure.fetching).clock, 2)
        print(json.dumps({"sessions": figure.sessions, "fetching_ms": fetching, "ratios": told, "step": figure.step, **bounds}))
    else:
        console.print(f"{figure.sessions:,} sessions, {figure.bytes_a_session:.0f} bytes of index for each")
        console.print(_drawn(figure))
        console.print(f"Adding a step takes {figure.step:.3f} times what it takes without an index, {DEAREST} at most")
    return int(not figure.is_within)


def _drawn(figure: SearchFigure) -> Table:
    drawn = Table("p95", "by the clock", "of a processor", title=f"Times fetching one session, {SLOWEST:.0f} at most")
    drawn.add_row(FETCHING, *(f"{took:.2f} ms" for took in (middle(figure.fetching).clock, middle(figure.fetching).processor)))
    for kind, rounds in figure.searching.items():
        drawn.add_row(kind, _spread([one.clock for one in rounds]), _spread([one.processor for one in rounds]))
    return drawn


def _spread(ratios: list[float]) -> str:
    return f"{median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"


if __name__ == "__main__":
    sys.exit(main())
