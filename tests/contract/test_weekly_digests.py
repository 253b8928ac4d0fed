"""The weekly digest by real SMTP, on memory and on Postgres, week after week, and while mail and relay die (row F55)."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from attrs import evolve, field, frozen

from flowpilot_adapters.memory import MemoryNotifier, MemoryStore
from flowpilot_adapters.smtp import MailServer, SmtpNotifier
from flowpilot_adapters.sql import Database, SqlOutbox
from flowpilot_adapters.system import SystemClock, new_id
from flowpilot_adapters.typeset import HtmlLetters
from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.insights.search import IndexForSearch
from flowpilot_core.application.insights.weekly_digest_mailing import SendWeeklyDigest
from flowpilot_core.application.kernel.links import Links
from flowpilot_core.application.relay.relay import MOST_TAKES, Handler, Relay
from flowpilot_core.domain.access.account import UserMove
from flowpilot_core.domain.handoffs.handoff import Intent
from flowpilot_core.domain.insights.figures import Subject
from flowpilot_core.domain.insights.weekly_digest import WeeklyDigest
from flowpilot_core.domain.kernel.actor import Person, Role
from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_core.domain.kernel.sending import MOST_ATTEMPTS, DeliveryState
from flowpilot_core.domain.notifications.preferences import Preferences
from flowpilot_core.domain.notifications.working_hours import MINUTES, Span
from flowpilot_core.ports.notifications import Notifier
from flowpilot_core.ports.relay import Outbox, WorkKind
from flowpilot_core.testing.builders import SetClock, Staff, a_staff
from flowpilot_core.testing.contracts import Adapter
from flowpilot_core.testing.contracts.access.branding import LOGO, a_branding
from flowpilot_core.testing.contracts.contract import closed
from flowpilot_core.testing.faults import Fault as Broken
from flowpilot_core.testing.faults import Faults, Pause, raising
from tests.support.mail_server import Envelope, Fault, ScriptedServer
from tests.support.postgres import PostgresDatabase
from tests.support.product import a_product

from .test_relay import VoidLeases, at_once, drained

pytestmark = pytest.mark.anyio

LINKS = Links.of("https://flowpilot.msp.example", bytes(32))
WEDNESDAY = datetime(2091, 1, 3, 12, tzinfo=UTC)
"""So late that nothing is due by the database's own clock until a test says so."""
SEVEN = datetime(2091, 1, 8, 7, tzinfo=UTC)
WEEK = timedelta(days=7)
OLGA, ADAM = "olga@acme-it.example", "adam@acme-it.example"


@frozen(kw_only=True)
class Office:
    """An account whose clock stands still until somebody says so, and a mail server."""

    adapter: Adapter
    staff: Staff
    server: ScriptedServer
    clock: SetClock
    database: PostgresDatabase | None
    flowpilot: FlowPilot = field()

    @flowpilot.default
    def _product(self) -> FlowPilot:
        return a_product(self.adapter, clock=self.clock, tell=False, assess=False)

    def relay(self, *, adapter: Adapter | None = None, notifier: Notifier | None = None, outbox: Outbox | None = None) -> Relay:
        store = adapter or self.adapter
        mail = SmtpNotifier(server=MailServer.of(self.server.url), sender="flowpilot@msp.example", clock=self.clock, idle=timedelta(0))
        sending = SendWeeklyDigest(
            begin=store.begin,
            analytics=self.flowpilot.analytics,
            notifier=notifier or mail,
            clock=self.clock,
            jitter=at_once,
            links=LINKS,
            typeset=HtmlLetters(),
            mail_domain="msp.example",
        )
        handlers: dict[WorkKind, Handler] = {
            WorkKind.WEEKLY_DIGEST: sending,
            WorkKind.INDEX: IndexForSearch(begin=self.adapter.begin),
        }
        return Relay(outbox=outbox or store.outbox, begin=store.begin, handlers=handlers, jitter=at_once)

    def comes(self, at: datetime) -> None:
        """It is that time, and what is due by then is due."""
        self.clock.at = at
        if self.database is not None:
            self.database.do(f"UPDATE flowpilot.due_work SET due_at = now() WHERE due_at <= '{at.isoformat()}'")

    async def want(self, *people: Person) -> None:
        for person in people:
            await self.flowpilot.weekly_digests.want(person, True)

    async def kept(self, person: Person) -> WeeklyDigest:
        found = (await self.flowpilot.weekly_digests.get(person)).weekly_digest
        assert found is not None
        return found

    async def escalated(self) -> None:
        """Anna escalates something, and Ben takes it an hour later."""
        session = await self.flowpilot.sessions.start(self.staff.anna, title="VPN down at Contoso", problem="Nobody gets in.")
        detail = await self.flowpilot.handoffs.hand_off(self.staff.anna, session.session.id, intent=Intent.ESCALATE, reason="I am stuck")
        self.clock.jump(timedelta(hours=1))
        await self.flowpilot.handoffs.claim(self.staff.ben, detail.handoff.id)

    @property
    def mailed(self) -> Sequence[tuple[str, str]]:
        """Who was mailed which week, in the order of the weeks and then of who it is."""
        return sorted((_week(one), one.recipients[0]) for one in self.server.accepted)


def _week(envelope: Envelope) -> str:
    (found,) = re.findall(r"insights\?from=(\S+?)&to=", envelope.message.text)[:1]
    return str(found)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer().running() as server:
        yield server


@pytest.fixture(params=["memory", "postgres"])
async def office(request: pytest.FixtureRequest, server: ScriptedServer) -> AsyncIterator[Office]:
    clock = SetClock(WEDNESDAY)
    if request.param == "memory":
        store = MemoryStore(clock=clock, new_token=new_id)
        adapter = Adapter(begin=store.begin, view=store.view, outbox=store.outbox)
        yield Office(adapter=adapter, staff=await a_staff().kept(adapter.begin), server=server, clock=clock, database=None)
        return
    urls = request.getfixturevalue("own_database")
    database, outbox = Database(urls.app), SqlOutbox(urls.relay)
    adapter = Adapter(begin=database.begin, view=database.view, outbox=outbox)
    try:
        yield Office(adapter=adapter, staff=await a_staff().kept(adapter.begin), server=server, clock=clock, database=urls)
    finally:
        await outbox.close()
        await database.close()


def headers(envelope: Envelope) -> Mapping[str, str]:
    mail: EmailMessage = envelope.mail
    return {name: str(mail[name]) for name in ("Subject", "From", "To", "List-Unsubscribe-Post")}


class TestTheMail:
    async def test_who_asked_is_mailed_the_figures_of_the_week_with_links_and_nobody_else_is(self, office: Office) -> None:
        await office.want(office.staff.olga)
        await office.escalated()
        office.comes(SEVEN)

        await drained(office.relay())

        (envelope,) = office.server.accepted
        message = envelope.message
        assert (OLGA, "Acme IT", "The week from 2091-01-01 to 2091-01-07 in figures") == (message.to, message.account_name, message.subject)
        for line in (
            "This is what happened from 2091-01-01 to 2091-01-07.",
            "Escalations\n",
            "Escalation rate: 100%",
            "Time to claim: median 1 h, nine in ten within 1 h",
            "\nWork\nSessions: 1 active\n",
            f"See these figures: https://flowpilot.msp.example/insights?from=2091-01-01&to=2091-01-08&account={office.staff.account_id}\n",
            "You got this because you asked for a weekly digest of Acme IT. Its days are those of UTC.",
        ):
            assert line in re.sub(" +", " ", message.text)
        assert message.html
        assert "https://flowpilot.msp.example/insights?from=2091-01-01&amp;to=2091-01-08" in message.html
        assert "median 1 h" in message.html
        assert (LINKS.no_weekly_digest(office.staff.account_id, office.staff.olga.user_id), False) == (
            message.unsubscribe_url,
            message.maybe_twice,
        )
        assert "List-Unsubscribe=One-Click" == headers(envelope)["List-Unsubscribe-Post"]
        assert (DeliveryState.SENT, 1) == ((await office.kept(office.staff.olga)).state, (await office.kept(office.staff.olga)).attempts)

    async def test_its_figures_are_those_that_its_person_is_answered(self, office: Office) -> None:
        await office.want(office.staff.adam)
        for _ in range(3):
            await office.escalated()
        office.comes(SEVEN)

        await drained(office.relay())

        week = (SEVEN - WEEK).date()
        told = office.server.accepted[0].message.text
        asked = office.flowpilot.analytics.ask
        for subject in (Subject.ESCALATIONS, Subject.WORK):
            answer = await asked(office.staff.adam, subject, start=week, end=week + WEEK)
            for name, count in answer.total.counts.items():
                if count and "." not in name:
                    assert re.search(rf"{name.replace('_', ' ').capitalize()}: +{count}\n", told), name

    async def test_nothing_that_anybody_wrote_is_in_it(self, office: Office) -> None:
        await office.want(office.staff.olga)
        await office.escalated()
        office.comes(SEVEN)

        await drained(office.relay())

        for wrote in ("VPN", "Contoso", "stuck", "Anna", "Ben"):
            assert wrote not in office.server.accepted[0].message.text

    async def test_of_a_week_with_nothing_it_says_so(self, office: Office) -> None:
        await office.want(office.staff.olga)
        office.comes(SEVEN)

        await drained(office.relay())

        (envelope,) = office.server.accepted
        assert "Nothing happened from 2091-01-01 to 2091-01-07." in envelope.message.text
        assert "See the week: https://flowpilot.msp.example/insights?from=2091-01-01&to=2091-01-08" in envelope.message.text

    async def test_it_wears_what_its_account_says_of_itself(self, office: Office) -> None:
        async with office.adapter.begin(office.staff.account_id) as work:
            await work.branding.save(evolve(a_branding(), logo=LOGO.logo), files=LOGO)
            await work.commit()
        await office.want(office.staff.olga)
        office.comes(SEVEN)

        await drained(office.relay())

        (envelope,) = office.server.accepted
        assert "Acme Service Desk" == envelope.message.account_name
        assert envelope.message.text.endswith("\n\nAcme IT\nhttps://acme.example\nAcme IT\nVienna\n")
        assert envelope.message.html
        assert "cid:logo@flowpilot.invalid" in envelope.message.html


class TestWhen:
    async def test_it_comes_week_after_week_for_longer_than_any_piece_of_work_is_tried(self, office: Office) -> None:
        await office.want(office.staff.olga)
        weeks = MOST_TAKES + 5

        for number in range(weeks):
            office.comes(SEVEN + number * WEEK)
            await drained(office.relay())

        assert [str((SEVEN + (number - 1) * WEEK).date()) for number in range(weeks)] == [week for week, _ in office.mailed]

    async def test_days_and_hours_are_those_of_the_account(self, office: Office) -> None:
        await office.flowpilot.account.change(office.staff.olga, time_zone="Pacific/Auckland")
        await office.want(office.staff.olga)
        sunday = datetime(2091, 1, 7, 18, tzinfo=UTC)
        office.comes(sunday - timedelta(milliseconds=1))
        await drained(office.relay())
        early = list(office.mailed)

        office.comes(sunday)
        await drained(office.relay())

        assert ([], [("2091-01-01", OLGA)]) == (early, office.mailed)

    async def test_before_its_time_it_waits_though_the_database_is_ahead(self, office: Office) -> None:
        """F36."""
        await office.want(office.staff.olga)
        office.comes(SEVEN)
        office.clock.at = SEVEN - timedelta(hours=1)

        await drained(office.relay(), most=3)
        early = list(office.mailed)
        office.clock.at = SEVEN
        if office.database is not None:
            office.database.do("UPDATE flowpilot.due_work SET due_at = now()")
        await drained(office.relay())

        assert ([], [("2091-01-01", OLGA)]) == (early, office.mailed)

    async def test_of_weeks_that_were_missed_the_last_alone_is_told(self, office: Office) -> None:
        """F55: no relay ran for a month."""
        await office.want(office.staff.olga, office.staff.adam)
        office.comes(SEVEN + 4 * WEEK + timedelta(hours=3))

        await drained(office.relay())
        office.comes(SEVEN + 5 * WEEK)
        await drained(office.relay())

        assert [("2091-01-29", ADAM), ("2091-01-29", OLGA), ("2091-02-05", ADAM), ("2091-02-05", OLGA)] == office.mailed

    async def test_quiet_hours_put_it_off_until_they_end(self, office: Office) -> None:
        await office.flowpilot.escalation.prefer(
            office.staff.olga, Preferences(user_id=office.staff.olga.user_id, quiet=Span(start=22 * 60, end=9 * 60))
        )
        await office.want(office.staff.olga)
        office.comes(SEVEN)
        await drained(office.relay())
        early = list(office.mailed)

        office.comes(SEVEN + timedelta(hours=2))
        if office.database is not None:
            office.database.do("UPDATE flowpilot.due_work SET due_at = now()")
        await drained(office.relay())

        assert ([], [("2091-01-01", OLGA)]) == (early, office.mailed)

    async def test_who_has_quiet_hours_that_never_end_is_told_no_week(self, office: Office) -> None:
        quiet = Preferences(user_id=office.staff.olga.user_id, quiet=Span(start=0, end=MINUTES))
        await office.flowpilot.escalation.prefer(office.staff.olga, quiet)
        await office.want(office.staff.olga)
        office.comes(SEVEN)

        await drained(office.relay())

        digest = await office.kept(office.staff.olga)
        assert (DeliveryState.SUPPRESSED, "quiet hours") == (digest.state, digest.reason)
        assert [] == office.mailed


class TestWhoIsToldNoMore:
    async def test_who_is_no_admin_any_more_is_told_nothing_until_they_are_again(self, office: Office) -> None:
        await office.want(office.staff.adam)
        await self.role(office, Role.ENGINEER)
        office.comes(SEVEN)
        await drained(office.relay())
        lost = (await self.kept(office)).reason
        await self.role(office, Role.ADMIN)

        office.comes(SEVEN + WEEK)
        await drained(office.relay())

        assert ("the person is an engineer now", [("2091-01-08", ADAM)]) == (lost, office.mailed)

    async def test_who_is_deactivated_is_told_nothing_until_they_are_back(self, office: Office) -> None:
        await office.want(office.staff.adam)
        await self.moved(office, UserMove.DEACTIVATE)
        office.comes(SEVEN)
        await drained(office.relay())
        gone = (await self.kept(office)).reason
        await self.moved(office, UserMove.REACTIVATE)

        office.comes(SEVEN + WEEK)
        await drained(office.relay())

        assert ("the person is deactivated", [("2091-01-08", ADAM)]) == (gone, office.mailed)

    async def test_a_closed_account_is_told_nothing_until_it_is_open_again(self, office: Office) -> None:
        """F49."""
        await office.want(office.staff.olga)
        await closed(office.adapter.begin, office.staff, SEVEN)
        office.comes(SEVEN)
        await drained(office.relay())
        none = list(office.mailed)
        await closed(office.adapter.begin, office.staff, None)

        office.comes(SEVEN + WEEK)
        await drained(office.relay())

        assert ([], [("2091-01-08", OLGA)]) == (none, office.mailed)

    async def test_who_wants_no_more_gets_no_more_and_who_wants_it_again_no_week_twice(self, office: Office) -> None:
        await office.want(office.staff.olga, office.staff.adam)
        office.comes(SEVEN)
        await drained(office.relay())
        await office.flowpilot.weekly_digests.want(office.staff.olga, False)
        await office.flowpilot.weekly_digests.want(office.staff.adam, False)
        await office.want(office.staff.adam)

        await drained(office.relay())
        office.comes(SEVEN + WEEK)
        await drained(office.relay())

        assert [("2091-01-01", ADAM), ("2091-01-01", OLGA), ("2091-01-08", ADAM)] == office.mailed

    async def test_of_any_number_who_ask_for_it_at_once_there_is_one(self, office: Office) -> None:
        await asyncio.gather(*(office.want(office.staff.olga) for _ in range(8)))
        office.comes(SEVEN)

        await drained(office.relay())

        assert [("2091-01-01", OLGA)] == office.mailed

    @staticmethod
    async def role(office: Office, role: Role) -> None:
        async with office.adapter.begin(office.staff.account_id) as work:
            await work.people.save_user(evolve(await work.people.user(office.staff.adam.user_id), role=role))
            await work.commit()

    @staticmethod
    async def moved(office: Office, move: UserMove) -> None:
        async with office.adapter.begin(office.staff.account_id) as work:
            adam = await work.people.user(office.staff.adam.user_id)
            await work.people.save_user(adam.moved(move, at=office.clock.now()))
            await work.commit()

    @staticmethod
    async def kept(office: Office) -> WeeklyDigest:
        async with office.adapter.begin(office.staff.account_id) as work:
            found = await work.weekly_digests.get(office.staff.adam.user_id)
        assert found is not None
        return found


class TestMailDies:
    """F55: once a week each, none lost, none twice under another name."""

    async def test_a_server_that_says_later_gets_it_later_under_the_same_message_id(self, office: Office) -> None:
        """F55."""
        office.server.on("RCPT", "451 4.7.1 try later", to=OLGA, times=2)
        await office.want(office.staff.olga, office.staff.adam)
        office.comes(SEVEN)

        await self.all_tries(office)

        assert [("2091-01-01", ADAM), ("2091-01-01", OLGA)] == office.mailed
        assert (DeliveryState.SENT, 3) == ((await office.kept(office.staff.olga)).state, (await office.kept(office.staff.olga)).attempts)
        assert {False} == {one.message.maybe_twice for one in office.server.accepted}

    async def test_a_lost_answer_leads_to_a_repeat_that_says_so(self, office: Office) -> None:
        """F55: the same Message-ID again."""
        office.server.on(".", Fault.HANG_UP, to=OLGA)
        await office.want(office.staff.olga)
        office.comes(SEVEN)

        await self.all_tries(office)

        first, second = [envelope.message for envelope in office.server.accepted]
        assert first.message_id == second.message_id
        assert (False, True) == (first.maybe_twice, second.maybe_twice)
        assert "it may have arrived twice" == (await office.kept(office.staff.olga)).reason

    @pytest.mark.parametrize(
        ("said", "times", "tries"), [("550 5.1.1 no such user", 1, 1), ("452 4.2.2 mailbox full", MOST_ATTEMPTS, MOST_ATTEMPTS)]
    )
    async def test_one_that_is_refused_for_good_is_dead_and_the_next_week_is_told(
        self, office: Office, said: str, times: int, tries: int
    ) -> None:
        """F55."""
        office.server.on("RCPT", said, to=OLGA, times=times)
        await office.want(office.staff.olga)
        office.comes(SEVEN)
        await self.all_tries(office)
        dead = await office.kept(office.staff.olga)

        office.comes(SEVEN + WEEK)
        await self.all_tries(office)

        assert (DeliveryState.DEAD, tries, f"the mail server refused the address: {said}") == (dead.state, dead.attempts, dead.last_error)
        assert [("2091-01-08", OLGA)] == office.mailed

    async def test_a_server_that_is_down_until_the_week_after_costs_the_week_and_no_more(self, office: Office) -> None:
        """F55."""
        office.server.on("CONNECT", "421 not now", times=3)
        await office.want(office.staff.olga)
        office.comes(SEVEN)
        for _ in range(3):
            await office.relay().run_once()
        office.comes(SEVEN + WEEK)

        await self.all_tries(office)

        assert [("2091-01-08", OLGA)] == office.mailed

    async def all_tries(self, office: Office) -> None:
        await drained(office.relay())


class TestRelayDies:
    """F55: the relay ends at any moment, and another goes on."""

    async def test_at_any_point_once_a_week_each_none_lost_none_twice(self, office: Office) -> None:
        """F55: at every point of the ports once; an attempt that may have arrived is repeated under its own Message-ID, and says so."""
        await office.want(office.staff.olga)
        office.comes(SEVEN)
        points = await self.run(office, None)
        weeks = 1

        for point in points:
            office.comes(SEVEN + weeks * WEEK)
            await self.run(office, point)
            await drained(office.relay())
            weeks += 1

        names = [(one.message.message_id, one.message.maybe_twice) for one in office.server.accepted]
        told = {name: [repeat for found, repeat in names if found == name] for name, _ in names}
        assert [str((SEVEN + (number - 1) * WEEK).date()) for number in range(weeks)] == sorted({week for week, _ in office.mailed})
        assert weeks == len(told)
        assert [] == [repeats for repeats in told.values() if repeats not in ([False], [True], [False, True])]
        assert 0 < len(names) - weeks < len(points) / 2

    async def test_whose_relay_slept_past_its_lease_is_mailed_by_another_alone(self, office: Office) -> None:
        """F55, F17: what the sleeper finds out is dropped."""
        await office.want(office.staff.olga)
        office.comes(SEVEN)
        faults, asleep = Faults(), Pause()
        faults.at("notifier.send: before", asleep)
        slow = asyncio.create_task(
            office.relay(notifier=faults.notifier(MemoryNotifier()), outbox=VoidLeases(office.adapter.outbox)).run_once()
        )
        await asleep.reached.wait()
        await drained(office.relay())
        before = await office.kept(office.staff.olga)

        asleep.go_on.set()
        await slow

        assert before == await office.kept(office.staff.olga)
        assert (DeliveryState.SENT, 2) == (before.state, before.attempts)

    async def test_who_wants_no_more_while_it_is_sent_has_none_afterwards(self, office: Office) -> None:
        """F55."""
        await office.want(office.staff.olga)
        office.comes(SEVEN)
        faults, sending = Faults(), Pause()
        faults.at("notifier.send: before", sending)
        slow = asyncio.create_task(office.relay(notifier=faults.notifier(MemoryNotifier())).run_once())
        await sending.reached.wait()
        await office.flowpilot.weekly_digests.want(office.staff.olga, False)

        sending.go_on.set()
        await slow
        office.comes(SEVEN + WEEK)
        await drained(office.relay())

        assert None is (await office.flowpilot.weekly_digests.get(office.staff.olga)).weekly_digest
        assert [] == office.mailed

    async def test_one_that_can_never_be_made_is_given_up_for_its_week_and_made_in_the_next(self, office: Office) -> None:
        """F19, F55."""
        await office.want(office.staff.olga)
        office.comes(SEVEN)
        poisoned: list[str] = []
        for _ in range(MOST_TAKES):
            faults = Faults()
            faults.at("weekly_digests.get: before", raising(Unavailable("database")))
            await office.relay(adapter=evolve(office.adapter, begin=faults.begin(office.adapter.begin))).run_once()
            poisoned += [point for point in faults.seen if point == "weekly_digests.get: before"]
        await drained(office.relay())
        dead = await office.kept(office.staff.olga)

        office.comes(SEVEN + WEEK)
        await drained(office.relay())

        assert (MOST_TAKES, DeliveryState.DEAD, "given up after too many tries") == (len(poisoned), dead.state, dead.last_error)
        assert [("2091-01-08", OLGA)] == office.mailed

    async def run(self, office: Office, point: str | None) -> Sequence[str]:
        """One run of a relay that breaks at a point, and loses its leases with it; the points that it passed."""
        faults = Faults()
        mail = SmtpNotifier(server=MailServer.of(office.server.url), sender="flowpilot@msp.example", clock=SystemClock(), idle=timedelta(0))
        if point is not None:
            broken: Broken = raising(RuntimeError("the relay died"))
            faults.at(point, broken)
        adapter = evolve(office.adapter, begin=faults.begin(office.adapter.begin))
        outbox = office.adapter.outbox if point is None else VoidLeases(office.adapter.outbox)
        await office.relay(adapter=adapter, notifier=faults.notifier(mail), outbox=outbox).run_once()
        return tuple(dict.fromkeys(faults.seen))
