"""All or nothing, in one account."""

import asyncio

from flowpilot_adapters.memory.access.api_tokens import MemoryApiTokens
from flowpilot_adapters.memory.access.audit import MemoryAuditLog
from flowpilot_adapters.memory.access.branding import MemoryBrand
from flowpilot_adapters.memory.access.identity_providers import MemoryIdentities
from flowpilot_adapters.memory.access.invitations import MemoryInvitations
from flowpilot_adapters.memory.access.people import MemoryPeople
from flowpilot_adapters.memory.access.secrets import MemorySecrets
from flowpilot_adapters.memory.access.sign_in_codes import MemorySignInCodes
from flowpilot_adapters.memory.access.sign_ins import MemorySignIns
from flowpilot_adapters.memory.assistant.assessments import MemoryAssessments
from flowpilot_adapters.memory.assistant.suggestions import MemorySuggestions
from flowpilot_adapters.memory.assistant.token_use import MemoryTokenUse
from flowpilot_adapters.memory.handoffs.claim_watches import MemoryClaimWatches
from flowpilot_adapters.memory.handoffs.handoffs import MemoryHandoffs
from flowpilot_adapters.memory.insights.search import MemorySearchIndex
from flowpilot_adapters.memory.insights.weekly_digests import MemoryWeeklyDigests
from flowpilot_adapters.memory.knowledge.gallery import MemoryGallery
from flowpilot_adapters.memory.knowledge.ratings import MemoryRatings
from flowpilot_adapters.memory.knowledge.script_templates import MemoryScriptTemplates
from flowpilot_adapters.memory.knowledge.tree_categories import MemoryTreeCategories
from flowpilot_adapters.memory.knowledge.tree_proposals import MemoryTreeProposals
from flowpilot_adapters.memory.knowledge.trees import MemoryTrees
from flowpilot_adapters.memory.maintenance.maintenance import MemoryMaintenance
from flowpilot_adapters.memory.notifications.deliveries import MemoryDeliveries
from flowpilot_adapters.memory.notifications.escalation_policy import MemoryEscalation
from flowpilot_adapters.memory.notifications.presence import MemoryPresence
from flowpilot_adapters.memory.notifications.webhooks import MemoryWebhooks
from flowpilot_adapters.memory.outputs.outputs import MemoryOutputs
from flowpilot_adapters.memory.psa.ledger import MemoryPsaLedger
from flowpilot_adapters.memory.psa.members import MemoryPsaMembers
from flowpilot_adapters.memory.psa.webhooks import MemoryPsaWebhooks
from flowpilot_adapters.memory.relay.due_work import MemoryWorkLedger
from flowpilot_adapters.memory.replay.imports import MemoryImports
from flowpilot_adapters.memory.sessions.feedback import MemoryFeedback
from flowpilot_adapters.memory.sessions.sessions import MemorySessions
from flowpilot_core.domain.kernel.events import Event
from flowpilot_core.ports.kernel import Answer, Once

from .tables import KeptAnswer
from .transaction import Transaction


class MemoryUnitOfWork:
    """One unit of work over a transaction; what is not committed goes with it."""

    def __init__(self, transaction: Transaction, once: Once | None) -> None:
        self._transaction = transaction
        self._once = once
        self._sessions = MemorySessions(transaction)
        self._handoffs = MemoryHandoffs(transaction)
        self._people = MemoryPeople(transaction)
        self._branding = MemoryBrand(transaction)
        self._invitations = MemoryInvitations(transaction)
        self._deliveries = MemoryDeliveries(transaction)
        self._due = MemoryWorkLedger(transaction)
        self._claim_watches = MemoryClaimWatches(transaction)
        self._escalation = MemoryEscalation(transaction)
        self._presence = MemoryPresence(transaction)
        self._feedback = MemoryFeedback(transaction)
        self._outputs = MemoryOutputs(transaction)
        self._suggestions = MemorySuggestions(transaction)
        self._token_use = MemoryTokenUse(transaction)
        self._assessments = MemoryAssessments(transaction)
        self._audit = MemoryAuditLog(transaction)
        self._secrets = MemorySecrets(transaction)
        self._identities = MemoryIdentities(transaction)
        self._tokens = MemoryApiTokens(transaction)
        self._sign_ins = MemorySignIns(transaction)
        self._sign_in_codes = MemorySignInCodes(transaction)
        self._webhooks = MemoryWebhooks(transaction)
        self._trees = MemoryTrees(transaction)
        self._tree_categories = MemoryTreeCategories(transaction)
        self._script_templates = MemoryScriptTemplates(transaction)
        self._ratings = MemoryRatings(transaction)
        self._gallery = MemoryGallery(transaction)
        self._tree_proposals = MemoryTreeProposals(transaction)
        self._maintenance = MemoryMaintenance(transaction)
        self._imports = MemoryImports(transaction)
        self._psa = MemoryPsaLedger(transaction)
        self._psa_members = MemoryPsaMembers(transaction)
        self._psa_webhooks = MemoryPsaWebhooks(transaction)
        self._search_index = MemorySearchIndex()
        self._weekly_digests = MemoryWeeklyDigests(transaction)

    @property
    def sessions(self) -> MemorySessions:
        """The sessions."""
        return self._sessions

    @property
    def handoffs(self) -> MemoryHandoffs:
        """The handoffs."""
        return self._handoffs

    @property
    def people(self) -> MemoryPeople:
        """The people."""
        return self._people

    @property
    def branding(self) -> MemoryBrand:
        """How the account looks and signs."""
        return self._branding

    @property
    def invitations(self) -> MemoryInvitations:
        """Who is invited."""
        return self._invitations

    @property
    def deliveries(self) -> MemoryDeliveries:
        """The delivery ledger."""
        return self._deliveries

    @property
    def due(self) -> MemoryWorkLedger:
        """The due work."""
        return self._due

    @property
    def claim_watches(self) -> MemoryClaimWatches:
        """The claims that may go quiet."""
        return self._claim_watches

    @property
    def escalation(self) -> MemoryEscalation:
        """The escalation policy, and how people want to be told."""
        return self._escalation

    @property
    def presence(self) -> MemoryPresence:
        """Who is online."""
        return self._presence

    @property
    def feedback(self) -> MemoryFeedback:
        """Who has seen what, and what they think of it."""
        return self._feedback

    @property
    def outputs(self) -> MemoryOutputs:
        """What resolved sessions leave behind."""
        return self._outputs

    @property
    def suggestions(self) -> MemorySuggestions:
        """Next steps that were proposed."""
        return self._suggestions

    @property
    def token_use(self) -> MemoryTokenUse:
        """What models used up."""
        return self._token_use

    @property
    def assessments(self) -> MemoryAssessments:
        """The assessments."""
        return self._assessments

    @property
    def audit(self) -> MemoryAuditLog:
        """The audit log."""
        return self._audit

    @property
    def webhooks(self) -> MemoryWebhooks:
        """The webhooks."""
        return self._webhooks

    @property
    def secrets(self) -> MemorySecrets:
        """The sealed secrets."""
        return self._secrets

    @property
    def identities(self) -> MemoryIdentities:
        """The identity providers."""
        return self._identities

    @property
    def tokens(self) -> MemoryApiTokens:
        """API tokens."""
        return self._tokens

    @property
    def sign_ins(self) -> MemorySignIns:
        """The browsers that people are signed in with."""
        return self._sign_ins

    @property
    def sign_in_codes(self) -> MemorySignInCodes:
        """The codes that browsers asked for."""
        return self._sign_in_codes

    @property
    def trees(self) -> MemoryTrees:
        """The trees."""
        return self._trees

    @property
    def tree_categories(self) -> MemoryTreeCategories:
        """The categories of trees."""
        return self._tree_categories

    @property
    def script_templates(self) -> MemoryScriptTemplates:
        """The script templates."""
        return self._script_templates

    @property
    def ratings(self) -> MemoryRatings:
        """What people think of trees and script templates."""
        return self._ratings

    @property
    def gallery(self) -> MemoryGallery:
        """What the platform shows."""
        return self._gallery

    @property
    def tree_proposals(self) -> MemoryTreeProposals:
        """What is proposed from what was solved."""
        return self._tree_proposals

    @property
    def maintenance(self) -> MemoryMaintenance:
        """The maintenance schedules."""
        return self._maintenance

    @property
    def imports(self) -> MemoryImports:
        """The import's ledger."""
        return self._imports

    @property
    def psa(self) -> MemoryPsaLedger:
        """The PSAs and what was posted there."""
        return self._psa

    @property
    def psa_members(self) -> MemoryPsaMembers:
        """Who is who in the PSAs."""
        return self._psa_members

    @property
    def psa_webhooks(self) -> MemoryPsaWebhooks:
        """The addresses that PSAs call, and the tickets that they told of."""
        return self._psa_webhooks

    @property
    def search_index(self) -> MemorySearchIndex:
        """What search looks things up in."""
        return self._search_index

    @property
    def weekly_digests(self) -> MemoryWeeklyDigests:
        """Who is mailed the figures of each week."""
        return self._weekly_digests

    async def record(self, event: Event) -> None:
        """As `KernelWork.record` says; whether its person is still active is seen at the commit."""
        self._transaction.rows.events.append(event)

    async def keep(self, answer: Answer) -> None:
        """As `KernelWork.keep` says."""
        if self._once is None:
            raise ValueError("this unit of work was not begun for a request that is to be done once")
        kept = KeptAnswer(fingerprint=self._once.fingerprint, at=self._once.at, answer=answer)
        self._transaction.rows.answers.put((self._once.user_id, self._once.key), kept)

    async def commit(self) -> None:
        """As `KernelWork.commit` says."""
        await asyncio.sleep(0)
        self._transaction.commit()
