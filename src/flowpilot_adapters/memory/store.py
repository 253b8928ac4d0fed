"""One store for any number of accounts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import define, field

from flowpilot_adapters.memory.relay.outbox import MemoryOutbox
from flowpilot_core.domain.kernel.errors import KeyReused
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, AccountId
from flowpilot_core.ports.kernel import AlreadyAnswered, Clock, NewId, Once

from .access.view import MemoryAccessView
from .assistant.view import MemoryAssistantView
from .handoffs.view import MemoryHandoffView
from .insights.view import MemoryInsightsView
from .kernel.view import MemoryKernelView
from .knowledge.view import MemoryKnowledgeView
from .locks import Locks
from .notifications.view import MemoryNotificationView
from .psa.view import MemoryPsaView
from .replay.view import MemoryReplayView
from .sessions.view import MemorySessionView
from .tables import Tables
from .transaction import Transaction
from .unit_of_work import MemoryUnitOfWork


class MemoryView(
    MemoryInsightsView,
    MemoryReplayView,
    MemoryKnowledgeView,
    MemoryPsaView,
    MemoryNotificationView,
    MemoryAssistantView,
    MemoryHandoffView,
    MemorySessionView,
    MemoryAccessView,
    MemoryKernelView,
):
    """What there is to see in one account."""


@define(kw_only=True)
class MemoryStore:
    """Everything there is, gone with the process; its `begin`, `view` and `outbox` are the ports.

    `clock` is the store's own, which leases run by; `new_token` names them. One event loop at a time may use a store.
    """

    clock: Clock
    new_token: NewId
    _accounts: dict[AccountId, Tables] = field(factory=dict, init=False)
    _platform: Tables = field(factory=Tables, init=False)
    _locks: Locks = field(factory=Locks, init=False)

    def __attrs_post_init__(self) -> None:
        self._accounts[PLATFORM_ACCOUNT] = self._platform

    @asynccontextmanager
    async def begin(self, account_id: AccountId, once: Once | None = None) -> AsyncIterator[MemoryUnitOfWork]:
        """A unit of work in one account, as `BeginWork` says; a second request with a key waits for the first to end."""
        tables = self._accounts.setdefault(account_id, self._none(account_id))
        transaction = Transaction(account_id, tables, locks=self._locks, clock=self.clock)
        try:
            if once:
                await transaction.lock("key", once.user_id, once.key)
                kept = tables.answers.get((once.user_id, once.key))
                if kept and kept.at >= once.expired:
                    raise AlreadyAnswered(kept.answer) if kept.fingerprint == once.fingerprint else KeyReused
            yield MemoryUnitOfWork(transaction, once)
        finally:
            transaction.end()

    def view(self, account_id: AccountId) -> MemoryView:
        """What there is to see in one account."""
        return MemoryView(account_id, self._accounts.get(account_id) or self._none(account_id), self.clock)

    def _none(self, account_id: AccountId) -> Tables:
        """The tables of an account of which nothing is kept yet."""
        return Tables(platform=None if account_id == PLATFORM_ACCOUNT else self._platform)

    @property
    def outbox(self) -> MemoryOutbox:
        """The due work of all accounts."""
        return MemoryOutbox(accounts=self._accounts, locks=self._locks, clock=self.clock, new_token=self.new_token)
