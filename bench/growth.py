"""How the hot paths fare as an installation grows to a million sessions, in 1, 100 and 10,000 accounts.

An installation of each size stands beside the others, in a database of its own, and all are asked in turn: how fast a machine is changes
while an installation grows. What is counted is operations for each second of a processor, ours and the database's, which other work on the
machine moves little.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median

import psycopg
import uvloop
from attrs import define, evolve, field, frozen
from psycopg.sql import SQL, Composable, Identifier, Literal

from flowpilot_adapters.embedded_postgres import SUPERUSER, EmbeddedPostgres
from flowpilot_adapters.sql import Database, migrations, roles
from flowpilot_adapters.system import SystemClock, new_id, new_secret
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.identifiers import AccountId, HandoffId, SessionId
from flowpilot_core.domain.sessions.bounds import Bounds
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.ports.handoffs import QueueFilter
from flowpilot_core.ports.sessions import SessionFilter

from .data import TABLES, a_quarter_of_memory, numbered, template_ids, unindexed
from .hot_paths import a_postgres
from .workers import processor_time

SIZES = (10_000, 100_000, 1_000_000)
"""Sessions, of ten steps each."""
ACCOUNTS = (1, 100, 10_000)
STEPS = 10
ROUNDS = 9
OPERATIONS = 100
"""Of each path in a round."""
LOOKED_AT = 20
"""Operations of which pages are counted."""
PAGES = (
    "SELECT sum(shared_blks_hit)::bigint, sum(shared_blks_read)::bigint FROM pg_stat_statements"
    " WHERE userid = (SELECT oid FROM pg_roles WHERE rolname = %s)"
)
PAGE = 50
"""Of the queue and of a list, or as many as there are in each account at the smallest size, so that a page is the same work at all."""
EVENTS = 10
"""Of a page of the log: as many as there are of one session, so that each page is full."""
LEAST = 0.8
"""Of the rate at the smallest size."""
MARKS = (10, 100, 1_000, 10_000)
"""Steps of the session that gets more."""
BOUNDS = Bounds(steps=20_000, bytes=1 << 30)
COPIED = {**TABLES, "event": ("id", "session_id", "handoff_id")}
"""The tables of a session that is copied, each with its columns that differ from copy to copy."""
COPYING = 2
"""Connections."""
OF_AN_ACCOUNT = ("account", "event_counter", "audit_head", "person")
ACTIVE, ESCALATED, RESOLVED = range(3)
KINDS = (ACTIVE, ESCALATED, RESOLVED, RESOLVED)
"""Of four sessions in a row."""
COLOURS = {1: "#1f77b4", 100: "#d9730d", 10_000: "#2ca02c"}
DRAWING = Path(__file__).parent.parent / "docs/explanation/growth.svg"

Rates = dict[tuple[str, int, int], list[float]]
"""Operations for each second of a processor, round by round, by path, accounts and sessions."""


@frozen(kw_only=True)
class Kind:
    """A session that is copied, in the first of the accounts."""

    session_id: SessionId
    handoff_id: HandoffId | None


@define
class Installation:
    """Accounts with the same people in each, and copies of three sessions spread over them."""

    superuser: str
    database: Database
    flowpilot: FlowPilot
    account_id: AccountId
    junior: Person
    senior: Person
    kinds: tuple[Kind, ...]
    accounts: int
    page: int
    """Items of a page."""
    logged: int = 0
    """The greatest number of an event."""
    unused: dict[int, list[int]] = field(factory=dict)
    """Numbers of copies by kind, in any order, that nothing was done with."""

    def account(self, number: int) -> AccountId:
        """Where copy `number` is."""
        return AccountId(numbered(self.account_id, number % self.accounts))

    def take(self, kind: int) -> tuple[AccountId, Kind]:
        """One of that kind, and its account; nobody gets it again."""
        number = self.unused[kind].pop()
        found = self.kinds[kind]
        handoff_id = found.handoff_id and HandoffId(numbered(found.handoff_id, number))
        return self.account(number), Kind(session_id=SessionId(numbered(found.session_id, number)), handoff_id=handoff_id)

    def look(self) -> tuple[AccountId, Kind]:
        """Any of those that are resolved, and its account."""
        number = random.choice(self.unused[RESOLVED])
        return self.account(number), Kind(session_id=SessionId(numbered(self.kinds[RESOLVED].session_id, number)), handoff_id=None)

    def fill(self, sessions: int) -> None:
        """Have so many. As the superuser, without checks: they hold for copies as for what is copied."""
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            self.logged = self._greatest(connection)
            with unindexed(connection, COPIED), ThreadPoolExecutor(COPYING) as pool:
                for done in [pool.submit(self._copy, table, kind, sessions) for table in COPIED for kind in range(len(self.kinds))]:
                    done.result()
            self.logged = self._greatest(connection)
            last = "UPDATE flowpilot.event_counter c SET number = greatest(c.number, e.most) FROM "
            most = "(SELECT account_id, max(number) AS most FROM flowpilot.event GROUP BY account_id) e WHERE c.account_id = e.account_id"
            connection.execute((last + most).encode())
            connection.execute("VACUUM (FREEZE, ANALYZE)")
            connection.execute("CHECKPOINT")
        self.unused = {kind: [] for kind in (ACTIVE, ESCALATED, RESOLVED)}
        for number in range(1, sessions + 1):
            self.unused[KINDS[(number // self.accounts + number % self.accounts) % len(KINDS)]].append(number)
        for numbers in self.unused.values():
            random.shuffle(numbers)

    @staticmethod
    def _greatest(connection: "psycopg.Connection[tuple[object, ...]]") -> int:
        ((most,),) = connection.execute("SELECT max(number) FROM flowpilot.event").fetchall()
        assert isinstance(most, int)
        return most

    def _copy(self, table: str, kind: int, sessions: int) -> None:
        template = self.kinds[kind]
        wanted = template.handoff_id if table == "handoff_snapshot" else template.session_id
        if wanted is None:
            return
        places = [place for place, one in enumerate(KINDS) if one == kind]
        numbers = SQL("(SELECT n FROM generate_series(1, {}) n WHERE (n / {a} + n % {a}) % {} = ANY ({})) AS copies").format(
            Literal(sessions), Literal(len(KINDS)), Literal(places), a=Literal(self.accounts)
        )
        key = {"session": "id", "handoff_snapshot": "handoff_id"}.get(table, "session_id")
        changed: dict[str, Composable] = {one: _overlaid(SQL("t.") + Identifier(one), SQL("n")) for one in COPIED[table]}
        changed["account_id"] = _overlaid(SQL("t.account_id"), SQL("n % {}").format(Literal(self.accounts)))
        if table == "event":
            # Those that the template had, further up the log of its account.
            changed["number"] = SQL("{} + (n / {}) * 100 + t.number").format(Literal(self.logged), Literal(self.accounts))
        if table == "handoff":
            changed["escalated_at"] = SQL("t.escalated_at + n * interval '1 millisecond'")
        where = SQL("t.account_id = {} AND t.{} = {}").format(Literal(self.account_id), Identifier(key), Literal(wanted))
        with psycopg.connect(self.superuser, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")
            _insert(connection, table, changed, numbers, where)


def _overlaid(column: Composable, number: Composable) -> Composable:
    return SQL("overlay({}::text placing lpad(to_hex({}), 12, '0') from 25)::uuid").format(column, number)


def _insert(
    connection: "psycopg.Connection[tuple[object, ...]]",
    table: str,
    changed: Mapping[str, Composable],
    numbers: Composable,
    where: Composable,
) -> None:
    named = (
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'flowpilot' AND table_name = %s AND is_generated = 'NEVER'"
    )
    columns = [str(name) for (name,) in connection.execute(named, (table,))]
    values = [changed.get(name, SQL("t.") + Identifier(name)) for name in columns]
    connection.execute(
        # What is of one copy comes one after the other, as it does where people work, and not each row far from the next.
        SQL("INSERT INTO flowpilot.{} ({}) SELECT {} FROM {}, LATERAL ({}) t").format(
            Identifier(table),
            SQL(", ").join(map(Identifier, columns)),
            SQL(", ").join(values),
            numbers,
            SQL("SELECT * FROM flowpilot.{} t WHERE {} AND n IS NOT NULL OFFSET 0").format(Identifier(table), where),
        )
    )


async def an_installation(postgres: EmbeddedPostgres, name: str, accounts: int, *, page: int) -> Installation:
    """The accounts, in a database of that name, with nothing in them but what is copied."""
    with psycopg.connect(postgres.address.url(), autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    superuser, owner, app = (postgres.address.url(user=user, database=name) for user in (SUPERUSER, roles.OWNER, roles.APP))
    roles.set_up(superuser)
    migrations.migrate(owner)
    database = Database(app)
    # Of their own, so that the last twelve digits are free for the number of a copy.
    making = FlowPilot.of(begin=database.begin, view=database.view, clock=SystemClock(), new_id=template_ids(), new_secret=new_secret)
    account = await making.accounts.create("Growing")
    junior, senior = [
        (await making.accounts.add_user(account.id, email=f"{name}@bench.example", name=name, role=Role.ENGINEER)).acting(account.id)
        for name in ("Junior", "Senior")
    ]
    kinds = [await _a_kind(making, junior, kind) for kind in (ACTIVE, ESCALATED, RESOLVED)]
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        others = SQL("generate_series(1, {}) AS n").format(Literal(accounts - 1))
        for table in OF_AN_ACCOUNT:
            where = SQL("t.account_id = {}").format(Literal(account.id))
            _insert(connection, table, {"account_id": _overlaid(SQL("t.account_id"), SQL("n"))}, others, where)
    flowpilot = FlowPilot.of(
        begin=database.begin, view=database.view, clock=SystemClock(), new_id=new_id, new_secret=new_secret, bounds=BOUNDS
    )
    return Installation(superuser, database, flowpilot, account.id, junior, senior, tuple(kinds), accounts, page)


async def _a_kind(flowpilot: FlowPilot, by: Person, kind: int) -> Kind:
    session_id = (
        await flowpilot.sessions.start(by, title="No mail since Monday", problem="Nobody at the branch office gets mail.")
    ).session.id
    for number in range(STEPS):
        result = StepResult.FAILED if number % 2 else StepResult.WORKED
        content, evidence = f"Try number {number}", "line of a log\n" * 5
        await flowpilot.sessions.add_step(by, session_id, kind=StepKind.ACTION, content=content, result=result, evidence=evidence)
    if kind == ESCALATED:
        made = await flowpilot.handoffs.hand_off(by, session_id, intent=Intent.ESCALATE, reason="I am out of ideas")
        return Kind(session_id=session_id, handoff_id=made.handoff.id)
    if kind == RESOLVED:
        await flowpilot.sessions.resolve(by, session_id, summary="The MX record was wrong.")
    return Kind(session_id=session_id, handoff_id=None)


def paths(here: Installation) -> dict[str, Callable[[], Awaitable[object]]]:
    """What is measured: each does its work once, somewhere."""
    flowpilot, by = here.flowpilot, here.junior.user_id

    def junior(account_id: AccountId) -> Person:
        return evolve(here.junior, account_id=account_id)

    def senior(account_id: AccountId) -> Person:
        return evolve(here.senior, account_id=account_id)

    async def escalate() -> object:
        account_id, one = here.take(ACTIVE)
        return await flowpilot.handoffs.hand_off(junior(account_id), one.session_id, intent=Intent.ESCALATE, reason="Out of ideas")

    async def claim() -> object:
        account_id, one = here.take(ESCALATED)
        assert one.handoff_id is not None
        return await flowpilot.handoffs.claim(senior(account_id), one.handoff_id)

    async def queue() -> object:
        account_id = here.account(random.choice(here.unused[ESCALATED]))
        return await flowpilot.handoffs.queue(senior(account_id), QueueFilter(), after=None, limit=here.page)

    async def session() -> object:
        account_id, one = here.look()
        return await flowpilot.sessions.get(junior(account_id), one.session_id)

    async def add_step() -> object:
        account_id, one = here.take(ACTIVE)
        return await flowpilot.sessions.add_step(junior(account_id), one.session_id, kind=StepKind.NOTE, content="Looked again")

    async def sessions() -> object:
        account_id, _ = here.look()
        return await flowpilot.sessions.list(junior(account_id), SessionFilter(assignee_id=by), after=None, limit=here.page)

    async def timeline() -> object:
        account_id, one = here.look()
        return await flowpilot.sessions.timeline(junior(account_id), one.session_id, after=0, limit=PAGE)

    async def events() -> object:
        account_id, _ = here.look()
        view = here.database.view(account_id)
        page = await view.events(after=random.randrange(max(1, here.logged - 200)), limit=EVENTS)
        if len(page) < EVENTS:
            raise RuntimeError(f"{len(page)} events where there should be {EVENTS}")
        return page

    return {
        "escalate": escalate,
        "claim": claim,
        "queue": queue,
        "get session": session,
        "add a step": add_step,
        "my sessions": sessions,
        "timeline": timeline,
        "read events": events,
    }


async def _rate(work: Callable[[], Awaitable[object]], server: int, operations: int) -> float:
    before = time.process_time() + processor_time(server)
    for _ in range(operations):
        await work()
    return operations / (time.process_time() + processor_time(server) - before)


async def _pages(connection: "psycopg.Connection[tuple[int, int]]", path: str, work: Callable[[], Awaitable[object]]) -> str:
    """How many the database looks at for each."""
    connection.execute("SELECT pg_stat_statements_reset()")
    for _ in range(LOOKED_AT):
        await work()
    ((hit, read),) = connection.execute(PAGES, (roles.APP,)).fetchall()
    return f"{path} {(hit + read) / LOOKED_AT:.0f} and {read / LOOKED_AT:.1f}"


async def measure(*, sizes: tuple[int, ...], accounts: tuple[int, ...], said: Callable[[str], None]) -> Rates:
    """Every path at every size, round by round in shuffled order."""
    found: Rates = {}
    for number in accounts:
        with (
            tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder,
            a_postgres(
                Path(folder) / "data", shared_preload_libraries="pg_stat_statements", shared_buffers=a_quarter_of_memory()
            ) as postgres,
        ):
            server = _postmaster(Path(folder) / "data")
            page = max(1, min(PAGE, sizes[0] // len(KINDS) // number))
            installations: dict[int, Installation] = {}
            # The greatest first: it is more than memory holds, and would leave nothing there of the others.
            for size in sorted(sizes, reverse=True):
                begun = time.perf_counter()
                here = await an_installation(postgres, f"of {size} sessions", number, page=page)
                here.fill(size)
                said(f"{size:,} sessions in {number:,} accounts, made in {time.perf_counter() - begun:.0f} s")
                installations[size] = here
            work = {size: paths(here) for size, here in installations.items()}
            found |= {(path, number, size): [] for path in work[sizes[0]] for size in sizes}
            for size in sizes:
                for warm in work[size].values():
                    await _rate(warm, server, 20)
            for _ in range(ROUNDS):
                for path in random.sample(list(work[sizes[0]]), len(work[sizes[0]])):
                    for size in random.sample(sizes, len(sizes)):
                        found[path, number, size].append(await _rate(work[size][path], server, OPERATIONS))
            with psycopg.connect(postgres.address.url(), autocommit=True) as connection:
                connection.execute("CREATE EXTENSION pg_stat_statements")
                for size, here in installations.items():
                    pages = ", ".join([await _pages(connection, path, one) for path, one in work[size].items()])
                    said(f"{size:,} sessions: pages of each, and how many of them not in shared buffers: {pages}")
                    await here.database.close()
    return found


async def steps() -> dict[int, list[float]]:
    """Steps added to a session for each second of a processor, round by round, by how many it had at first."""
    with tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder, a_postgres(Path(folder) / "data") as postgres:
        server = _postmaster(Path(folder) / "data")
        here = await an_installation(postgres, "of long sessions", 1, page=PAGE)
        sessions = {mark: (await _a_kind(here.flowpilot, here.junior, ACTIVE)).session_id for mark in MARKS}
        _more_steps(here, sessions)
        add = partial(here.flowpilot.sessions.add_step, here.junior, kind=StepKind.NOTE, content="Looked again")
        adding = {mark: partial(add, session_id) for mark, session_id in sessions.items()}
        found: dict[int, list[float]] = {mark: [] for mark in MARKS}
        for mark in MARKS:
            await _rate(adding[mark], server, 5)
        for _ in range(ROUNDS):
            for mark in random.sample(MARKS, len(MARKS)):
                found[mark].append(await _rate(adding[mark], server, 20))
        await here.database.close()
    return found


def _more_steps(here: Installation, sessions: Mapping[int, SessionId]) -> None:
    with psycopg.connect(here.superuser, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for mark, session_id in sessions.items():
            numbers = SQL("generate_series({}, {}) AS n").format(Literal(STEPS + 1), Literal(mark))
            changed: dict[str, Composable] = {"id": SQL("gen_random_uuid()"), "number": SQL("n")}
            _insert(connection, "step", changed, numbers, SQL("t.session_id = {} AND t.number = 2").format(Literal(session_id)))
            connection.execute("UPDATE flowpilot.session SET step_count = %s WHERE id = %s", (mark, session_id))
        connection.execute("VACUUM ANALYZE")


def _postmaster(data: Path) -> int:
    return int((data / "cluster" / "postmaster.pid").read_text().splitlines()[0])


def drawing(rates: Rates, sizes: tuple[int, ...]) -> str:
    """Each path's rate over the one at the smallest size, as an SVG."""
    names = list(dict.fromkeys(path for path, *_ in rates))
    wide, high, columns = 210, 150, 4
    rows = -(-len(names) // columns)
    box = f"{wide * columns} {high * rows + 30}"
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {box}" font-family="sans-serif" font-size="11">',
        "<title>The rate of each path over its rate with the fewest sessions</title>",
        f'<rect width="{wide * columns}" height="{high * rows + 30}" fill="#fff"/>',
    ]
    for place, name in enumerate(names):
        x, y = place % columns * wide, place // columns * high
        drawn += _panel(name, rates, sizes, x, y)
    for place, (accounts, colour) in enumerate(COLOURS.items()):
        drawn.append(
            f'<text x="{40 + place * 150}" y="{high * rows + 18}" fill="{colour}">{accounts:,} account{"s" * (accounts > 1)}</text>'
        )
    return "\n".join([*drawn, "</svg>", ""])


def _panel(name: str, rates: Rates, sizes: tuple[int, ...], x: int, y: int) -> Iterator[str]:
    def at(size: int, ratio: float) -> str:
        across = x + 40 + 150 * sizes.index(size) / max(1, len(sizes) - 1)
        return f"{across:.1f},{y + 120 - 60 * min(ratio, 1.6):.1f}"

    yield f'<text x="{x + 40}" y="{y + 16}" font-weight="bold">{name}</text>'
    for ratio in (0.0, LEAST, 1.0):
        begin, end = at(sizes[0], ratio), at(sizes[-1], ratio)
        dashes = ' stroke-dasharray="3"' if ratio == LEAST else ""
        yield f'<polyline points="{begin} {end}" stroke="#999" fill="none"{dashes}/>'
        yield f'<text x="{x + 14}" y="{float(begin.split(",")[1]) + 4:.1f}" fill="#666">{ratio:.1f}</text>'
    for size in sizes:
        across = at(size, 0.0).split(",")[0]
        yield f'<text x="{across}" y="{y + 134}" text-anchor="middle" fill="#666">{size:,}</text>'
    for accounts, colour in COLOURS.items():
        found = {size: share(rates, name, accounts, size, sizes) for size in sizes}
        points = [at(size, ratio) for size, ratio in found.items() if ratio is not None]
        if points:
            yield f'<polyline points="{" ".join(points)}" stroke="{colour}" fill="none" stroke-width="2"/>'


def share(rates: Rates, path: str, accounts: int, size: int, sizes: tuple[int, ...]) -> float | None:
    """The rate over the one at the smallest size, in the middle of the rounds."""
    if (path, accounts, size) not in rates:
        return None
    return _ratio(rates[path, accounts, size], rates[path, accounts, sizes[0]])


def _ratio(rates: list[float], least: list[float]) -> float:
    return median(one / other for one, other in zip(rates, least, strict=True))


def main() -> int:
    """Ends with 0 only if every path keeps enough of its rate, and adding a step too however many there are."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="sessions, the fewest first")
    parser.add_argument("--accounts", type=int, nargs="+", default=ACCOUNTS)
    parser.add_argument("--draw", action="store_true", help=f"write {DRAWING.name} beside the page that shows it")
    arguments = parser.parse_args()
    sizes, accounts = tuple(arguments.sizes), tuple(arguments.accounts)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rates = runner.run(measure(sizes=sizes, accounts=accounts, said=lambda line: print(line, file=sys.stderr, flush=True)))
        longer = runner.run(steps())
    print("| path | accounts | " + " | ".join(f"{size:,} sessions" for size in sizes) + " |")
    print("| --- " * (len(sizes) + 2) + "|")
    holds = True
    for path, number in dict.fromkeys((path, number) for path, number, _ in rates):
        shares = [share(rates, path, number, size, sizes) or 0.0 for size in sizes]
        holds = holds and min(shares) >= LEAST
        told = [f"{median(rates[path, number, size]):,.0f} ({one:.2f})" for size, one in zip(sizes, shares, strict=True)]
        print(f"| {path} | {number:,} | " + " | ".join(told) + " |")
    kept = {mark: _ratio(ones, longer[MARKS[0]]) for mark, ones in longer.items()}
    holds = holds and min(kept.values()) >= LEAST
    print(
        "added to a session of so many steps: " + ", ".join(f"{mark:,}: {median(longer[mark]):,.0f} ({kept[mark]:.2f})" for mark in MARKS)
    )
    if arguments.draw:
        DRAWING.write_text(drawing(rates, sizes))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
