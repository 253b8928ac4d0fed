"""A unit of work: one transaction on one connection of the pool."""

from contextlib import AbstractAsyncContextManager
from types import TracebackType

import psycopg

from flowpilot_adapters.sql.access.api_tokens import SqlApiTokens
from flowpilot_adapters.sql.access.audit import SqlAuditLog
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
from flowpilot_adapters.sql.kernel.events import log
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


class SqlUnitOfWork:
    """All or nothing, in one account."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.sessions = SqlSessions(transaction)
        self.people = SqlPeople(transaction)
        self.handoffs = SqlHandoffs(transaction, self.sessions, self.people)
        self.invitations = SqlInvitations(transaction)
        self.deliveries = SqlDeliveries(transaction)
        self.due = SqlWorkLedger(transaction)
        self.claim_watches = SqlClaimWatches(transaction)
        self.escalation = SqlEscalation(transaction)
        self.presence = SqlPresence(transaction)
        self.feedback = SqlFeedback(transaction)
        self.outputs = SqlOutputs(transaction)
        self.suggestions = SqlSuggestions(transaction)
        self.token_use = SqlTokenUse(transaction)
        self.assessments = SqlAssessments(transaction)
        self.audit = SqlAuditLog(transaction)
        self.secrets = SqlSecrets(transaction)
        self.identities = SqlIdentities(transaction)
        self.tokens = SqlApiTokens(transaction)
        self.sign_ins = SqlSignIns(transaction)
        self.sign_in_codes = SqlSignInCodes(transaction)
        self.webhooks = SqlWebhooks(transaction)
        self.imports = SqlImports(transaction)
        self.psa = SqlPsaLedger(transaction)
        self.psa_members = SqlPsaMembers(transaction)
        self.psa_webhooks = SqlPsaWebhooks(transaction)

    async def record(self, event: Event) -> None:
        """As `KernelWork.record` says, at the commit: its number is taken last of all."""
        self._transaction.log(log(self._transaction.account_id, event))

    async def keep(self, answer: Answer) -> None:
        """As `KernelWork.keep` says."""
        self._transaction.keep(answer)

    async def commit(self) -> None:
        """As `KernelWork.commit` says."""
        await self._transaction.commit()


class Beginning(AbstractAsyncContextManager[SqlUnitOfWork, None]):
    """Borrows a connection for a unit of work, and gives it back: rolled back, unless it was committed."""

    def __init__(self, pool: Pool, account_id: AccountId, once: Once | None) -> None:
        self._loan: Loan = pool.connection(account_id)
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
