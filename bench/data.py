"""What is measured on: an account made through the use cases, and as many copies of its session as the runs use up."""

import os
import tempfile
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from attrs import frozen
from psycopg.sql import SQL, Identifier

from flowpilot_adapters.embedded_postgres import EmbeddedPostgres
from flowpilot_adapters.sql import Database, migrations, roles
from flowpilot_adapters.system import SystemClock, new_id, new_secret
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.identifiers import AccountId, HandoffId, SessionId
from flowpilot_core.domain.sessions.branch import Option
from flowpilot_core.domain.sessions.step import StepKind, StepResult

SENIORS = 5
STEPS = 12
TABLES = {
    "session": ("id", "active_branch_id", "latest_handoff_id"),
    "branch": ("id", "session_id", "parent_id", "fork_point_id"),
    "fork_point": ("id", "session_id", "branch_id", "at_step_id"),
    "step": ("id", "session_id", "branch_id"),
    "handoff": ("id", "session_id"),
    "handoff_snapshot": ("handoff_id",),
}
"""The tables of a session, each with its columns that differ from copy to copy."""

BULK = "SET work_mem = '256MB'; SET synchronous_commit = off"


def numbered(template: UUID, number: int) -> UUID:
    """The id that copy `number` has where the template, which is copy 0, has `template`."""
    return UUID(f"{str(template)[:24]}{number:012x}")


def template_ids() -> Callable[[], UUID]:
    """Ids whose last twelve digits are free for the number of a copy; no two calls give out the same."""
    numbers: Iterator[int] = count(next(_SERIES) * 0x10000)
    return lambda: UUID(f"{next(numbers):08x}-0000-7000-8000-{0:012x}")


_SERIES = count(1)


@frozen(kw_only=True)
class Product:
    """The use cases on a database of their own, as the application's role."""

    database: Database
    flowpilot: FlowPilot
    url: str
    """Of whoever may do anything to the database."""

    def fill(self, seed: str, *tables: str) -> None:
        """With rows made in bulk; of the tables that get most of them, what they are found by is made afterwards."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(BULK)
            with unindexed(connection, tables):
                connection.execute(seed.encode())
            connection.execute("VACUUM (ANALYZE)")


@contextmanager
def unindexed(connection: "psycopg.Connection[Any]", tables: Collection[str]) -> Iterator[None]:
    """Have no new row of these put into an index by itself, which takes longer than all else: the indexes are made anew in the end.

    What is there already is found by them meanwhile, and keys that others refer to stay. For a superuser, without checks of keys.
    """
    connection.execute(
        "UPDATE pg_index SET indisready = false FROM pg_class c"
        " WHERE c.oid = indrelid AND c.relnamespace = 'flowpilot'::regnamespace AND c.relname = ANY (%s)",
        (list(tables),),
    )
    yield
    connection.execute("SET maintenance_work_mem = '1GB'")
    for table in tables:
        connection.execute(SQL("REINDEX TABLE flowpilot.{}").format(Identifier(table)))


def a_quarter_of_memory() -> str:
    """What PostgreSQL's manual advises for `shared_buffers` where a server has the machine for itself, in its own words."""
    return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') // 4 // 2**20}MB"


@asynccontextmanager
async def a_product() -> AsyncIterator[Product]:
    """Deleted afterwards, with all that is in it."""
    with (
        tempfile.TemporaryDirectory(prefix="flowpilot-bench-") as folder,
        EmbeddedPostgres(Path(folder) / "data", settings={"max_wal_size": "16GB", "shared_buffers": a_quarter_of_memory()}) as postgres,
    ):
        address = postgres.address
        roles.set_up(address.url())
        migrations.migrate(address.url(user=roles.OWNER))
        database = Database(address.url(user=roles.APP), pool_size=2)
        flowpilot = FlowPilot.of(begin=database.begin, view=database.view, clock=SystemClock(), new_id=new_id, new_secret=new_secret)
        yield Product(database=database, flowpilot=flowpilot, url=address.url())
        await database.close()


@frozen(kw_only=True)
class Template:
    """One account with one session that is copied."""

    account_id: AccountId
    junior: Person
    senior: Person
    junior_token: str
    senior_token: str
    other_token: str
    """Of another senior."""
    session_id: SessionId
    handoff_id: HandoffId | None
    flowpilot: FlowPilot
    """Makes ids that are a template's, so that what it does can be done again for each copy."""


async def a_template(database: Database, name: str, *, escalated: bool) -> Template:
    """An account with six people, and a session of three branches and twelve steps, escalated if asked for."""
    ordinary = FlowPilot.of(begin=database.begin, view=database.view, clock=SystemClock(), new_id=new_id, new_secret=new_secret)
    account = await ordinary.accounts.create(name)
    junior = await ordinary.accounts.add_user(account.id, email="junior@bench.example", name="Junior", role=Role.ENGINEER)
    seniors = [
        await ordinary.accounts.add_user(account.id, email=f"senior{n}@bench.example", name=f"Senior {n}", role=Role.ENGINEER)
        for n in range(SENIORS)
    ]
    _, junior_token = await ordinary.accounts.add_token(account.id, junior.id)
    _, senior_token = await ordinary.accounts.add_token(account.id, seniors[0].id)
    _, other_token = await ordinary.accounts.add_token(account.id, seniors[1].id)
    flowpilot = FlowPilot.of(begin=database.begin, view=database.view, clock=SystemClock(), new_id=template_ids(), new_secret=new_secret)
    by = junior.acting(account.id)
    session = (await flowpilot.sessions.start(by, title="No mail since Monday", problem="Nobody at the branch office gets mail.")).session
    step = (await flowpilot.sessions.add_step(by, session.id, kind=StepKind.QUESTION, content="Since when?")).step
    options = [Option(label="DNS", hypothesis="The MX record is wrong."), Option(label="Firewall", hypothesis="Port 25 is closed.")]
    await flowpilot.sessions.fork(by, session.id, at_step_id=step.id, reason="Two suspects", options=options)
    for number in range(1, STEPS):
        result = StepResult.FAILED if number % 2 else StepResult.WORKED
        await flowpilot.sessions.add_step(
            by, session.id, kind=StepKind.ACTION, content=f"Try number {number}", result=result, evidence="line of a log\n" * 20
        )
    handoff_id = None
    if escalated:
        handoff = await flowpilot.handoffs.hand_off(by, session.id, intent=Intent.ESCALATE, reason="I am out of ideas")
        handoff_id = handoff.handoff.id
    return Template(
        account_id=account.id,
        junior=by,
        senior=seniors[0].acting(account.id),
        junior_token=junior_token,
        senior_token=senior_token,
        other_token=other_token,
        session_id=session.id,
        handoff_id=handoff_id,
        flowpilot=flowpilot,
    )


def copy(superuser: str, copies: int, *templates: Template) -> None:
    """Make copies 1 to `copies` of each template's session. As the superuser, without checks: they hold for copies as for the template."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for template in templates:
            for table, ids in TABLES.items():
                changed = ", ".join(f"'{column}', overlay(t.{column}::text placing lpad(to_hex(n), 12, '0') from 25)" for column in ids)
                waits = ", 'escalated_at', t.escalated_at + n * interval '1 millisecond'" if table == "handoff" else ""
                key = {"session": "id", "handoff_snapshot": "handoff_id"}.get(table, "session_id")
                wanted = template.handoff_id if table == "handoff_snapshot" else template.session_id
                connection.execute(
                    f"INSERT INTO flowpilot.{table} SELECT r.* FROM flowpilot.{table} t, generate_series(1, %s) n,"
                    f" jsonb_populate_record(t, jsonb_build_object({changed}{waits})) r"
                    f" WHERE t.account_id = %s AND t.{key} = %s",
                    (copies, template.account_id, wanted),
                )
        connection.execute("VACUUM ANALYZE")


def forget_due_work(superuser: str) -> None:
    """Nothing is due any more, so that no measurement begins with what the one before left to do."""
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("TRUNCATE flowpilot.due_work")
