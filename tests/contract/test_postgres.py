"""The contract suites on PostgreSQL, as the application's and the relay's roles."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from flowpilot_adapters.push import PostgresEventStream
from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_core.testing import contracts
from flowpilot_core.testing.contracts import Adapter, Nodes
from tests.support.postgres import PostgresDatabase

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'flowpilot push' AND datname = current_database()"


@pytest.fixture
async def adapter(database: PostgresDatabase) -> AsyncIterator[Adapter]:
    storage, outbox = Database(database.app), SqlOutbox(database.relay)
    yield Adapter(begin=storage.begin, view=storage.view, outbox=outbox)
    await storage.close()
    await outbox.close()


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
    capabilities = frozenset({"cuts"})

    @pytest.fixture
    async def nodes(self, database: PostgresDatabase) -> AsyncIterator[Nodes]:
        one, other = (PostgresEventStream(database.app, jitter=lambda: 0.0) for _ in range(2))

        async def cut() -> None:
            await asyncio.to_thread(database.do, CUT)

        yield Nodes(one=one, other=other, cut=cut)
        await one.close()
        await other.close()


class TestPsaLedger(contracts.PsaLedgerContract):
    pass


class TestPsaWebhooks(contracts.PsaWebhooksContract):
    pass
