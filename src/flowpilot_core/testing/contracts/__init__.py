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

from flowpilot_core.testing.contracts.access.api_tokens import ApiTokensContract
from flowpilot_core.testing.contracts.access.audit import AuditLogContract
from flowpilot_core.testing.contracts.access.branding import BrandContract
from flowpilot_core.testing.contracts.access.identity_providers import IdentitiesContract
from flowpilot_core.testing.contracts.access.invitations import InvitationsContract
from flowpilot_core.testing.contracts.access.people import PeopleContract
from flowpilot_core.testing.contracts.access.secrets import SecretsContract, VaultContract
from flowpilot_core.testing.contracts.access.sign_in_codes import SignInCodesContract
from flowpilot_core.testing.contracts.access.sign_ins import SignInsContract
from flowpilot_core.testing.contracts.assistant.assessments import AssessmentsContract
from flowpilot_core.testing.contracts.assistant.assistant import AssistantContract
from flowpilot_core.testing.contracts.assistant.redactor import RedactorContract
from flowpilot_core.testing.contracts.assistant.suggestions import SuggestionsContract
from flowpilot_core.testing.contracts.assistant.token_use import TokenUseContract
from flowpilot_core.testing.contracts.handoffs.claims import ClaimsContract
from flowpilot_core.testing.contracts.handoffs.handoffs import HandoffsContract
from flowpilot_core.testing.contracts.handoffs.queue import QueueContract
from flowpilot_core.testing.contracts.insights.analytics import AnalyticsContract
from flowpilot_core.testing.contracts.insights.figures import FiguresContract
from flowpilot_core.testing.contracts.insights.random_figures import RandomFiguresContract
from flowpilot_core.testing.contracts.insights.search import SearchContract
from flowpilot_core.testing.contracts.insights.weekly_digests import WeeklyDigestsContract
from flowpilot_core.testing.contracts.kernel.compute import ComputeContract
from flowpilot_core.testing.contracts.kernel.counting import PlacesContract, TalliesContract
from flowpilot_core.testing.contracts.kernel.event_log import EventLogContract
from flowpilot_core.testing.contracts.kernel.unit_of_work import OnceContract, UnitOfWorkContract
from flowpilot_core.testing.contracts.knowledge.gallery import GalleryContract
from flowpilot_core.testing.contracts.knowledge.ratings import RatingsContract
from flowpilot_core.testing.contracts.knowledge.script_templates import ScriptTemplatesContract
from flowpilot_core.testing.contracts.knowledge.scripts import ScriptsContract
from flowpilot_core.testing.contracts.knowledge.tree_proposals import TreeProposalsContract
from flowpilot_core.testing.contracts.knowledge.trees import TreesContract
from flowpilot_core.testing.contracts.maintenance.maintenance import MaintenanceContract
from flowpilot_core.testing.contracts.notifications.escalation_policy import EscalationContract
from flowpilot_core.testing.contracts.notifications.event_stream import EventStreamContract, Nodes
from flowpilot_core.testing.contracts.notifications.notifier import NotifierContract, Postbox
from flowpilot_core.testing.contracts.notifications.presence import PresenceContract
from flowpilot_core.testing.contracts.notifications.webhooks import WebhooksContract
from flowpilot_core.testing.contracts.outputs.outputs import OutputsContract
from flowpilot_core.testing.contracts.psa.ledger import PsaLedgerContract
from flowpilot_core.testing.contracts.psa.vendor import Desk, PsaContract
from flowpilot_core.testing.contracts.psa.webhooks import PsaWebhooksContract
from flowpilot_core.testing.contracts.relay.outbox import OutboxContract
from flowpilot_core.testing.contracts.replay.imports import ImportsContract, ReplayContract
from flowpilot_core.testing.contracts.sessions.feedback import FeedbackContract
from flowpilot_core.testing.contracts.sessions.pictures import PictureReaderContract
from flowpilot_core.testing.contracts.sessions.sessions import SessionsContract

from .contract import Adapter, Contract
from .handoffs.claim_watches import ClaimWatchesContract
from .tenancy import TenancyContract

__all__ = [
    "Adapter",
    "AnalyticsContract",
    "ApiTokensContract",
    "AssessmentsContract",
    "AssistantContract",
    "AuditLogContract",
    "BrandContract",
    "ClaimWatchesContract",
    "ClaimsContract",
    "ComputeContract",
    "Contract",
    "Desk",
    "EscalationContract",
    "EventLogContract",
    "EventStreamContract",
    "FeedbackContract",
    "FiguresContract",
    "GalleryContract",
    "HandoffsContract",
    "IdentitiesContract",
    "ImportsContract",
    "InvitationsContract",
    "MaintenanceContract",
    "Nodes",
    "NotifierContract",
    "OnceContract",
    "OutboxContract",
    "OutputsContract",
    "PeopleContract",
    "PictureReaderContract",
    "PlacesContract",
    "Postbox",
    "PresenceContract",
    "PsaContract",
    "PsaLedgerContract",
    "PsaWebhooksContract",
    "QueueContract",
    "RandomFiguresContract",
    "RatingsContract",
    "RedactorContract",
    "ReplayContract",
    "ScriptTemplatesContract",
    "ScriptsContract",
    "SearchContract",
    "SecretsContract",
    "SessionsContract",
    "SignInCodesContract",
    "SignInsContract",
    "SuggestionsContract",
    "TalliesContract",
    "TenancyContract",
    "TokenUseContract",
    "TreeProposalsContract",
    "TreesContract",
    "UnitOfWorkContract",
    "VaultContract",
    "WebhooksContract",
    "WeeklyDigestsContract",
]
