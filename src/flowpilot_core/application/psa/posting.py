"""Posting to tickets: how one post, a note or another action, is looked at, taken, done and settled."""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

from attrs import evolve, frozen

from flowpilot_core.application.assistant.redaction import Case, case_of
from flowpilot_core.application.handoffs.page_addresses import page_of
from flowpilot_core.application.kernel.units import Cause, Reaction, Units
from flowpilot_core.application.relay.leases import settle
from flowpilot_core.domain.assistant.assessment import AssessmentState
from flowpilot_core.domain.handoffs.time_spent import time_spent
from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import PsaPostId
from flowpilot_core.domain.kernel.sending import delay
from flowpilot_core.domain.psa.connection import NOTED, Health, NoteKind, PsaConnection, TicketAction, TicketChange
from flowpilot_core.domain.psa.member import MemberMatch
from flowpilot_core.domain.psa.note import MOST_OF_ASSESSMENT, TEMPLATES, Facts, titled
from flowpilot_core.domain.psa.post import TO_POST, PostState, PsaPost, has_moved_on
from flowpilot_core.ports.access import AccessWork
from flowpilot_core.ports.assistant import Redactor
from flowpilot_core.ports.handoffs import HandoffDetail, HandoffWork
from flowpilot_core.ports.kernel import Clock, Jitter, NewId
from flowpilot_core.ports.outputs import OutputWork
from flowpilot_core.ports.psa import Access, NotDone, Posted, Psa, PsaWork, Trouble
from flowpilot_core.ports.relay import Lease, RelayWork
from flowpilot_core.ports.sessions import SessionDetail, SessionWork

from .access import Psas
from .ticket_actions import NoteTask, SetTask, Task, TimeTask


class PostingNeeds(OutputWork, PsaWork, HandoffWork, SessionWork, AccessWork, RelayWork, Protocol):
    """What is done here asks this of a unit of work."""


log = logging.getLogger("flowpilot.posts")

DEADLINE = 150.0
"""Seconds for all parts of one note: less than a lease lasts."""
USUAL_REST = 5.0
"""Seconds that a vendor is left alone for which does not say how long."""
PATIENCE = timedelta(seconds=10)
"""How long the note of an escalation waits for its assessment."""
A_MOMENT = 1.0
"""Seconds between looks whether the assessment is there."""
SOON, LATER = 8, 300.0
"""How many looks at what comes first on the same ticket follow within seconds, and after how many seconds the others do."""
WHY = "something could not be posted to its ticket"
"""The cause that stands in the log with what the system does here."""

OF_CONNECTION = frozenset({Trouble.UNREACHABLE, Trouble.NOT_THE_API, Trouble.VENDOR_FAULT})
"""What is wrong with the way to the vendor for a while, whatever the ticket."""
OF_KEY = frozenset({Trouble.WRONG_KEY, Trouble.WRONG_COMPANY})
"""What stays wrong until somebody mends the connection."""


def note_on_ticket(new_id: NewId) -> Reaction[PsaWork]:
    """The reaction that has a note written on the ticket, and what else the account wants done there: the store knows what that is."""

    async def note(work: PsaWork, cause: Cause) -> None:
        kind = NOTED.get(cause.kind)
        if kind is not None:
            await work.psa.note({action: PsaPostId(new_id()) for action in TicketAction}, kind, caused_by=cause.id)

    return note


@frozen(kw_only=True)
class Draft:
    """A post that is to be sent, with all it is made from."""

    post: PsaPost
    connection: PsaConnection
    access: Access
    psa: Psa
    task: Task
    case: Case
    match: MemberMatch | None = None
    """Who the task's person is there, where that is known."""


@frozen
class Unwanted:
    """Better left undone, after all."""

    reason: str


@frozen(kw_only=True)
class PostNote:
    """Does the work of one post. No vendor is ever awaited inside a unit of work.

    No vendor recognises a repeat, so that whatever is added carries a marker: where it may stand on the ticket already, the marker is
    looked for before it is sent again. What else is done than noting waits for what was asked for before it on the same ticket.
    """

    units: Units[PostingNeeds]
    psas: Psas
    clock: Clock
    jitter: Jitter
    redact: Redactor
    base_url: str
    """Where links in notes lead to."""

    async def do(self, lease: Lease) -> None:
        """Post what the lease is for, if it is still wanted; a lease that was lost drops the result."""
        draft = await self._look(lease)
        if draft is None:
            return
        taken = await self._take(lease, draft, draft.post.sent or await self._redacted(draft))
        if taken is not None:
            await self._settle(lease, taken, await self._post(draft, taken))

    async def give_up(self, lease: Lease, problem: str) -> None:
        """The post is dead, for a reason that lies here and not with the vendor."""
        async with self.units.begin(lease.account_id) as work:
            if not await work.due.finish(lease):
                return
            with suppress(NotFound):
                post = await work.psa.post(PsaPostId(lease.work_id))
                if post.state in TO_POST:
                    await self._kept(work, lease, post.given_up(problem, at=self.clock.now()))
            await work.commit()

    async def _look(self, lease: Lease) -> Draft | None:
        async with self.units.begin(lease.account_id) as work:
            if not await work.due.holds(lease):
                return None
            post = await work.psa.post(PsaPostId(lease.work_id))
            if post.state not in TO_POST:
                await work.due.finish(lease)
                await work.commit()
                return None
            account = await work.people.account()
            closed = account.why_not_tell()
            if closed is not None:
                await self._end(work, lease, post.suppressed(closed, at=self.clock.now()))
                return None
            try:
                connection = await work.psa.connection(post.connection_id)
            except NotFound:
                await self._end(work, lease, post.suppressed("the connection was removed", at=self.clock.now()))
                return None
            if not connection.wants(post.kind, post.action):
                await self._end(work, lease, post.suppressed("it was switched off", at=self.clock.now()))
                return None
            if connection.health.is_broken:
                problem = f"not sent, since the connection is broken: {connection.health.problem}"
                await self._end(work, lease, post.given_up(problem, at=self.clock.now()))
                return None
            case = await case_of(work, account, post.session_id, self.redact)
            handoff = await work.handoffs.detail(post.handoff_id) if post.handoff_id else None
            wait = self._wait(post, connection, handoff)
            if wait is None and post.action is not TicketAction.NOTE and await work.psa.is_behind(post):
                wait = float(lease.takes) if lease.takes <= SOON else LATER
            if wait is not None:
                await work.due.postpone(lease, seconds=wait)
                await work.commit()
                return None
            link = page_of(self.base_url, lease.account_id, post.session_id, handoff.handoff if handoff else None)
            task = await self._task(work, post, connection, case.detail, handoff, link=link)
            if isinstance(task, Unwanted):
                await self._end(work, lease, post.suppressed(task.reason, at=self.clock.now()))
                return None
            match = await work.psa_members.match(connection.id, task.whom.id) if task.whom else None
            access = await self.psas.access(work, lease.account_id, connection)
        psa = self.psas.of(connection.system)
        if post.public:
            access = evolve(access, settings={**access.settings, **psa.vendor.to_client})
        return Draft(post=post, connection=connection, access=access, psa=psa, task=task, case=case, match=match)

    def _wait(self, post: PsaPost, connection: PsaConnection, handoff: HandoffDetail | None) -> float | None:
        """Seconds to wait for a connection that rests, or for an assessment that is on its way."""
        now = self.clock.now()
        rest = connection.health.wait(now)
        if rest is not None:
            return rest / timedelta(seconds=1) + self.jitter() * A_MOMENT
        assessment = handoff.assessment if handoff and post.kind is NoteKind.ESCALATED else None
        on_its_way = assessment is not None and assessment.state is AssessmentState.PENDING
        return A_MOMENT if on_its_way and post.sent is None and now < post.created_at + PATIENCE else None

    async def _task(
        self,
        work: PostingNeeds,
        post: PsaPost,
        connection: PsaConnection,
        session: SessionDetail,
        handoff: HandoffDetail | None,
        *,
        link: str,
    ) -> Task | Unwanted:
        """What the post is to do, as things are now."""
        if post.action is TicketAction.NOTE:
            by = (await work.people.user(post.by)).name if post.by else "FlowPilot"
            return self._note(post, connection, session, handoff, by=by, link=link)
        if post.action is not TicketAction.TIME_ENTRY and has_moved_on(post.kind, session.session, handoff.handoff if handoff else None):
            return Unwanted("the session has moved on")
        change = connection.changes.get(post.kind, TicketChange())
        if post.action in (TicketAction.STATUS, TicketAction.PRIORITY):
            value = (change.status if post.action is TicketAction.STATUS else change.priority) or ""
            return SetTask(action=post.action, says=f"{post.action}: {value}", value=value)
        meant_for = handoff is not None and post.kind is NoteKind.ESCALATED and post.action is TicketAction.OWNER
        user_id = handoff.handoff.user_id if meant_for and handoff else post.by
        if user_id is None:
            return Unwanted("it is meant for no particular person")
        user = await work.people.user(user_id)
        if post.action is TicketAction.OWNER:
            return SetTask(action=post.action, says=f"owner: {user.name}", whom=user)
        spent = time_spent(session.session, session.steps, session.handoffs, by=user.id, until=post.created_at)
        return TimeTask(says=f"{spent.minutes} minutes of {user.name}, until it was {post.kind}", whom=user, spent=spent)

    def _note(
        self, post: PsaPost, connection: PsaConnection, session: SessionDetail, handoff: HandoffDetail | None, *, by: str, link: str
    ) -> NoteTask:
        diagnosis = handoff.assessment.diagnosis if handoff and handoff.assessment else None
        facts = Facts.of(
            session.session,
            handoff.handoff if handoff else None,
            session.steps,
            kind=post.kind,
            by=by,
            assessment=diagnosis.in_short(MOST_OF_ASSESSMENT) if diagnosis else (),
            link=link,
        )
        template = connection.templates.get(post.kind) or TEMPLATES.get(post.kind, "")
        return NoteTask(title=titled(post.kind, facts), template=template, facts=facts, link=link)

    async def _redacted(self, draft: Draft) -> str:
        clean = await draft.case.cleaner(within=draft.post.handoff_id or draft.post.session_id)
        return await asyncio.to_thread(draft.task.text, clean)

    async def _take(self, lease: Lease, draft: Draft, sent: str) -> PsaPost | None:
        at = self.clock.now()
        async with self.units.begin(lease.account_id) as work:
            if not await work.due.holds(lease):
                return None
            minutes = draft.task.spent.minutes if isinstance(draft.task, TimeTask) else None
            taken = draft.post.taken(sent=sent, minutes=minutes, at=at)
            await work.psa.save_post(taken)
            tried = draft.connection.health.tried(at=at)
            if tried != draft.connection.health:
                await work.psa.save_health(draft.connection.id, tried)
            await work.commit()
        return taken

    async def _post(self, draft: Draft, taken: PsaPost) -> Posted | NotDone | Unwanted:
        """What stands on the ticket, or why it does not, or not for sure."""
        try:
            async with asyncio.timeout(DEADLINE):
                member_id = await self._member_id(draft)
                if member_id is None:
                    return Unwanted("nobody has this person's address in the PSA, or more than one")
                return await draft.task.done(draft.psa, draft.access, taken, member_id)
        except NotDone as refused:
            return refused
        except TimeoutError:
            return NotDone(Trouble.UNREACHABLE, "posting all of it took too long", unknown=True)
        except Exception as exc:
            # An adapter that breaks its promise costs a try, like any other failure, and is as visible.
            log.error("the PSA's adapter failed", extra={"post_id": str(taken.id), "error": type(exc).__name__})
            return NotDone(Trouble.VENDOR_FAULT, f"the adapter failed: {type(exc).__name__}", unknown=True)

    async def _member_id(self, draft: Draft) -> str | None:
        """Who the task's person is there, asked for where that is not known; an empty text where it is about nobody."""
        whom, connection, at = draft.task.whom, draft.connection, self.clock.now()
        if whom is None:
            return ""
        if draft.match is not None and draft.match.stands(connection.version, whom.email, at=at):
            return draft.match.member_id
        member = await draft.psa.member_by_email(draft.access, whom.email)
        match = MemberMatch.of(connection.id, connection.version, whom.id, whom.email, member.id if member else None, at=at)
        async with self.units.begin(draft.access.account_id) as work:
            await work.psa_members.keep(match)
            await work.commit()
        return match.member_id

    async def _settle(self, lease: Lease, taken: PsaPost, outcome: Posted | NotDone | Unwanted) -> None:
        at = self.clock.now()
        if isinstance(outcome, Posted):
            settled = taken.posted(outcome.vendor_id, outcome.answer, at=at)
        elif isinstance(outcome, Unwanted):
            settled = taken.suppressed(outcome.reason, at=at)
        else:
            counts = outcome.trouble is not Trouble.TOO_MANY_CALLS
            settled = taken.failed(outcome.problem, permanent=outcome.permanent, maybe_posted=outcome.unknown, counts=counts, at=at)
        async with self.units.begin(lease.account_id) as work:
            again_in = self._pause(settled, outcome) if settled.state is PostState.FAILED else None
            if not await settle(work, lease, again_in=again_in):
                return
            with suppress(NotFound):
                connection = await work.psa.connection(taken.connection_id)
                await work.psa.save_health(connection.id, judged(connection.health, outcome, self.clock))
            await self._kept(work, lease, settled)
            await work.commit()
        self.units.committed(lease.account_id)

    def _pause(self, settled: PsaPost, outcome: Posted | NotDone | Unwanted) -> float:
        """Seconds until the next try: growing, and never sooner than the vendor asked for."""
        wait = delay(settled.attempts, self.jitter()) / timedelta(seconds=1)
        asked = outcome.retry_after if isinstance(outcome, NotDone) else None
        return max(wait, asked or 0.0)

    async def _end(self, work: PostingNeeds, lease: Lease, post: PsaPost) -> None:
        await self._kept(work, lease, post)
        await work.due.finish(lease)
        await work.commit()

    async def _kept(self, work: PostingNeeds, lease: Lease, post: PsaPost) -> None:
        """Save it; that it is dead goes on record too, for the account's people to see."""
        await work.psa.save_post(post)
        if post.output_id is not None:
            output = await work.outputs.get(post.output_id)
            if (settled := output.settled(post, at=self.clock.now())) != output:
                await work.outputs.save(settled, before=output)
        if post.state is PostState.DEAD:
            await self.units.record(work, post.event(by=System(account_id=lease.account_id, cause=WHY)))
        facts = {
            "post_id": str(post.id),
            "action": str(post.action),
            "connection_id": str(post.connection_id),
            "state": str(post.state),
            "attempts": post.attempts,
        }
        (log.warning if post.state is PostState.DEAD else log.info)("post to a ticket", extra=facts)


def judged(health: Health, outcome: Posted | NotDone | Unwanted, clock: Clock) -> Health:
    """How well a connection works after this."""
    at = clock.now()
    if isinstance(outcome, Posted | Unwanted):
        return health.worked(at=at)
    if outcome.trouble in OF_KEY:
        return health.refused(outcome.problem)
    if outcome.trouble is Trouble.TOO_MANY_CALLS:
        return health.failed(outcome.problem, at=at, rest=outcome.retry_after or USUAL_REST)
    if outcome.trouble in OF_CONNECTION:
        return health.failed(outcome.problem, at=at)
    # It answered, if only that this ticket or note is not to its liking.
    return health.mended()
