"""Mailing people about a run: take, send, settle."""

import logging
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from attrs import frozen

from flowpilot_core.application.handoffs.page_addresses import maintenance_of, page_of
from flowpilot_core.application.relay.leases import settle
from flowpilot_core.application.relay.sending import hand_over
from flowpilot_core.domain.access.account import Account, User, UserState
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import MaintenanceNoticeId
from flowpilot_core.domain.kernel.sending import DeliveryState, delay
from flowpilot_core.domain.kernel.text import counted
from flowpilot_core.domain.maintenance.run import Notice, Run, RunState
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.assistant import Clean, Redactor
from flowpilot_core.ports.kernel import BeginWork, Clock, Jitter
from flowpilot_core.ports.maintenance import MaintenanceWork
from flowpilot_core.ports.notifications import Message, Notifier, NotSent
from flowpilot_core.ports.relay import Lease, RelayWork


class NoticesNeeds(MaintenanceWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


log = logging.getLogger("flowpilot.maintenance")

TO_SEND = frozenset({DeliveryState.PENDING, DeliveryState.FAILED, DeliveryState.SENDING})


@frozen(kw_only=True)
class SendNotice:
    """Mails one person about one run. No send is ever awaited inside a unit of work."""

    begin: BeginWork[NoticesNeeds]
    notifier: Notifier
    clock: Clock
    jitter: Jitter
    redact: Redactor
    base_url: str
    """Where links lead to."""
    mail_domain: str
    """What stands behind the `@` of message ids."""

    async def do(self, lease: Lease) -> None:
        """Send what the lease is for, if it is still worth sending."""
        message = await self._take(lease)
        if message is not None:
            outcome = await hand_over(self.notifier, message, log)
            await self._settle(lease, outcome if isinstance(outcome, NotSent) else None)

    async def give_up(self, lease: Lease, problem: str) -> None:
        """It will not be mailed, for a reason that lies here."""
        async with self.begin(lease.account_id) as work:
            if not await work.due.finish(lease):
                return
            with suppress(NotFound):
                notice = await work.maintenance.notice(MaintenanceNoticeId(lease.work_id))
                if notice.state in TO_SEND:
                    await work.maintenance.save_notice(notice.taken().failed(problem, permanent=True))
            await work.commit()

    async def _take(self, lease: Lease) -> Message | None:
        async with self.begin(lease.account_id) as work:
            if not await work.due.holds(lease):
                return None
            try:
                notice = await work.maintenance.notice(MaintenanceNoticeId(lease.work_id))
            except NotFound:
                await work.due.finish(lease)
                await work.commit()
                return None
            run, user = await work.maintenance.run(notice.run_id), await work.people.user(notice.user_id)
            account = await work.people.account()
            reason = account.why_not_tell() or (None if user.state is UserState.ACTIVE else "the person is deactivated")
            if notice.state not in TO_SEND or reason is not None:
                if notice.state in TO_SEND and reason is not None:
                    await work.maintenance.save_notice(notice.suppressed(reason))
                await work.due.finish(lease)
                await work.commit()
                return None
            again = notice.state is DeliveryState.SENDING
            await work.maintenance.save_notice(notice.taken())
            await work.commit()
        labels = (target.label for target in run.plan.targets)
        texts = (run.plan.name, *labels, run.problem or "")
        clean = await self.redact.cleaner(account.id, texts, within=run.id, personal=account.redacts_personal)
        return self._message(notice, run, user, account, clean, again=again)

    async def _settle(self, lease: Lease, refused: NotSent | None) -> None:
        async with self.begin(lease.account_id) as work:
            try:
                notice = await work.maintenance.notice(MaintenanceNoticeId(lease.work_id))
            except NotFound:
                await work.due.finish(lease)
                await work.commit()
                return
            settled = notice.failed(refused.problem, permanent=refused.permanent) if refused else notice.sent()
            again_in = delay(settled.attempts, self.jitter()) / timedelta(seconds=1) if settled.state is DeliveryState.FAILED else None
            if not await settle(work, lease, again_in=again_in):
                return
            await work.maintenance.save_notice(settled)
            await work.commit()
        log.info(
            "maintenance notice attempt",
            extra={
                "notice_id": str(settled.id),
                "state": str(settled.state),
                "attempts": settled.attempts,
                "problem": refused.logged if refused else None,
            },
        )

    def _message(self, notice: Notice, run: Run, user: User, account: Account, clean: Clean, *, again: bool) -> Message:
        name = clean(run.plan.name)
        if run.state is RunState.BLOCKED:
            subject = f"Maintenance did not start: {name}"
            said = [
                f"The maintenance {name} could not be started.",
                "",
                f"Why: {clean(run.problem or '')}",
                f"Its schedule: {maintenance_of(self.base_url, account.id, run.schedule_id)}",
            ]
        else:
            many = counted(len(run.targets), "session is", "sessions are")
            subject = f"Maintenance: {name}"
            said = [
                f"The maintenance {name} has begun: {many} yours, until {run.until:%Y-%m-%d %H:%M} UTC.",
                "",
            ]
            said += [
                f"{clean(one.target.label)}: {page_of(self.base_url, account.id, one.session_id)}"
                for one in run.targets
                if one.session_id is not None
            ]
        return Message(
            message_id=f"<{notice.id}@{self.mail_domain}>",
            to=user.email,
            to_name=user.name,
            account_name=account.name,
            subject=subject,
            text="\n".join((f"Hello {user.name},", "", *said, "")),
            maybe_twice=again,
        )
