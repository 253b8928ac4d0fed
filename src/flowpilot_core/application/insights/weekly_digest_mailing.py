"""Mailing weekly digests: one piece of work for each person who wants them, which comes back every week."""

import logging
from datetime import datetime, timedelta
from typing import Protocol

from attrs import frozen

from flowpilot_core.application.kernel.links import Links
from flowpilot_core.application.relay.leases import drop
from flowpilot_core.application.relay.sending import hand_over
from flowpilot_core.domain.access.account import Account, User
from flowpilot_core.domain.access.branding import Worn
from flowpilot_core.domain.insights.figures import Subject
from flowpilot_core.domain.insights.period import Period
from flowpilot_core.domain.insights.weekly_digest import WeeklyDigest, last_week, next_at, why_not_mail
from flowpilot_core.domain.kernel.identifiers import UserId
from flowpilot_core.domain.kernel.sending import DeliveryState, delay
from flowpilot_core.domain.notifications.timing import QUIET
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.insights import InsightsWork
from flowpilot_core.ports.kernel import BeginWork, Clock, Jitter
from flowpilot_core.ports.notifications import Message, NotificationWork, Notifier, NotSent, Typesetter
from flowpilot_core.ports.relay import Lease, Work, WorkKind

from .analytics import Analytics
from .weekly_digest_text import letter, page_of, subject


class WeeklyDigestMailingNeeds(InsightsWork, NotificationWork, AccessWork, Protocol):
    """What is done here asks this of a unit of work."""


log = logging.getLogger("flowpilot.weekly_digests")


@frozen(kw_only=True)
class _Due:
    """A digest to be sent, to whom, and in what."""

    weekly_digest: WeeklyDigest
    week: Period
    account: Account
    recipient: User
    worn: Worn


@frozen(kw_only=True)
class SendWeeklyDigest:
    """Mails one person the figures of the last week: look, ask, take, send, settle; then it is due again a week later."""

    begin: BeginWork[WeeklyDigestMailingNeeds]
    analytics: Analytics
    notifier: Notifier
    clock: Clock
    jitter: Jitter
    links: Links
    mail_domain: str
    """What stands behind the `@` of message ids."""
    typeset: Typesetter | None = None
    """None: mails are text alone."""

    async def do(self, lease: Lease) -> None:
        """Mail the last week, if it is still to be told; a lease that was lost drops the result."""
        due = await self._due(lease)
        if due is None:
            return
        # Asked before it is taken: an attempt that ends here cannot have arrived.
        message = await self._message(due)
        taken = due.weekly_digest.taken()
        async with self.begin(lease.account_id) as work:
            if not await work.due.holds(lease):
                return
            await work.weekly_digests.save(taken)
            await work.commit()
        await self._settle(lease, taken, await hand_over(self.notifier, message, log))

    async def give_up(self, lease: Lease, problem: str) -> None:
        """Its week is not told, for a reason that lies here; the next one is looked at again."""
        async with self.begin(lease.account_id) as work:
            found = await work.weekly_digests.get(UserId(lease.work_id))
            if found is not None and await work.due.holds(lease):
                week = last_week((await work.people.account()).time_zone, at=self.clock.now())
                await self._rest(work, lease, found.come_to(week).given_up(problem))
                await work.commit()
                return
        await drop(self.begin, lease)

    async def _due(self, lease: Lease) -> _Due | None:
        async with self.begin(lease.account_id) as work:
            if not await work.due.holds(lease):
                return None
            user_id, account, at = UserId(lease.work_id), await work.people.account(), self.clock.now()
            found = await work.weekly_digests.get(user_id)
            if found is None:
                await work.due.finish(lease)
                await work.commit()
                return None
            recipient, week = await work.people.user(user_id), last_week(account.time_zone, at=at)
            now = found.come_to(week)
            if not now.tells(week):
                # Too early, by another clock or in another zone. Put off by the store's own clock, it is not due at once again.
                await work.due.postpone(lease, seconds=(next_at(account.time_zone, after=at) - at) / timedelta(seconds=1))
            elif reason := why_not_mail(account, recipient):
                await self._rest(work, lease, now.suppressed(reason))
            elif not await self._put_off(work, lease, now, at=at):
                worn = await work.branding.worn()
                return _Due(weekly_digest=now, week=week, account=account, recipient=recipient, worn=worn)
            await work.commit()
        return None

    async def _put_off(self, work: WeeklyDigestMailingNeeds, lease: Lease, now: WeeklyDigest, *, at: datetime) -> bool:
        """Whether it is one of its person's quiet hours; then it waits for their end, or never goes where they have none."""
        preferences = await work.escalation.preferences(now.user_id)
        if now.state is not DeliveryState.PENDING or not preferences.is_quiet(at):
            return False
        until = preferences.quiet_until(at)
        if until is None:
            await self._rest(work, lease, now.suppressed(QUIET))
        else:
            await work.weekly_digests.save(now)
            await work.due.postpone(lease, seconds=(until - at) / timedelta(seconds=1))
        return True

    async def _rest(self, work: WeeklyDigestMailingNeeds, lease: Lease, settled: WeeklyDigest) -> None:
        """Done for this week. The next one is another piece of work under the same id: how often this one was taken does not count."""
        await work.weekly_digests.save(settled)
        await work.due.finish(lease)
        following = next_at((await work.people.account()).time_zone, after=self.clock.now())
        await work.due.add(Work(id=settled.user_id, kind=WorkKind.WEEKLY_DIGEST, due_at=following))

    async def _message(self, due: _Due) -> Message:
        week, account, recipient = due.week, due.account, due.recipient
        reader = recipient.acting(account.id)
        answers = [await self.analytics.ask(reader, one, start=week.start, end=week.end, time_zone=week.time_zone) for one in Subject]
        way_out = self.links.no_weekly_digest(account.id, recipient.id)
        said = letter(answers, recipient, account, page=page_of(self.links.base_url, account.id, week), unsubscribe=way_out, worn=due.worn)
        return Message(
            message_id=due.weekly_digest.message_id(self.mail_domain),
            to=recipient.email,
            to_name=recipient.name,
            account_name=due.worn.branding.sender(account.name),
            subject=subject(week),
            text=said.text,
            html=self.typeset(said) if self.typeset else None,
            logo=due.worn.logo if self.typeset else None,
            unsubscribe_url=way_out,
            maybe_twice=due.weekly_digest.taken().maybe_arrived,
        )

    async def _settle(self, lease: Lease, taken: WeeklyDigest, outcome: str | NotSent | None) -> None:
        if isinstance(outcome, NotSent):
            settled = taken.failed(outcome.problem, permanent=outcome.permanent, unknown=outcome.unknown)
        else:
            settled = taken.sent(outcome)
        async with self.begin(lease.account_id) as work:
            if not await work.due.holds(lease):
                return
            if settled.state is DeliveryState.FAILED:
                await work.weekly_digests.save(settled)
                await work.due.postpone(lease, seconds=delay(settled.attempts, self.jitter()) / timedelta(seconds=1))
            else:
                await self._rest(work, lease, settled)
            await work.commit()
        log.info(
            "weekly digest attempt",
            extra={
                "user_id": str(settled.user_id),
                "week": str(settled.week),
                "state": str(settled.state),
                "attempts": settled.attempts,
                "problem": outcome.logged if isinstance(outcome, NotSent) else settled.reason,
            },
        )
