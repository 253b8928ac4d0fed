"""The contract suites on the in-memory peer."""

from collections.abc import Sequence

import pytest

from flowpilot_adapters.memory import MemoryEventStream, MemoryNotifier, MemoryStore
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_core.ports.notifications import Message, NotSent
from flowpilot_core.testing import contracts
from flowpilot_core.testing.contracts import Adapter, Nodes


@pytest.fixture
def adapter() -> Adapter:
    store = MemoryStore(clock=SystemClock(), new_token=new_id)
    return Adapter(begin=store.begin, view=store.view, outbox=store.outbox)


class Mailbox:
    """What a `MemoryNotifier` got."""

    def __init__(self, notifier: MemoryNotifier) -> None:
        self._notifier = notifier

    @property
    def accepted(self) -> Sequence[Message]:
        return self._notifier.messages

    def refuse(self, to: str, *, permanent: bool) -> None:
        self._notifier.script(to, NotSent("nobody here", permanent=permanent))

    def lose_answer(self, to: str) -> None:
        self._notifier.script(to, NotSent("the line went dead", unknown=True))

    def stall(self, to: str) -> None:
        self._notifier.script(to, NotSent("no answer"))


class TestUnitOfWork(contracts.UnitOfWorkContract):
    pass


class TestOnce(contracts.OnceContract):
    pass


class TestSessions(contracts.SessionsContract):
    pass


class TestHandoffs(contracts.HandoffsContract):
    pass


class TestQueue(contracts.QueueContract):
    pass


class TestClaims(contracts.ClaimsContract):
    pass


class TestPeople(contracts.PeopleContract):
    pass


class TestInvitations(contracts.InvitationsContract):
    pass


class TestTenancy(contracts.TenancyContract):
    pass


class TestEventLog(contracts.EventLogContract):
    pass


class TestIdentities(contracts.IdentitiesContract):
    pass


class TestSignInCodes(contracts.SignInCodesContract):
    pass


class TestApiTokens(contracts.ApiTokensContract):
    pass


class TestBrand(contracts.BrandContract):
    pass


class TestSignIns(contracts.SignInsContract):
    pass


class TestEscalation(contracts.EscalationContract):
    pass


class TestFeedback(contracts.FeedbackContract):
    pass


class TestClaimWatches(contracts.ClaimWatchesContract):
    pass


class TestPresence(contracts.PresenceContract):
    pass


class TestWebhooks(contracts.WebhooksContract):
    pass


class TestOutbox(contracts.OutboxContract):
    pass


class TestNotifier(contracts.NotifierContract):
    capabilities = frozenset({"refuses", "loses_answers", "stalls"})

    @pytest.fixture
    def notifier(self) -> MemoryNotifier:
        return MemoryNotifier()

    @pytest.fixture
    def postbox(self, notifier: MemoryNotifier) -> Mailbox:
        return Mailbox(notifier)


class TestAssessments(contracts.AssessmentsContract):
    pass


class TestAuditLog(contracts.AuditLogContract):
    pass


class TestTokenUse(contracts.TokenUseContract):
    pass


class TestAnalytics(contracts.AnalyticsContract):
    pass


class TestSearch(contracts.SearchContract):
    pass


class TestWeeklyDigests(contracts.WeeklyDigestsContract):
    pass


class TestFigures(contracts.FiguresContract):
    pass


class TestRandomFigures(contracts.RandomFiguresContract):
    pass


class TestRatings(contracts.RatingsContract):
    pass


class TestGallery(contracts.GalleryContract):
    pass


class TestMaintenance(contracts.MaintenanceContract):
    pass


class TestScriptTemplates(contracts.ScriptTemplatesContract):
    pass


class TestTreeProposals(contracts.TreeProposalsContract):
    pass


class TestTrees(contracts.TreesContract):
    pass


class TestOutputs(contracts.OutputsContract):
    pass


class TestSuggestions(contracts.SuggestionsContract):
    pass


class TestImports(contracts.ImportsContract):
    pass


class TestReplay(contracts.ReplayContract):
    pass


class TestEventStream(contracts.EventStreamContract):
    @pytest.fixture
    def nodes(self) -> Nodes:
        shared = MemoryEventStream()
        return Nodes(one=shared, other=shared)


class TestPsaLedger(contracts.PsaLedgerContract):
    pass


class TestPsaWebhooks(contracts.PsaWebhooksContract):
    pass
