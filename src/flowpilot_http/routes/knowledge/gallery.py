"""The gallery: what the platform shows, for accounts, for its own people who decide on it, and for who has no account."""

from typing import Final

from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT
from flowpilot_core.ports.knowledge import GalleryPlace, GalleryShown
from flowpilot_http.api_request import Call
from flowpilot_http.operations import FORBIDDEN, Part
from flowpilot_http.responses import Body
from flowpilot_http.schemas.kernel import Listed, Nothing
from flowpilot_http.schemas.knowledge.gallery import (
    CopyOut,
    GalleryOut,
    GalleryWanted,
    OpenSought,
    OpenTemplateDetailOut,
    OpenTemplateOut,
    OpenWanted,
    PlacedOut,
    PlaceInGallery,
)
from flowpilot_http.schemas.knowledge.trees import CategoryOut

part = Part("Gallery")

ONE: Final = "{subject:str}/{subject_id:str}"


@part.reads("/gallery", Listed[GalleryOut], query=GalleryWanted, problems=("invalid_cursor",))
async def list_gallery(request: Call) -> Body:
    """What the platform shows: featured ones first, then by position and name."""
    wanted = await request.wanted(GalleryWanted)
    where = wanted.filter()

    async def more(after: GalleryPlace | None, limit: int) -> list[GalleryShown]:
        return list(await request.flowpilot.gallery.list(request.user, where, after=after, limit=limit))

    return await request.listed(wanted, f"gallery {where}", GalleryPlace, more, shown=GalleryOut.shown, at=lambda one: one.place)


@part.reads(f"/gallery/{ONE}", GalleryOut)
async def get_gallery(request: Call) -> Body:
    """One that the platform shows. What it says stands at its own address."""
    await request.wanted(Nothing)
    return request.shown(GalleryOut.shown(await request.flowpilot.gallery.get(request.user, request.subject, request.subject_id)))


@part.makes(f"/gallery/{ONE}/copy", CopyOut, body=Nothing)
async def copy_from_gallery(request: Call) -> Body:
    """Make a draft of your own of it, which says what it is from."""
    await request.read(Nothing)
    return await request.changed(
        lambda change: request.flowpilot.gallery.copy(request.user, request.subject, request.subject_id, request=change),
        CopyOut.of,
        status=201,
    )


@part.reads("/admin/gallery", Listed[PlacedOut], query=GalleryWanted, problems=("invalid_cursor", "not_found", *FORBIDDEN))
async def list_whole_gallery(request: Call) -> Body:
    """All that the platform has published, shown or not; for people of the platform's account, and for nobody else."""
    wanted = await request.wanted(GalleryWanted)
    where = wanted.filter()

    async def more(after: GalleryPlace | None, limit: int) -> list[GalleryShown]:
        return list(await request.flowpilot.gallery.all(request.user, where, after=after, limit=limit))

    return await request.listed(wanted, f"whole gallery {where}", GalleryPlace, more, shown=PlacedOut.placed, at=lambda one: one.place)


@part.sets(f"/admin/gallery/{ONE}", PlacedOut, body=PlaceInGallery, problems=("invalid_transition",))
async def place_in_gallery(request: Call) -> Body:
    """Say whether and where something of the platform's is shown; for account owners and admins of the platform's account."""
    new = await request.read(PlaceInGallery)
    return await request.changed(
        lambda change: request.flowpilot.gallery.place(
            request.user,
            request.subject,
            request.subject_id,
            listed=new.listed,
            featured=new.featured,
            position=new.position,
            request=change,
        ),
        PlacedOut.placed,
    )


@part.shows("/public/templates", Listed[OpenTemplateOut], query=OpenWanted, problems=("invalid_cursor",))
async def list_open_templates(request: Call) -> Body:
    """What the gallery lists, where this installation shows it to who is not signed in."""
    request.require_open()
    return await _open_list(request, await request.wanted(OpenWanted))


@part.shows("/public/templates/search", Listed[OpenTemplateOut], query=OpenSought, problems=("invalid_cursor",))
async def search_open_templates(request: Call) -> Body:
    """What the gallery lists that has all of these words."""
    request.require_open()
    return await _open_list(request, await request.wanted(OpenSought))


@part.shows("/public/templates/categories", Listed[CategoryOut], query=Nothing)
async def list_open_categories(request: Call) -> Body:
    """The categories of what the gallery lists."""
    request.require_open()
    await request.wanted(Nothing)
    found = await request.flowpilot.gallery.open_categories()
    return request.shown(Listed(items=[CategoryOut.of(one) for one in found], next_cursor=None))


@part.shows(f"/public/templates/{ONE}", OpenTemplateDetailOut, query=Nothing)
async def get_open_template(request: Call) -> Body:
    """One that the gallery lists: the first three levels of a tree, and of a script what it takes and where it runs."""
    request.require_open()
    await request.wanted(Nothing)
    return request.shown(OpenTemplateDetailOut.seen(await request.flowpilot.gallery.open_get(request.subject, request.subject_id)))


async def _open_list(request: Call, wanted: OpenWanted | OpenSought) -> Body:
    where = wanted.filter()

    async def more(after: GalleryPlace | None, limit: int) -> list[GalleryShown]:
        return list(await request.flowpilot.gallery.open_list(where, after=after, limit=limit))

    return await request.listed(
        wanted,
        f"open gallery {where}",
        GalleryPlace,
        more,
        shown=OpenTemplateOut.of,
        at=lambda one: one.place,
        account_id=PLATFORM_ACCOUNT,
    )


ROUTES = (list_gallery, get_gallery, copy_from_gallery, list_whole_gallery, place_in_gallery)
OPEN = (list_open_templates, search_open_templates, list_open_categories, get_open_template)
"""What nobody signs in for."""
