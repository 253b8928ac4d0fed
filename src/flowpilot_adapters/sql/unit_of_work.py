"""A unit of work: one transaction on one connection of the pool."""

from contextlib import AbstractAsyncContextManager
from types import TracebackType

import psycopg

from flowpilot_core.domain.errors import Unavailable
from flowpilot_core.domain.events import Event
from flowpilot_core.domain.identifiers import AccountId
from flowpilot_core.ports.persistence import Answer, Once

from .api_tokens import SqlApiTokens
from .assessments import SqlAssessments
from .audit import SqlAuditLog
from .deliveries import SqlDeliveries
from .due_work import SqlWorkLedger
from .escalation import SqlEscalation
from .events import log
from .handoffs import SqlHandoffs
from .identities import SqlIdentities
from .imports import SqlImports
from .invitations import SqlInvitations
from .opinions import SqlOpinions
from .outputs import SqlOutputs
from .people import SqlPeople
from .pool import Loan, Pool
from .presence import SqlPresence
from .psa_ledger import SqlPsaLedger
from .psa_members import SqlPsaMembers
from .psa_webhooks import SqlPsaWebhooks
from .secrets import SqlSecrets
from .sessions import SqlSessions
from .sign_in_codes import SqlSignInCodes
from .sign_ins import SqlSignIns
from .suggestions import SqlSuggestions
from .token_use import SqlTokenUse
from .transaction import Transaction
from .webhooks import SqlWebhooks


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
        self.escalation = SqlEscalation(transaction)
        self.presence = SqlPresence(transaction)
        self.opinions = SqlOpinions(transaction)
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
        """As `UnitOfWork.record` says, at the commit: its number is taken last of all."""
        self._transaction.log(log(self._transaction.account_id, event))

    async def keep(self, answer: Answer) -> None:
        """As `UnitOfWork.keep` says."""
        self._transaction.keep(answer)

    async def commit(self) -> None:
        """As `UnitOfWork.commit` says."""
        await self._transaction.commit()


class Beginning(AbstractAsyncContextManager[SqlUnitOfWork, None]):
    """Borrows a connection for a unit of work, and gives it back: rolled back, unless it was committed."""

    def __init__(self, pool: Pool, account_id: AccountId, once: Once | None) -> None:
        self._loan: Loan = pool.connection()
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
