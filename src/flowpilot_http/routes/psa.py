"""PSAs: the account's connections, and the log of what was posted to tickets."""

from collections.abc import Callable
from uuid import UUID

import msgspec

from flowpilot_core.domain.kernel.identifiers import HandoffId, PsaConnectionId, PsaPostId, SessionId
from flowpilot_core.domain.psa.connection import PsaConnection
from flowpilot_core.domain.psa.post import PsaPost
from flowpilot_core.ports.psa import Knock, PostFilter
from flowpilot_http.api_request import Call
from flowpilot_http.operations import FORBIDDEN, Part
from flowpilot_http.responses import Body, encode
from flowpilot_http.schemas.kernel import Listed, Nothing, Page
from flowpilot_http.schemas.psa import (
    ChangedConnection,
    ConnectionOut,
    NewConnection,
    NotePreviewOut,
    NotePreviewWanted,
    PostOut,
    PostsWanted,
    PsaTicketOut,
    PsaWebhookOut,
    TestOut,
)

part = Part("PSA")

HEARS = "/psa-webhooks/{token}"
CONNECTION = "/psa-connections/{connection_id:str}"
OF_OFFICE = FORBIDDEN


def shown_by(request: Call) -> Callable[[PsaConnection], ConnectionOut]:
    """How connections are shown, with what there is to know about each."""
    return lambda connection: ConnectionOut.of(connection, request.flowpilot.psa.notices(connection))


@part.makes("/psa-connections", ConnectionOut, body=NewConnection, problems=("connection_exists",))
async def connect_psa(request: Call) -> Body:
    """Connect your PSA: from then on the tickets of sessions get a note at an escalation, a claim and a resolution."""
    new = await request.read(NewConnection)
    return await request.changed(
        lambda change: request.flowpilot.psa.connect(
            request.user,
            system=new.system,
            name=new.name,
            base_url=new.base_url,
            credentials=new.credentials,
            settings=new.settings,
            request=change,
        ),
        shown_by(request),
        status=201,
    )


@part.reads("/psa-connections", Listed[ConnectionOut], query=Page, problems=("invalid_cursor", *OF_OFFICE))
async def list_connections(request: Call) -> Body:
    """The account's connections, oldest first."""
    page = await request.wanted(Page)

    async def more(after: UUID | None, limit: int) -> list[PsaConnection]:
        found = await request.flowpilot.psa.list(request.user)
        return [connection for connection in found if after is None or connection.id > after][:limit]

    return await request.listed(page, "psa-connections", UUID, more, shown=shown_by(request), at=lambda connection: connection.id)


@part.reads(CONNECTION, ConnectionOut, problems=OF_OFFICE, etag=True)
async def get_connection(request: Call) -> Body:
    """One connection, with how well it works just now."""
    await request.wanted(Nothing)
    connection = await request.flowpilot.psa.get(request.user, request.connection_id)
    return request.shown(shown_by(request)(connection), version=connection.version)


@part.mends(CONNECTION, ConnectionOut, body=ChangedConnection)
async def change_connection(request: Call) -> Body:
    """Change what is named; all credentials or none. The connection is then tried again, however broken it was."""
    new = await request.read(ChangedConnection)
    return await request.changed(
        lambda change: request.flowpilot.psa.change(
            request.user,
            request.connection_id,
            name=new.name,
            base_url=new.base_url,
            credentials=new.credentials,
            settings=new.settings,
            request=change,
        ),
        shown_by(request),
    )


@part.drops(CONNECTION)
async def remove_connection(request: Call) -> Body:
    """Disconnect a PSA and delete its credentials. What was still to be posted is not; the log of what was stays."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.psa.remove(request.user, request.connection_id, request=change),
        lambda _: msgspec.Raw(),
        status=204,
    )


@part.asks(f"{CONNECTION}/test", TestOut, body=Nothing)
async def test_connection(request: Call) -> Body:
    """Ask the vendor whether notes could be posted now, and say exactly what is wrong if not."""
    await request.read(Nothing)
    return Body(encode(TestOut.of(await request.flowpilot.psa.test(request.user, request.connection_id))))


@part.asks(f"{CONNECTION}/preview", NotePreviewOut, body=NotePreviewWanted)
async def preview_note(request: Call) -> Body:
    """How a note would look on a ticket, for a made-up case; nothing is posted."""
    wanted = await request.read(NotePreviewWanted)
    preview = await request.flowpilot.psa.preview(request.user, request.connection_id, kind=wanted.kind, template=wanted.template)
    return Body(encode(NotePreviewOut.of(preview)))


@part.moves(f"{CONNECTION}/webhook", PsaWebhookOut, body=Nothing)
async def renew_psa_webhook(request: Call) -> Body:
    """An address for your PSA to call as tickets change: one that is closed there ends its sessions here.

    It is shown this once: also a repeat of the request is told neither it nor its secret. Whatever address the connection had before is no
    good from now on.
    """
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.psa_webhooks.renew(request.user, request.connection_id, request=change),
        lambda address: PsaWebhookOut.shown(address, request.ours(HEARS.format(token=address.token))),
        again=PsaWebhookOut.again,
    )


@part.drops(f"{CONNECTION}/webhook")
async def drop_psa_webhook(request: Call) -> Body:
    """Remove the address that your PSA calls."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.psa_webhooks.drop(request.user, request.connection_id, request=change),
        lambda _: msgspec.Raw(),
        status=204,
    )


@part.hears("/psa-webhooks/{token:str}")
async def hear_psa(request: Call) -> Body:
    """What your PSA sends as a ticket changes. Which ticket it was is all that is taken from it: the ticket itself is read again."""
    knock = Knock(headers=request.told, body=await request.body())
    await request.flowpilot.psa_webhooks.hear(request.token, knock)
    return Body(b"", status=204)


@part.reads("/psa-posts", Listed[PostOut], query=PostsWanted, problems=("invalid_cursor", *OF_OFFICE))
async def list_posts(request: Call) -> Body:
    """What was posted to tickets, or is to be, newest first."""
    wanted = await request.wanted(PostsWanted)
    where = PostFilter(
        connection_id=None if wanted.connection_id is None else PsaConnectionId(wanted.connection_id),
        session_id=None if wanted.session_id is None else SessionId(wanted.session_id),
        handoff_id=None if wanted.handoff_id is None else HandoffId(wanted.handoff_id),
        state=wanted.state,
        kind=wanted.kind,
    )

    async def more(after: UUID | None, limit: int) -> list[PsaPost]:
        last = None if after is None else PsaPostId(after)
        return list(await request.flowpilot.psa.posts(request.user, where, after=last, limit=limit))

    of = " ".join(
        ("psa-posts", *(str(value or "-") for value in (where.connection_id, where.session_id, where.handoff_id)), where.state or "-")
    )
    return await request.listed(wanted, f"{of} {where.kind or '-'}", UUID, more, shown=PostOut.of, at=lambda post: post.id)


@part.moves("/psa-posts/{post_id:str}/retry", PostOut, body=Nothing, problems=("invalid_transition",))
async def retry_post(request: Call) -> Body:
    """Try a dead post again; what is already on the ticket is not posted twice."""
    await request.read(Nothing)
    return await request.changed(lambda change: request.flowpilot.psa.retry(request.user, request.post_id, request=change), PostOut.of)


@part.reads("/tickets/{system:str}/{ticket_id:str}", PsaTicketOut, problems=("psa_refused",))
async def read_ticket(request: Call) -> Body:
    """A ticket as your PSA shows it, half a minute ago at most, with its recent notes; it is named by its number in the vendor's API."""
    await request.wanted(Nothing)
    system, ticket_id = request.path_params["system"], request.path_params["ticket_id"]
    return Body(encode(PsaTicketOut.of(system, await request.flowpilot.tickets.read(request.user, system, ticket_id))))


ROUTES = (
    read_ticket,
    connect_psa,
    list_connections,
    get_connection,
    change_connection,
    remove_connection,
    test_connection,
    preview_note,
    renew_psa_webhook,
    drop_psa_webhook,
    list_posts,
    retry_post,
)
"""Connections to PSAs and what was posted over them."""

OPEN = (hear_psa,)
"""What PSAs themselves call: nobody is signed in there."""
