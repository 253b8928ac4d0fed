"""The database: found or started, migrated, waited for, and examined before anything is served from it."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import timedelta
from typing import Final

from attrs import frozen

from flowpilot_adapters.embedded_postgres import EmbeddedPostgres, PostgresFailed
from flowpilot_adapters.sql import Database, SqlMarks, SqlOutbox, migrations, roles, tenancy
from flowpilot_core.application.knowledge.library import Brought
from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_http import late
from flowpilot_http.logs import PREPARING
from flowpilot_http.settings import Settings, variable

from .failures import CannotRun, first_line

log = logging.getLogger("flowpilot.database")
preparing = logging.getLogger(PREPARING)

PATIENCE: Final = 30.0
"""Seconds that a start waits for a database that does not answer."""
BETWEEN_TRIES: Final = 1.0
RELAYS_PATIENCE: Final = timedelta(minutes=1)
"""For a connection that other work of the relay has: having waited is no failure of the work, and costs it no try. Less than a lease."""


@frozen(kw_only=True)
class Urls:
    """One database, as each role; None where nobody told."""

    app: str
    relay: str | None
    owner: str | None
    backup: str | None


@contextmanager
def database_of(settings: Settings) -> Iterator[Urls]:
    """The database: the one that was named, or our own, started if need be, set up and migrated. Raises `CannotRun`."""
    if settings.database_url is not None:
        yield Urls(
            app=settings.database_url,
            relay=settings.relay_database_url,
            owner=settings.migration_database_url,
            backup=settings.backup_database_url,
        )
        return
    embedded = EmbeddedPostgres(settings.data_dir)
    try:
        address = embedded.start()
    except PostgresFailed as exc:
        raise CannotRun(f"the embedded database did not start: {exc}") from exc
    try:
        urls = Urls(
            app=address.url(user=roles.APP),
            relay=address.url(user=roles.RELAY),
            owner=address.url(user=roles.OWNER),
            backup=address.url(user=roles.BACKUP),
        )
        superuser = address.url()
        if not migrations.is_at_head(superuser):
            roles.set_up(superuser)
            migrated(address.url(user=roles.OWNER))
            _bring_library(urls.app)
        yield urls
    finally:
        embedded.stop()


def migrated(url: str) -> bool:
    """Whether there was anything to do."""
    try:
        done = migrations.is_at_head(url)
        if not done:
            preparing.info("bringing the schema of the database to this version, which takes some seconds")
        migrations.migrate(url)
    except Exception as exc:
        # Whatever the driver or the migration tool raises: nothing of it is known in this ring, and all of it means the same.
        remedy = f"is it up, does {roles.OWNER} own the schema, and did a superuser set the roles up?"
        raise CannotRun(f"the schema could not be migrated ({first_line(exc)}); {remedy}") from exc
    return not done


def _bring_library(url: str) -> Brought:
    brought: Brought = late.part(".library", "bring_library", of=__package__)(url)
    return brought


def migrate(settings: Settings) -> tuple[str, bool, Brought]:
    """Bring the schema and the library to what this program has.

    Returns the schema's revision, whether anything had to be done to it, and what was brought. Raises `CannotRun`.
    """
    if not settings.embedded and settings.migration_database_url is None:
        raise CannotRun(f"set {variable('migration_database_url')} to the database as {roles.OWNER}, who owns the schema")
    with database_of(settings) as urls:
        return migrations.head(), migrated(urls.owner or urls.app), _bring_library(urls.app)


def opened(stack: AsyncExitStack, url: str, *, pool_size: int) -> Database:
    """The database at `url`; closed with the stack."""
    return _closing(stack, Database(url, pool_size=pool_size))


def opened_for_relay(stack: AsyncExitStack, url: str, *, pool_size: int) -> Database:
    """The database at `url` for what nobody sits and waits for; closed with the stack."""
    return _closing(stack, Database(url, pool_size=pool_size, patience=RELAYS_PATIENCE))


def _closing(stack: AsyncExitStack, database: Database) -> Database:
    stack.push_async_callback(database.close)
    return database


def outbox_of(stack: AsyncExitStack, urls: Urls) -> SqlOutbox:
    """The due work; closed with the stack. Raises `CannotRun`."""
    outbox = SqlOutbox(_relay_url(urls))
    stack.push_async_callback(outbox.close)
    return outbox


def marks_of(stack: AsyncExitStack, urls: Urls) -> SqlMarks:
    """Where relays rest and what they have got to; closed with the stack. Raises `CannotRun`."""
    marks = SqlMarks(_relay_url(urls))
    stack.push_async_callback(marks.close)
    return marks


def _relay_url(urls: Urls) -> str:
    """Raises `CannotRun`."""
    if urls.relay is None:
        raise CannotRun(f"set {variable('relay_database_url')} to the database as {roles.RELAY}")
    return urls.relay


async def answers(database: Database, stop: asyncio.Event) -> bool:
    """Wait for the database; False where the process is asked to end meanwhile. Raises `CannotRun` when patience ends."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    while not stop.is_set():
        try:
            await database.is_at_head()
        except Unavailable as exc:
            cause = first_line(exc.__cause__ or exc)
            if loop.time() > until:
                raise CannotRun(
                    f"the database did not answer for {PATIENCE:.0f} seconds ({cause}); is it up, and is its address right?"
                ) from exc
            log.warning("waiting for the database", extra={"problem": cause})
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({stopping}, timeout=BETWEEN_TRIES)
            stopping.cancel()
        else:
            return True
    return False


async def require_ready(database: Database, url: str) -> None:
    """Raises `CannotRun` where the schema is another than this program's, or the role one that could pass row security."""
    try:
        tenancy.check_application(url)
    except tenancy.UnfitRole as exc:
        remedy = f"let {variable('database_url')} connect as {roles.APP}; `flowpilot doctor` looks closer"
        raise CannotRun(f"this role may not serve: {exc}; {remedy}") from exc
    if not await database.is_at_head():
        raise CannotRun(f"the database's schema is not at {migrations.head()}, which this version needs; run: flowpilot migrate")
