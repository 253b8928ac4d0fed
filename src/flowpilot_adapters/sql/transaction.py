"""One transaction in one account, in as few round trips as can be."""

import uuid
from typing import Final

import psycopg

from flowpilot_core.domain.kernel.errors import KeyReused, Stale
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.kernel import AlreadyAnswered, Answer, Once

from .connection import Connection, Result
from .errors import translated
from .kernel import idempotency_keys as keys
from .statement import UUID, Call, Statement

BEGIN: Final = Statement("begin", "BEGIN")
COMMIT: Final = Statement("commit", "COMMIT")
ENTER: Final = Statement("enter account", "SELECT set_config('flowpilot.account_id', $1::text, true)", account_id=UUID)


class Transaction:
    """Reads are done when asked for, writes wait for the next read or for the commit and go with it, and events go last of all.

    Every trip that opens the transaction enters the account first, so that no statement is ever without one. Where the whole fits
    into one trip, that trip is its own transaction.
    """

    __slots__ = ("_begun", "_connection", "_done", "_events", "_failed", "_once", "_reactions", "_writes", "account_id", "to_index")

    def __init__(self, connection: Connection, account_id: AccountId, once: Once | None) -> None:
        self.account_id = account_id
        self._connection = connection
        self._once = once
        self._writes: list[Call] = []
        self._events: list[Call] = []
        self._reactions: list[Call] = []
        self._begun = False
        self._done = False
        self._failed = False
        self.to_index: set[uuid.UUID] = set()
        """What search is to look at after the commit."""

    def write(self, call: Call) -> None:
        """Do it before anything that is read from now on."""
        self._writes.append(call)

    def write_first(self, call: Call) -> None:
        """As `write`, and before the other writes: whoever changes a handoff and its session locks the handoff first."""
        self._writes.insert(0, call)

    def log(self, call: Call) -> None:
        """Do it last of all: it locks the account's event counter until the commit."""
        self._events.append(call)

    def react(self, call: Call) -> None:
        """Do it once the events are on record: it asks whether the one that causes it is."""
        self._reactions.append(call)

    async def read(self, *calls: Call) -> list[Result]:
        """The results of `calls`, after all writes so far."""
        return await self._flush(calls, commit=False)

    async def commit(self) -> None:
        """Commit all writes; a second time does nothing."""
        if not self._done and (self._begun or self._writes or self._events):
            await self._flush((), commit=True)
        self._done = True

    async def read_and_commit(self, *calls: Call) -> list[Result]:
        """Both in one trip."""
        results = await self._flush(calls, commit=True)
        self._done = True
        return results

    def keep(self, answer: Answer) -> None:
        """Keep the answer of the request this was begun `once` for."""
        if self._once:
            self._writes.append(keys.keep(self.account_id, self._once, answer))

    async def _flush(self, calls: tuple[Call, ...], *, commit: bool) -> list[Result]:
        if self._failed:
            # What failed once is rolled back: a commit would say yes and do nothing.
            raise Stale
        if self._once and not self._begun and (commit or self._writes):
            # Alone: what a repeat would write again may be refused for what the first request wrote.
            await self._look_up(self._once, [])
        first = len(self._writes)
        writes = [*self._writes, *calls]
        self._writes.clear()
        if commit:
            writes += (*self._events, *self._reactions)
            self._events.clear()
            self._reactions.clear()
        if self._once and not self._begun:
            results = await self._look_up(self._once, writes)
        elif self._begun:
            results = await self._trip([*writes, COMMIT()] if commit else writes, commit=commit)
        elif commit:
            results = (await self._trip([self._enter(), *writes], commit=True))[1:]
        else:
            results = (await self._trip([BEGIN(), self._enter(), *writes]))[2:]
        self._begun = not commit
        if commit:
            self._once = None
        return results[first : first + len(calls)]

    async def _look_up(self, once: Once, writes: list[Call]) -> list[Result]:
        """Begin, wait for whoever does the same request, and go on unless it was done."""
        calls = [BEGIN(), *keys.enter(self.account_id, once)]
        results = await self._trip([*calls, *writes], keyed=True)
        self._begun = True
        kept = results[len(calls) - 1].first
        if kept is not None:
            self._failed = True
            if kept.fingerprint != once.fingerprint:
                raise KeyReused
            raise AlreadyAnswered(Answer(status=kept.status, body=kept.body))
        return results[len(calls) :]

    async def _trip(self, calls: list[Call], *, commit: bool = False, keyed: bool = False) -> list[Result]:
        try:
            return await self._connection.round_trip(calls)
        except psycopg.Error as error:
            self._failed = True
            raise translated(error, committing=commit, keyed=keyed, lost=self._connection.closed) from error

    def _enter(self) -> Call:
        return ENTER(account_id=self.account_id)
