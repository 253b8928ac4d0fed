"""The contract suites: subclass them beside a fixture named `adapter`, and pytest runs them on yours.

    @pytest.fixture
    def adapter() -> Adapter:
        store = MemoryStore(clock=SystemClock(), new_token=new_id)
        return Adapter(begin=store.begin, view=store.view, outbox=store.outbox)


    class TestSessions(SessionsContract):
        pass

The suites make accounts of their own through the ports, so that they may share one database, and expect the account's tables
to be theirs alone; only `OutboxContract` looks across accounts, and first finishes whatever work is due. Tests run on asyncio by
anyio's pytest plugin: give it a fixture `anyio_backend` that says "asyncio".
"""

from .api_tokens import ApiTokensContract
from .assessments import AssessmentsContract
from .assistant import AssistantContract
from .audit import AuditLogContract
from .contract import Adapter, Contract
from .escalation import EscalationContract
from .event_log import EventLogContract
from .event_stream import EventStreamContract, Nodes
from .identities import IdentitiesContract
from .imports import ImportsContract, ReplayContract
from .invitations import InvitationsContract
from .notifier import NotifierContract, Postbox
from .opinions import OpinionsContract
from .outbox import OutboxContract
from .outputs import OutputsContract
from .persistence import ClaimsContract, HandoffsContract, PeopleContract, QueueContract, SessionsContract
from .presence import PresenceContract
from .psa import Desk, PsaContract
from .psa_ledger import PsaLedgerContract
from .psa_webhooks import PsaWebhooksContract
from .redactor import RedactorContract
from .secrets import SecretsContract, VaultContract
from .sign_in_codes import SignInCodesContract
from .sign_ins import SignInsContract
from .suggestions import SuggestionsContract
from .tenancy import TenancyContract
from .token_use import TokenUseContract
from .unit_of_work import OnceContract, UnitOfWorkContract
from .webhooks import WebhooksContract

__all__ = [
    "Adapter",
    "ApiTokensContract",
    "AssessmentsContract",
    "AssistantContract",
    "AuditLogContract",
    "ClaimsContract",
    "Contract",
    "Desk",
    "EscalationContract",
    "EventLogContract",
    "EventStreamContract",
    "HandoffsContract",
    "IdentitiesContract",
    "ImportsContract",
    "InvitationsContract",
    "Nodes",
    "NotifierContract",
    "OnceContract",
    "OpinionsContract",
    "OutboxContract",
    "OutputsContract",
    "PeopleContract",
    "Postbox",
    "PresenceContract",
    "PsaContract",
    "PsaLedgerContract",
    "PsaWebhooksContract",
    "QueueContract",
    "RedactorContract",
    "ReplayContract",
    "SecretsContract",
    "SessionsContract",
    "SignInCodesContract",
    "SignInsContract",
    "SuggestionsContract",
    "TenancyContract",
    "TokenUseContract",
    "UnitOfWorkContract",
    "VaultContract",
    "WebhooksContract",
]
