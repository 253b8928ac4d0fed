"""The rows of one account, and the same rows as one unit of work has changed them so far."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from attrs import Factory, define, frozen

from flowpilot_core.domain.access.account import Account, ApiToken, Team, User
from flowpilot_core.domain.access.audit import AuditEntry
from flowpilot_core.domain.access.branding import Branding, LogoFiles
from flowpilot_core.domain.access.identity_provider import IdentityProvider, SignInAttempt
from flowpilot_core.domain.access.invitation import Invitation
from flowpilot_core.domain.access.sealed_secret import SealedSecret
from flowpilot_core.domain.access.sign_in import SignIn, SignInLink
from flowpilot_core.domain.access.sign_in_code import SignInCode
from flowpilot_core.domain.assistant.assessment import Assessment, AssessmentFeedback
from flowpilot_core.domain.assistant.suggestion import Suggestion
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.handoffs.quiet_claim import ClaimWatch
from flowpilot_core.domain.insights.weekly_digest import WeeklyDigest
from flowpilot_core.domain.kernel.events import Event, Plain
from flowpilot_core.domain.kernel.identifiers import (
    AccountId,
    AssessmentId,
    ClaimWatchId,
    DeliveryId,
    HandoffId,
    InvitationId,
    MaintenanceNoticeId,
    MaintenanceRunId,
    MaintenanceScheduleId,
    OutputId,
    PictureId,
    ProviderId,
    PsaConnectionId,
    PsaPostId,
    PsaTicketId,
    RatingId,
    ScriptTemplateId,
    SecretId,
    SessionId,
    SignInCodeId,
    StepId,
    SuggestionId,
    TeamId,
    TokenId,
    TreeCategoryId,
    TreeId,
    TreeProposalId,
    UserId,
    WebhookId,
    WebhookMessageId,
)
from flowpilot_core.domain.knowledge.category import TreeCategory
from flowpilot_core.domain.knowledge.gallery import GalleryEntry, Used
from flowpilot_core.domain.knowledge.proposal import TreeProposal
from flowpilot_core.domain.knowledge.rating import Subject, TemplateRating
from flowpilot_core.domain.knowledge.script_template import ScriptRevision, ScriptTemplate
from flowpilot_core.domain.knowledge.tree import Tree, TreeRevision
from flowpilot_core.domain.maintenance.run import Notice, Run
from flowpilot_core.domain.maintenance.schedule import Schedule
from flowpilot_core.domain.notifications.delivery import Delivery
from flowpilot_core.domain.notifications.escalation_policy import EscalationPolicy, PolicyRun
from flowpilot_core.domain.notifications.preferences import Preferences
from flowpilot_core.domain.notifications.webhook import Webhook, WebhookMessage
from flowpilot_core.domain.outputs.output import Output
from flowpilot_core.domain.psa.connection import PsaConnection
from flowpilot_core.domain.psa.member import MemberMatch
from flowpilot_core.domain.psa.post import PsaPost
from flowpilot_core.domain.psa.webhook import PsaWebhook, WatchedTicket
from flowpilot_core.domain.sessions.feedback import Judgement, Rating, Seen
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.domain.sessions.step import Step
from flowpilot_core.ports.kernel import Answer
from flowpilot_core.ports.replay import ImportedRow

K = TypeVar("K")
V = TypeVar("V")


@frozen(kw_only=True)
class DueWork:
    """Something to be done, and who holds it."""

    id: UUID
    kind: str
    due_at: datetime
    takes: int = 0
    lease_token: UUID | None = None
    lease_until: datetime | None = None
    target: UUID | None = None
    queue_rank: int = 0


@frozen(kw_only=True)
class KnownTicket:
    """What a session's ticket says."""

    facts: Mapping[str, Plain]
    client_name: str | None


@frozen(kw_only=True)
class KeptAnswer:
    """What the request with one idempotency key was answered with."""

    fingerprint: bytes
    at: datetime
    answer: Answer


AnswerKey = tuple[UserId, str]
ImportKey = tuple[str, int]
FeedbackKey = tuple[AssessmentId, UserId]


@define(kw_only=True)
class Tables:
    """What is committed in one account."""

    accounts: dict[AccountId, Account] = Factory(dict)
    brandings: dict[AccountId, Branding] = Factory(dict)
    logos: dict[AccountId, LogoFiles] = Factory(dict)
    teams: dict[TeamId, Team] = Factory(dict)
    users: dict[UserId, User] = Factory(dict)
    tokens: dict[TokenId, ApiToken] = Factory(dict)
    providers: dict[ProviderId, IdentityProvider] = Factory(dict)
    links: dict[tuple[ProviderId, str], UserId] = Factory(dict)
    attempts: dict[bytes, SignInAttempt] = Factory(dict)
    sign_ins: dict[bytes, SignIn] = Factory(dict)
    sign_in_links: dict[bytes, SignInLink] = Factory(dict)
    sign_in_codes: dict[SignInCodeId, SignInCode] = Factory(dict)
    invitations: dict[InvitationId, Invitation] = Factory(dict)
    sessions: dict[SessionId, Session] = Factory(dict)
    steps: dict[StepId, Step] = Factory(dict)
    pictures: dict[PictureId, bytes] = Factory(dict)
    handoffs: dict[HandoffId, Handoff] = Factory(dict)
    snapshots: dict[HandoffId, bytes] = Factory(dict)
    first_steps: dict[HandoffId, datetime] = Factory(dict)
    """When whoever has claimed it did something first."""
    deliveries: dict[DeliveryId, Delivery] = Factory(dict)
    secrets: dict[SecretId, SealedSecret] = Factory(dict)
    webhooks: dict[WebhookId, Webhook] = Factory(dict)
    webhook_messages: dict[WebhookMessageId, WebhookMessage] = Factory(dict)
    due: dict[UUID, DueWork] = Factory(dict)
    seen: dict[tuple[HandoffId, UserId], Seen] = Factory(dict)
    judgements: dict[tuple[HandoffId, UserId], Judgement] = Factory(dict)
    ratings: dict[tuple[StepId, UserId], Rating] = Factory(dict)
    outputs: dict[OutputId, Output] = Factory(dict)
    suggestions: dict[SuggestionId, Suggestion] = Factory(dict)
    token_use: dict[str, int] = Factory(dict)
    assessments: dict[AssessmentId, Assessment] = Factory(dict)
    assessment_feedback: dict[FeedbackKey, AssessmentFeedback] = Factory(dict)
    policies: dict[AccountId, EscalationPolicy] = Factory(dict)
    preferences: dict[UserId, Preferences] = Factory(dict)
    policy_runs: dict[HandoffId, PolicyRun] = Factory(dict)
    claim_watches: dict[ClaimWatchId, ClaimWatch] = Factory(dict)
    answers: dict[AnswerKey, KeptAnswer] = Factory(dict)
    presence: dict[tuple[UserId, UUID], tuple[UserId, UUID, datetime]] = Factory(dict)
    """Who is at which node, and until when."""
    known_tickets: dict[SessionId, KnownTicket] = Factory(dict)
    imports: dict[ImportKey, ImportedRow] = Factory(dict)
    psa_connections: dict[PsaConnectionId, PsaConnection] = Factory(dict)
    psa_posts: dict[PsaPostId, PsaPost] = Factory(dict)
    psa_members: dict[tuple[PsaConnectionId, UserId], MemberMatch] = Factory(dict)
    psa_webhooks: dict[PsaConnectionId, PsaWebhook] = Factory(dict)
    psa_tickets: dict[PsaTicketId, WatchedTicket] = Factory(dict)
    trees: dict[TreeId, Tree] = Factory(dict)
    tree_revisions: dict[tuple[TreeId, int], TreeRevision] = Factory(dict)
    tree_categories: dict[TreeCategoryId, TreeCategory] = Factory(dict)
    script_templates: dict[ScriptTemplateId, ScriptTemplate] = Factory(dict)
    script_revisions: dict[tuple[ScriptTemplateId, int], ScriptRevision] = Factory(dict)
    template_ratings: dict[RatingId, TemplateRating] = Factory(dict)
    gallery: dict[tuple[Subject, UUID], GalleryEntry] = Factory(dict)
    tree_proposals: dict[TreeProposalId, TreeProposal] = Factory(dict)
    tree_proposal_sessions: dict[tuple[TreeProposalId, SessionId], SessionId] = Factory(dict)
    gallery_tallies: dict[tuple[Subject, UUID, AccountId], Used] = Factory(dict)
    weekly_digests: dict[UserId, WeeklyDigest] = Factory(dict)
    maintenance_schedules: dict[MaintenanceScheduleId, Schedule] = Factory(dict)
    maintenance_runs: dict[MaintenanceRunId, Run] = Factory(dict)
    maintenance_sessions: dict[tuple[MaintenanceRunId, int], SessionId] = Factory(dict)
    maintenance_notices: dict[MaintenanceNoticeId, Notice] = Factory(dict)
    calendar_editions: dict[AccountId, int] = Factory(dict)
    audit: dict[int, AuditEntry] = Factory(dict)
    platform: "Tables | None" = None
    """What the platform has, for another account to read of; None for the platform itself."""
    events: list[Event] = Factory(list)
    """The event at place 0 has number 1."""


class Rows(Generic[K, V]):
    """One table as a unit of work sees it: what it wrote itself, over what is committed at this moment."""

    def __init__(self, committed: dict[K, V]) -> None:
        self._committed = committed
        self._written: dict[K, V | None] = {}

    def get(self, key: K) -> V | None:
        """The row, or None."""
        return self._written[key] if key in self._written else self._committed.get(key)

    def values(self) -> Iterator[V]:
        """All rows, in the order in which they came."""
        for key in (*self._committed, *(key for key in self._written if key not in self._committed)):
            row = self.get(key)
            if row is not None:
                yield row

    def named(self) -> Iterator[K]:
        """The keys of all rows, in the order in which they came."""
        for key in (*self._committed, *(key for key in self._written if key not in self._committed)):
            if self.get(key) is not None:
                yield key

    def put(self, key: K, row: V) -> None:
        """Add or change a row."""
        self._written[key] = row

    def drop(self, key: K) -> None:
        """Delete a row."""
        self._written[key] = None

    @property
    def touched(self) -> bool:
        """Whether anything was written here."""
        return bool(self._written)

    def committed(self, key: K) -> V | None:
        """The row as everybody sees it."""
        return self._committed.get(key)

    def apply(self) -> None:
        """Make the changes everybody's."""
        for key, row in self._written.items():
            if row is None:
                self._committed.pop(key, None)
            else:
                self._committed[key] = row


class Working:
    """All tables of an account as one unit of work sees them."""

    def __init__(self, tables: Tables) -> None:
        self.accounts = Rows(tables.accounts)
        self.brandings = Rows(tables.brandings)
        self.logos = Rows(tables.logos)
        self.teams = Rows(tables.teams)
        self.users = Rows(tables.users)
        self.tokens = Rows(tables.tokens)
        self.providers = Rows(tables.providers)
        self.links = Rows(tables.links)
        self.attempts = Rows(tables.attempts)
        self.sign_ins = Rows(tables.sign_ins)
        self.sign_in_links = Rows(tables.sign_in_links)
        self.sign_in_codes = Rows(tables.sign_in_codes)
        self.invitations = Rows(tables.invitations)
        self.sessions = Rows(tables.sessions)
        self.steps = Rows(tables.steps)
        self.pictures = Rows(tables.pictures)
        self.handoffs = Rows(tables.handoffs)
        self.snapshots = Rows(tables.snapshots)
        self.first_steps = Rows(tables.first_steps)
        self.deliveries = Rows(tables.deliveries)
        self.secrets = Rows(tables.secrets)
        self.webhooks = Rows(tables.webhooks)
        self.webhook_messages = Rows(tables.webhook_messages)
        self.due = Rows(tables.due)
        self.seen = Rows(tables.seen)
        self.presence = Rows(tables.presence)
        self.judgements = Rows(tables.judgements)
        self.ratings = Rows(tables.ratings)
        self.outputs = Rows(tables.outputs)
        self.suggestions = Rows(tables.suggestions)
        self.token_use = Rows(tables.token_use)
        self.assessments = Rows(tables.assessments)
        self.assessment_feedback = Rows(tables.assessment_feedback)
        self.policies = Rows(tables.policies)
        self.preferences = Rows(tables.preferences)
        self.policy_runs = Rows(tables.policy_runs)
        self.claim_watches = Rows(tables.claim_watches)
        self.answers = Rows(tables.answers)
        self.known_tickets = Rows(tables.known_tickets)
        self.imports = Rows(tables.imports)
        self.psa_connections = Rows(tables.psa_connections)
        self.psa_posts = Rows(tables.psa_posts)
        self.psa_members = Rows(tables.psa_members)
        self.psa_webhooks = Rows(tables.psa_webhooks)
        self.psa_tickets = Rows(tables.psa_tickets)
        self.trees = Rows(tables.trees)
        self.tree_revisions = Rows(tables.tree_revisions)
        self.tree_categories = Rows(tables.tree_categories)
        self.script_templates = Rows(tables.script_templates)
        self.script_revisions = Rows(tables.script_revisions)
        self.template_ratings = Rows(tables.template_ratings)
        self.gallery = Rows(tables.gallery)
        self.tree_proposals = Rows(tables.tree_proposals)
        self.tree_proposal_sessions = Rows(tables.tree_proposal_sessions)
        self.gallery_tallies = Rows(tables.gallery_tallies)
        self.weekly_digests = Rows(tables.weekly_digests)
        self.maintenance_schedules = Rows(tables.maintenance_schedules)
        self.maintenance_runs = Rows(tables.maintenance_runs)
        self.maintenance_sessions = Rows(tables.maintenance_sessions)
        self.maintenance_notices = Rows(tables.maintenance_notices)
        self.calendar_editions = Rows(tables.calendar_editions)
        self.audit = Rows(tables.audit)
        self.platform = tables.platform or Tables()
        self.events: list[Event] = []
        """Recorded here, not committed yet."""
        self._events = tables.events

    @property
    def logged(self) -> Iterator[Event]:
        """What is committed, in the order of its numbers."""
        return iter(self._events)

    @property
    def touched(self) -> bool:
        """Whether this unit of work has changed anything."""
        return bool(self.events) or any(rows.touched for rows in self._all())

    def apply(self) -> None:
        """Make it all everybody's, the events with the next numbers."""
        for rows in self._all():
            rows.apply()
        self._events.extend(self.events)

    def _all(self) -> Iterator[Rows[Any, Any]]:
        return (rows for rows in vars(self).values() if isinstance(rows, Rows))
