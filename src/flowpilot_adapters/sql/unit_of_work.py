"""A unit of work: one transaction on one connection of the pool."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from types import TracebackType
from typing import Generic, TypeVar

import psycopg

from flowpilot_adapters.sql.access.api_tokens import SqlApiTokens
from flowpilot_adapters.sql.access.audit import SqlAuditLog
from flowpilot_adapters.sql.access.branding import SqlBrand
from flowpilot_adapters.sql.access.identity_providers import SqlIdentities
from flowpilot_adapters.sql.access.invitations import SqlInvitations
from flowpilot_adapters.sql.access.people import SqlPeople
from flowpilot_adapters.sql.access.secrets import SqlSecrets
from flowpilot_adapters.sql.access.sign_in_codes import SqlSignInCodes
from flowpilot_adapters.sql.access.sign_ins import SqlSignIns
from flowpilot_adapters.sql.assistant.assessments import SqlAssessments
from flowpilot_adapters.sql.assistant.suggestions import SqlSuggestions
from flowpilot_adapters.sql.assistant.token_use import SqlTokenUse
from flowpilot_adapters.sql.handoffs.claim_watches import SqlClaimWatches
from flowpilot_adapters.sql.handoffs.handoffs import SqlHandoffs
from flowpilot_adapters.sql.insights.search_index import SqlSearchIndex
from flowpilot_adapters.sql.insights.weekly_digests import SqlWeeklyDigests
from flowpilot_adapters.sql.kernel.events import log
from flowpilot_adapters.sql.knowledge.gallery import SqlGallery
from flowpilot_adapters.sql.knowledge.ratings import SqlRatings
from flowpilot_adapters.sql.knowledge.script_templates import SqlScriptTemplates
from flowpilot_adapters.sql.knowledge.tree_categories import SqlTreeCategories
from flowpilot_adapters.sql.knowledge.tree_proposals import SqlTreeProposals
from flowpilot_adapters.sql.knowledge.trees import SqlTrees
from flowpilot_adapters.sql.maintenance.maintenance import SqlMaintenance
from flowpilot_adapters.sql.notifications.deliveries import SqlDeliveries
from flowpilot_adapters.sql.notifications.escalation_policy import SqlEscalation
from flowpilot_adapters.sql.notifications.presence import SqlPresence
from flowpilot_adapters.sql.notifications.webhooks import SqlWebhooks
from flowpilot_adapters.sql.outputs.outputs import SqlOutputs
from flowpilot_adapters.sql.psa.ledger import SqlPsaLedger
from flowpilot_adapters.sql.psa.members import SqlPsaMembers
from flowpilot_adapters.sql.psa.webhooks import SqlPsaWebhooks
from flowpilot_adapters.sql.relay.due_work import SqlWorkLedger
from flowpilot_adapters.sql.replay.imports import SqlImports
from flowpilot_adapters.sql.sessions.feedback import SqlFeedback
from flowpilot_adapters.sql.sessions.sessions import SqlSessions
from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_core.domain.kernel.events import Event
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.kernel import Answer, Once

from .pool import Loan, Pool
from .transaction import Transaction

R = TypeVar("R")


class _Room(Generic[R]):
    """A repository of a unit of work, made when it is first asked for: a unit of work needs a few of them."""

    def __init__(self, kind: Callable[[Transaction], R]) -> None:
        self._kind = kind

    def __set_name__(self, owner: type[object], name: str) -> None:
        self._name = name

    def __get__(self, work: "SqlUnitOfWork", owner: type[object]) -> R:
        made = self._kind(work.transaction)
        # Found before this the next time.
        work.__dict__[self._name] = made
        return made


class SqlUnitOfWork:
    """All or nothing, in one account."""

    def __init__(self, transaction: Transaction) -> None:
        self.transaction = transaction

    sessions = _Room(SqlSessions)
    people = _Room(SqlPeople)
    branding = _Room(SqlBrand)
    invitations = _Room(SqlInvitations)
    deliveries = _Room(SqlDeliveries)
    due = _Room(SqlWorkLedger)
    claim_watches = _Room(SqlClaimWatches)
    escalation = _Room(SqlEscalation)
    presence = _Room(SqlPresence)
    feedback = _Room(SqlFeedback)
    outputs = _Room(SqlOutputs)
    suggestions = _Room(SqlSuggestions)
    token_use = _Room(SqlTokenUse)
    assessments = _Room(SqlAssessments)
    audit = _Room(SqlAuditLog)
    secrets = _Room(SqlSecrets)
    identities = _Room(SqlIdentities)
    tokens = _Room(SqlApiTokens)
    sign_ins = _Room(SqlSignIns)
    sign_in_codes = _Room(SqlSignInCodes)
    webhooks = _Room(SqlWebhooks)
    trees = _Room(SqlTrees)
    tree_categories = _Room(SqlTreeCategories)
    script_templates = _Room(SqlScriptTemplates)
    ratings = _Room(SqlRatings)
    gallery = _Room(SqlGallery)
    tree_proposals = _Room(SqlTreeProposals)
    maintenance = _Room(SqlMaintenance)
    imports = _Room(SqlImports)
    psa = _Room(SqlPsaLedger)
    psa_members = _Room(SqlPsaMembers)
    psa_webhooks = _Room(SqlPsaWebhooks)
    weekly_digests = _Room(SqlWeeklyDigests)

    @cached_property
    def handoffs(self) -> SqlHandoffs:
        """What it loads of sessions and people the repositories of those remember."""
        return SqlHandoffs(self.transaction, self.sessions, self.people)

    @cached_property
    def search_index(self) -> SqlSearchIndex:
        """It looks at what the repositories of others hold."""
        return SqlSearchIndex(self.transaction, self.sessions, self.outputs, self.trees, self.script_templates)

    async def record(self, event: Event) -> None:
        """As `KernelWork.record` says, at the commit: its number is taken last of all."""
        self.transaction.log(log(self.transaction.account_id, event))

    async def keep(self, answer: Answer) -> None:
        """As `KernelWork.keep` says."""
        self.transaction.keep(answer)

    async def commit(self) -> None:
        """As `KernelWork.commit` says."""
        await self.transaction.commit()


class Beginning(AbstractAsyncContextManager[SqlUnitOfWork, None]):
    """Borrows a connection for a unit of work, and gives it back: rolled back, unless it was committed."""

    def __init__(self, pool: Pool, account_id: AccountId, once: Once | None) -> None:
        # By its number, which the pool finds again sooner than an id.
        self._loan: Loan = pool.connection(account_id.int)
        self._account_id = account_id
        self._once = once

    async def __aenter__(self) -> SqlUnitOfWork:
        """Raises `Unavailable` where no connection is to be had in time."""
        try:
            connection = await self._loan.__aenter__()
        except psycopg.OperationalError as error:
            raise Unavailable("database") from error
        return SqlUnitOfWork(Transaction(connection, self._account_id, self._once))

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None) -> None:
        await self._loan.__aexit__(kind, error, where)
