"""Handoffs: the queue, what a senior reads before and after a claim, and the moves."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from flowpilot_core.application.handoffs.handoffs import Waiting
from flowpilot_core.domain.kernel.identifiers import BranchId, DeliveryId, HandoffId, TeamId, UserId
from flowpilot_core.domain.kernel.image import PictureType
from flowpilot_core.domain.notifications.delivery import Delivery
from flowpilot_core.ports.handoffs import QueueFilter, QueuePosition
from flowpilot_core.ports.kernel import Entry
from flowpilot_http.api_request import Call
from flowpilot_http.operations import Part
from flowpilot_http.responses import Body, Header, NotModified, of_file
from flowpilot_http.schemas.handoffs.handoffs import (
    Claim,
    DeliveryOut,
    HandoffOut,
    Judge,
    QueueItemOut,
    QueueWanted,
    Reroute,
    SnapshotWanted,
)
from flowpilot_http.schemas.handoffs.snapshot import SnapshotOut
from flowpilot_http.schemas.kernel import EntryOut, Listed, Nothing, Page
from flowpilot_http.schemas.sessions import PictureWanted

part = Part("Handoffs")

HANDOFF = "/handoffs/{handoff_id:str}"
PAGE = "/escalations/{handoff_id:str}"
OF_CLAIMER = ("not_assignee", "invalid_transition")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@part.reads("/handoffs/queue", Listed[QueueItemOut], query=QueueWanted, problems=("invalid_cursor",), page="/queue")
async def queue(request: Call) -> Body:
    """The open escalations of your account: priority, then the longest waiting."""
    wanted = await request.wanted(QueueWanted)
    where = QueueFilter(
        team_id=None if wanted.team_id is None else TeamId(wanted.team_id),
        user_id=None if wanted.user_id is None else UserId(wanted.user_id),
        priority=wanted.priority,
    )

    async def more(after: tuple[int, int, UUID] | None, limit: int) -> list[Waiting]:
        return list(await request.flowpilot.handoffs.queue(request.user, where, after=_position(after), limit=limit))

    of = f"queue {where.team_id or '-'} {where.user_id or '-'} {where.priority or '-'}"
    return await request.listed(wanted, of, tuple[int, int, UUID], more, shown=QueueItemOut.of, at=_place)


@part.reads(HANDOFF, HandoffOut, etag=True, page=PAGE)
async def get_handoff(request: Call) -> Body:
    """One handoff, with the earlier ones of its session and how many people have been told."""
    await request.wanted(Nothing)
    detail = await request.flowpilot.handoffs.get(request.user, request.handoff_id)
    return request.shown(HandoffOut.shown(detail), version=detail.handoff.version)


@part.reads(f"{HANDOFF}/snapshot", SnapshotOut, query=SnapshotWanted, problems=("snapshot_damaged",), etag=True, page=PAGE)
async def get_snapshot(request: Call) -> Body:
    """The frozen snapshot as canonical JSON, byte for byte: the SHA-256 of the body is its digest, and its ETag."""
    wanted = await request.wanted(SnapshotWanted)
    stored = await request.flowpilot.handoffs.snapshot(request.user, request.handoff_id, verify=wanted.verify)
    etag = f'"{stored.handoff.snapshot_digest}"'
    headers: tuple[Header, ...] = ((b"etag", etag.encode()),)
    if _has(request.headers.get("if-none-match"), etag):
        return NotModified(headers)
    return Body(stored.body, headers=headers)


@part.files(f"{HANDOFF}/pictures/{{picture_id:str}}", *PictureType, query=PictureWanted, problems=("snapshot_damaged",))
async def get_frozen_picture(request: Call) -> Body:
    """The file of a picture that the snapshot names, wherever its session went since."""
    wanted = await request.wanted(PictureWanted)
    return of_file(await request.flowpilot.frozen_pictures.get(request.user, request.handoff_id, request.picture_id, width=wanted.width))


@part.reads(f"{HANDOFF}/changes", Listed[EntryOut], query=Page, problems=("invalid_cursor",), page=PAGE)
async def changes(request: Call) -> Body:
    """What has happened in the session since the snapshot."""
    handoff_id = request.handoff_id
    page = await request.wanted(Page)

    async def more(after: int | None, limit: int) -> list[Entry]:
        return list(await request.flowpilot.handoffs.changes(request.user, handoff_id, after=after or 0, limit=limit))

    return await request.listed(page, f"changes {handoff_id}", int, more, shown=EntryOut.of, at=lambda entry: entry.logged.number)


@part.reads(f"{HANDOFF}/deliveries", Listed[DeliveryOut], query=Page, problems=("invalid_cursor",), page=PAGE)
async def deliveries(request: Call) -> Body:
    """Who was told, over which channel, and what came of it."""
    handoff_id = request.handoff_id
    page = await request.wanted(Page)

    async def more(after: UUID | None, limit: int) -> list[Delivery]:
        last = None if after is None else DeliveryId(after)
        return list(await request.flowpilot.deliveries.of(request.user, handoff_id, after=last, limit=limit))

    return await request.listed(page, f"deliveries {handoff_id}", UUID, more, shown=DeliveryOut.of, at=lambda delivery: delivery.id)


@part.moves(f"{HANDOFF}/claim", HandoffOut, body=Claim, problems=("own_handoff", "already_claimed", "invalid_transition"))
async def claim(request: Call) -> Body:
    """Take an escalation from the queue: its session is active and yours. Of any number who try at once, one succeeds."""
    where = await request.read(Claim)
    return await request.changed(
        lambda change: request.flowpilot.handoffs.claim(
            request.user,
            request.handoff_id,
            branch_id=None if where.branch_id is None else BranchId(where.branch_id),
            request=change,
        ),
        HandoffOut.shown,
    )


@part.moves(f"{HANDOFF}/unclaim", HandoffOut, body=Nothing, problems=OF_CLAIMER)
async def unclaim(request: Call) -> Body:
    """Give a claim back while nothing was added since; the wait goes on as if it had never been claimed."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.handoffs.unclaim(request.user, request.handoff_id, request=change), HandoffOut.shown
    )


@part.moves(f"{HANDOFF}/reroute", HandoffOut, body=Reroute, problems=("invalid_transition",))
async def reroute(request: Call) -> Body:
    """Send an open escalation to another team or person, or make it more or less urgent; the wait goes on."""
    to = await request.read(Reroute)
    return await request.changed(
        lambda change: request.flowpilot.handoffs.reroute(
            request.user,
            request.handoff_id,
            team_id=None if to.team_id is None else TeamId(to.team_id),
            user_id=None if to.user_id is None else UserId(to.user_id),
            priority=to.priority,
            request=change,
        ),
        HandoffOut.shown,
    )


@part.moves(f"{HANDOFF}/withdraw", HandoffOut, body=Nothing, problems=("not_assignee", "invalid_transition"))
async def withdraw(request: Call) -> Body:
    """Take an escalation out of the queue; its session is active again with the assignee it had."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.handoffs.withdraw(request.user, request.handoff_id, request=change), HandoffOut.shown
    )


@part.moves(f"{HANDOFF}/seen", HandoffOut, body=Nothing)
async def see(request: Call) -> Body:
    """Say that you have looked at it, which its escalator can see; a second look changes nothing."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.handoffs.see(request.user, request.handoff_id, request=change), HandoffOut.shown
    )


@part.moves(f"{HANDOFF}/verdict", HandoffOut, body=Judge, problems=OF_CLAIMER)
async def judge(request: Call) -> Body:
    """Say, as its claimer, whether it was right to escalate it; a later verdict replaces yours."""
    new = await request.read(Judge)
    return await request.changed(
        lambda change: request.flowpilot.handoffs.judge(
            request.user, request.handoff_id, verdict=new.verdict, comment=new.comment, request=change
        ),
        HandoffOut.shown,
    )


@part.moves(f"{HANDOFF}/deliveries/{{delivery_id:str}}/retry", HandoffOut, body=Nothing, problems=("invalid_transition",))
async def retry_delivery(request: Call) -> Body:
    """Try a dead delivery again."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.deliveries.retry(request.user, request.handoff_id, request.delivery_id, request=change),
        HandoffOut.shown,
    )


def _place(waiting: Waiting) -> tuple[int, int, UUID]:
    item = waiting.item
    return item.priority.rank, (item.escalated_at - _EPOCH) // _MICROSECOND, item.handoff_id


def _position(place: tuple[int, int, UUID] | None) -> QueuePosition | None:
    if place is None:
        return None
    rank, microseconds, handoff_id = place
    return QueuePosition(rank=rank, escalated_at=_EPOCH + microseconds * _MICROSECOND, handoff_id=HandoffId(handoff_id))


def _has(if_none_match: str | None, etag: str) -> bool:
    """Whether a client that sent this header has the thing with this ETag."""
    named = [one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")]
    return etag in named or "*" in named


ROUTES = (
    queue,
    get_handoff,
    get_snapshot,
    get_frozen_picture,
    changes,
    deliveries,
    claim,
    unclaim,
    reroute,
    withdraw,
    see,
    judge,
    retry_delivery,
)
