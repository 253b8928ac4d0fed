"""What finding something among many sessions takes, beside fetching one, and what adding a step takes with an index to keep.

Made in bulk: `--sessions` of them, each with a problem of words of which some stand in many and some in few, a host and an error code.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from uuid import UUID

import psycopg
from attrs import frozen
from rich.console import Console

from flowpilot_adapters.embedded_postgres import EmbeddedPostgres
from flowpilot_adapters.sql import Database, migrations, roles
from flowpilot_adapters.sql.relay import due_work
from flowpilot_adapters.sql.sessions import sessions as kept
from flowpilot_adapters.system import SystemClock, new_id, new_secret
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.identifiers import SessionId
from flowpilot_core.domain.sessions.step import StepKind

SESSIONS = 1_000_000
ASKED = 300
"""Of each."""
ROUNDS = 5
STEPS = 150
"""In a round, with the index and without."""
SLOWEST = 10.0
"""Times fetching a session, at the 95th percentile."""
DEAREST = 1.15
"""Times adding a step without an index."""

# Words are numbers in letters; how often one stands in a session falls with its number, as in any language.
SEED = """
SET session_replication_role = replica;
CREATE TEMPORARY TABLE made AS
SELECT n, id, branch_id, title, format('%s on srv-dc%s.contoso.local says 0x%s', problem, n % 500, lpad(to_hex(n), 8, '0')) AS problem
FROM (
  SELECT n, lpad(to_hex(n), 32, '0')::uuid AS id, md5('b' || n)::uuid AS branch_id,
    (SELECT string_agg('t' || translate((random() ^ 3 * 3000)::int::text, '0123456789', 'abcdefghij'), ' ')
     FROM generate_series(1, 4 + n * 0)) AS title,
    (SELECT string_agg('w' || translate((random() ^ 3 * 20000)::int::text, '0123456789', 'abcdefghij'), ' ')
     FROM generate_series(1, 25 + n * 0)) AS problem
  FROM generate_series(1, {count}) AS n
) AS written;
INSERT INTO flowpilot.session
  (account_id, id, version, status, title, problem, client_name, priority, assignee_id, parked_with, helper_ids, active_branch_id,
   step_count, created_by, created_at, updated_at)
SELECT '{account}', id, 1, 'active', title, problem, 'Contoso', 'normal', '{person}', '{{}}', '{{}}', branch_id, 0, '{person}', now(), now()
FROM made;
INSERT INTO flowpilot.branch (account_id, session_id, id, number, label, state, created_at)
SELECT '{account}', id, branch_id, 0, 'root', 'open', now() FROM made;
INSERT INTO flowpilot.search_document (account_id, id, kind, session_id, title, is_titled, text, at)
SELECT '{account}', id, 'session', id, title, true, problem, now() FROM made;
INSERT INTO flowpilot.search_word (account_id, word, id, in_title)
SELECT '{account}', word, id, bool_or(in_title)
FROM made CROSS JOIN LATERAL (
  SELECT word, true AS in_title FROM unnest(string_to_array(title, ' ')) AS word
  UNION ALL SELECT word, false FROM unnest(regexp_split_to_array(problem, '[^a-z0-9]+')) AS word
  UNION ALL SELECT word, false FROM unnest(ARRAY['srv dc' || n % 500, 'dc' || n % 500 || ' contoso', 'contoso local']) AS word
) AS said
GROUP BY word, id ORDER BY word, id;
INSERT INTO flowpilot.search_spelling (account_id, spelling, word)
SELECT DISTINCT '{account}'::uuid, overlay(word placing '' from place for 1), word
FROM (SELECT DISTINCT word FROM made CROSS JOIN LATERAL unnest(string_to_array(title, ' ')) AS word) AS titled
CROSS JOIN LATERAL generate_series(1, length(word) + 1) AS place
WHERE length(word) >= 5;
"""
SIZE = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname IN ('search_document', 'search_word', 'search_spelling')"


@frozen(kw_only=True)
class SearchFigure:
    """Milliseconds at the 95th percentile, and what a step takes with the index over what it takes without."""

    sessions: int
    fetching: float
    searching: dict[str, float]
    step: float
    bytes_a_session: float

    @property
    def slowest(self) -> str:
        """What is asked that takes longest."""
        return max(self.searching, key=lambda kind: self.searching[kind])

    @property
    def ratio(self) -> float:
        """That, over fetching a session."""
        return self.searching[self.slowest] / self.fetching


async def measure(sessions: int, *, said: Callable[[str], None]) -> SearchFigure:
    """So many sessions, searched by the product in one account, as the application's role."""
    with tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder, EmbeddedPostgres(Path(folder) / "data") as postgres:
        address = postgres.address
        roles.set_up(address.url())
        migrations.migrate(address.url(user=roles.OWNER))
        database = Database(address.url(user=roles.APP), pool_size=2)
        flowpilot = FlowPilot.of(begin=database.begin, view=database.view, clock=SystemClock(), new_id=new_id, new_secret=new_secret)
        account_id = (await flowpilot.accounts.create("Many sessions")).id
        user = await flowpilot.accounts.add_user(account_id, email="junior@bench.example", name="junior", role=Role.ENGINEER)
        by = user.acting(account_id)
        said(f"making {sessions:,} sessions")
        with psycopg.connect(address.url(), autocommit=True) as connection:
            connection.execute(SEED.format(account=account_id, person=user.id, count=sessions))
            connection.execute("VACUUM (ANALYZE)")
            (size,) = connection.execute(SIZE).fetchone() or (0,)
        fetching = await _p95(lambda number: flowpilot.sessions.get(by, _id(sessions, number)))
        said(f"fetching one: {fetching:.2f} ms")
        searching = {}
        for kind, asked in _asked(sessions).items():
            searching[kind] = await _p95(partial(_find, flowpilot, by, asked))
            said(f"{kind}: {searching[kind]:.2f} ms, {searching[kind] / fetching:.1f} times that")
        step = await _steps(flowpilot, by, said=said)
        await database.close()
    return SearchFigure(sessions=sessions, fetching=fetching, searching=searching, step=step, bytes_a_session=float(size) / sessions)


async def _find(flowpilot: FlowPilot, by: Person, asked: Callable[[int], str], number: int) -> None:
    await flowpilot.search.find(by, asked(number), limit=50)


def _id(sessions: int, number: int) -> SessionId:
    return SessionId(UUID(hex=f"{1 + number * 7919 % sessions:032x}"))


def _asked(sessions: int) -> dict[str, Callable[[int], str]]:
    def letters(number: int) -> str:
        return str(number).translate(str.maketrans("0123456789", "abcdefghij"))

    return {
        "an error code": lambda number: f"0x{1 + number * 7919 % sessions:08x}",
        "a host": lambda number: f"srv-dc{number % 500}.contoso.local",
        "a word of many": lambda number: f"w{letters(number % 20)}",
        "a word of few": lambda number: f"w{letters(10_000 + number * 31 % 9_000)}",
        "two words": lambda number: f"w{letters(number % 50)} w{letters(1_000 + number * 13 % 9_000)}",
        "a typo in a title": lambda number: f"t{letters(1_000 + number * 7 % 2_000)[:-1]}z",
        "without a word": lambda number: f"w{letters(number % 50)} -w{letters(number % 20)}",
    }


async def _p95(ask: Callable[[int], Awaitable[object]]) -> float:
    times = []
    for number in range(ASKED + 20):
        begun = time.perf_counter()
        await ask(number)
        times.append(time.perf_counter() - begun)
    # The first ones find nothing in any cache.
    return 1_000 * quantiles(times[20:], n=20)[-1]


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


def main() -> None:
    """Measure, and print a line for each question, or one line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.search", description="Finding something, beside fetching a session.")
    parser.add_argument("--sessions", type=int, default=SESSIONS)
    parser.add_argument("--json", action="store_true", help="one line of JSON, and nothing else")
    arguments = parser.parse_args()
    console = Console(stderr=arguments.json)
    figure = asyncio.run(measure(arguments.sessions, said=console.log))
    if arguments.json:
        told = {kind: round(took / figure.fetching, 2) for kind, took in figure.searching.items()}
        bounds = {"slowest": SLOWEST, "dearest": DEAREST}
        print(
            json.dumps(
                {"sessions": figure.sessions, "fetching_ms": round(figure.fetching, 2), "ratios": told, "step": figure.step, **bounds}
            )
        )
        return
    console.print(
        f"{figure.sessions:,} sessions, {figure.bytes_a_session:.0f} bytes of index for each: {figure.slowest} takes"
        f" {figure.ratio:.1f} times what fetching one does, {SLOWEST:.0f} at most; a step {figure.step:.3f} times, {DEAREST} at most"
    )


if __name__ == "__main__":
    main()
