"""Pictures as evidence, over HTTP: what is taken, what is given back, and to whom."""

import struct
import zlib
from hashlib import sha256

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from flowpilot_core.domain.kernel.image import LONGEST_SIDE
from flowpilot_core.domain.sessions.picture import LARGEST_FILE
from flowpilot_core.testing.contracts.sessions.pictures import SIGNATURE, chunk
from tests.support.http import Somebody, World
from tests.support.pictures import a_picture, opened, send, written

pytestmark = pytest.mark.anyio
SECRET = b"N 51 30 26, W 0 7 39"
ORIENTATION = 0x0112
KINDS = (("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp"))


async def _step(who: Somebody) -> tuple[str, str]:
    """A session of theirs, and where pictures of its step are."""
    session = await who.session()
    step = await who.made(f"/ai-sessions/{session['id']}/steps", {"kind": "observation", "content": "See the picture"})
    return f"/ai-sessions/{session['id']}", f"/ai-sessions/{session['id']}/steps/{step['id']}/pictures"


def _code(answer: object) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("format", "kind"), KINDS)
async def test_a_picture_is_given_back_as_what_is_said_of_it(world: World, format: str, kind: str) -> None:
    path, pictures = await _step(world.junior)

    added = await send(world.junior, f"{pictures}?alt=The%20error", a_picture(format), kind=kind)

    picture = added.json()
    file = await world.viewer.get(f"{pictures}/{picture['id']}")
    assert (201, {"id", "sha256", "width", "height", "bytes", "alt"}) == (added.status_code, set(picture))
    assert (200, kind, "private, no-store") == (file.status_code, file.headers["content-type"], file.headers["cache-control"])
    assert "sandbox" in file.headers["content-security-policy"]
    assert (sha256(file.content).hexdigest(), len(file.content)) == (picture["sha256"], picture["bytes"])
    assert (40, 20, "The error") == (picture["width"], picture["height"], picture["alt"])
    assert (format, (40, 20)) == (opened(file.content).format, opened(file.content).size)
    session = await world.senior.seen(path)
    assert [[picture]] == [step["pictures"] for step in session["steps"]]


async def test_a_picture_comes_as_small_as_is_asked_for(world: World) -> None:
    _, pictures = await _step(world.junior)
    picture = (await send(world.junior, pictures, a_picture(size=(400, 200)))).json()

    widths = [opened((await world.junior.get(f"{pictures}/{picture['id']}?width={width}")).content).size for width in (100, 400, 500)]
    refused = await world.junior.get(f"{pictures}/{picture['id']}?width=0")

    assert [(100, 50), (400, 200), (400, 200)] == widths
    assert 422 == refused.status_code


async def test_a_picture_is_turned_as_its_file_says(world: World) -> None:
    _, pictures = await _step(world.junior)
    lying = Image.new("RGB", (40, 20), "red")
    lying.paste("blue", (0, 0, 8, 8))
    exif = Image.Exif()
    exif[ORIENTATION] = 6

    picture = (await send(world.junior, pictures, written(lying, "JPEG", exif=exif, quality=95), kind="image/jpeg")).json()

    upright = opened((await world.junior.get(f"{pictures}/{picture['id']}")).content)
    assert (20, 40) == (picture["width"], picture["height"]) == upright.size
    corner = upright.getpixel((17, 2))
    assert isinstance(corner, tuple)
    assert corner[2] > 200 > corner[0]
    assert ORIENTATION not in upright.getexif()


@pytest.mark.parametrize(("format", "kind"), KINDS)
async def test_nothing_but_the_picture_is_kept_of_a_file_a60(world: World, format: str, kind: str) -> None:
    """A60: place, camera, comments, profile and what stands behind the end."""
    _, pictures = await _step(world.junior)
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + SECRET
    said = PngImagePlugin.PngInfo()
    said.add_text("Comment", SECRET.decode())
    said.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    options = {"PNG": {"pnginfo": said}, "JPEG": {"comment": SECRET, "xmp": SECRET}, "WEBP": {"xmp": SECRET}}[format]
    file = a_picture(format, exif=exif, icc_profile=profile, **options) + b"PK\x03\x04" + SECRET  # type: ignore[arg-type]
    assert SECRET in file

    picture = (await send(world.junior, pictures, file, kind=kind)).json()

    kept = (await world.junior.get(f"{pictures}/{picture['id']}")).content
    assert SECRET not in kept
    assert {} == {name: value for name, value in opened(kept).info.items() if name in ("exif", "icc_profile", "comment", "xmp", "Comment")}
    assert kept == (await world.junior.get(f"{pictures}/{(await send(world.junior, pictures, kept, kind=kind)).json()['id']}")).content or (
        format != "PNG"
    )


async def test_colours_that_cannot_be_seen_are_not_kept_a60(world: World) -> None:
    """A60: text in what is transparent, and in colours of a palette that no pixel has."""
    _, pictures = await _step(world.junior)
    clear = Image.new("RGBA", (40, 20), (255, 0, 0, 255))
    clear.paste((1, 2, 3, 0), (0, 0, 10, 20))
    listed = Image.new("P", (40, 20), 0)
    listed.putpalette([255, 0, 0, *SECRET, 0])

    kept = []
    for image in (clear, listed):
        picture = (await send(world.junior, pictures, written(image, "PNG"))).json()
        kept.append((await world.junior.get(f"{pictures}/{picture['id']}")).content)

    seen = opened(kept[0])
    assert [(0, 0, 0, 0), (255, 0, 0, 255)] == [seen.getpixel(at) for at in ((3, 3), (30, 3))]
    assert SECRET not in kept[1]
    assert None is opened(kept[1]).palette


async def test_of_a_moving_picture_the_first_one_is_kept_a60(world: World) -> None:
    """A60: frames by the hundred, and what telephones put behind a picture."""
    _, pictures = await _step(world.junior)
    frames = [Image.new("RGB", (40, 20), (number, 0, 0)) for number in range(100)]

    for format, kind in (("PNG", "image/png"), ("WEBP", "image/webp"), ("MPO", "image/jpeg")):
        moving = written(frames[0], format, save_all=True, append_images=frames[1:])
        picture = (await send(world.junior, pictures, moving, kind=kind)).json()

        kept = opened((await world.junior.get(f"{pictures}/{picture['id']}")).content)
        assert (1, (40, 20)) == (getattr(kept, "n_frames", 1), kept.size)


def _bomb(width: int, height: int) -> bytes:
    """A small file that says it is a large picture."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return SIGNATURE + head + chunk(b"IDAT", zlib.compress(bytes(3_000_000), 9)) + chunk(b"IEND", b"")


HARMFUL = {
    "a bomb": _bomb(60_000, 60_000),
    "a line of pixels": a_picture(size=(LONGEST_SIDE + 1, 1)),
    "a file that is cut": a_picture("JPEG", (400, 400))[:-300],
    "a file without its end": a_picture("PNG")[:-12],
    "a webp that is cut": a_picture("WEBP", (400, 400))[:-20],
    "fewer pixels than it says": _bomb(5_000, 5_000),
    "a text that unpacks without end": SIGNATURE
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(20_000_000), 9))
    + chunk(b"IDAT", zlib.compress(bytes(4)))
    + chunk(b"IEND", b""),
    "nothing": b"",
    "a text": b"I am a picture",
    "another kind of picture": a_picture("GIF"),
    "a document that runs": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
}


@pytest.mark.parametrize("what", HARMFUL)
async def test_what_is_no_whole_picture_is_refused_a60(world: World, what: str) -> None:
    """A60."""
    path, pictures = await _step(world.junior)

    refused = await send(world.junior, pictures, HARMFUL[what])

    assert (422, "invalid_picture") == _code(refused), refused.text
    assert [""] == [error["pointer"] for error in refused.json()["errors"]]
    assert [[]] == [step["pictures"] for step in (await world.junior.seen(path))["steps"]]


@pytest.mark.parametrize("size", [(LONGEST_SIDE, 1), (1, LONGEST_SIDE)])
async def test_a_picture_may_be_as_long_as_is_said(world: World, size: tuple[int, int]) -> None:
    _, pictures = await _step(world.junior)

    assert 201 == (await send(world.junior, pictures, a_picture(size=size))).status_code


async def test_a_file_may_be_of_four_mebibytes_and_other_bodies_of_one(world: World) -> None:
    path, pictures = await _step(world.junior)
    file = a_picture()
    most = file + bytes(LARGEST_FILE - len(file))

    taken = await send(world.junior, pictures, most)
    refused = await send(world.junior, pictures, most + b"x")
    elsewhere = await world.junior.send("POST", f"{path}/steps", most)

    assert 201 == taken.status_code
    assert [(413, "body_too_large")] * 2 == [_code(refused), _code(elsewhere)]
    assert ["4 MiB" in refused.json()["detail"], "1 MiB" in elsewhere.json()["detail"]] == [True, True]


@pytest.mark.parametrize("kind", ["image/gif", "image/svg+xml", "application/json", "multipart/form-data; boundary=x", "text/plain"])
async def test_another_type_of_file_is_refused(world: World, kind: str) -> None:
    _, pictures = await _step(world.junior)

    assert (415, "unsupported_media_type") == _code(await send(world.junior, pictures, a_picture(), kind=kind))


async def test_a_session_has_twenty_pictures_at_most(world: World) -> None:
    path, pictures = await _step(world.junior)
    for _ in range(20):
        assert 201 == (await send(world.junior, pictures, a_picture())).status_code

    refused = await send(world.junior, pictures, a_picture())

    assert (409, "picture_limit", 20) == (*_code(refused), refused.json()["most"])
    assert 20 == len((await world.junior.seen(path))["steps"][0]["pictures"])


async def test_a_picture_that_is_sent_again_with_its_key_is_added_once(world: World) -> None:
    path, pictures = await _step(world.junior)

    first, again = [await send(world.junior, pictures, a_picture(), idempotency_key="one") for _ in range(2)]
    other = await send(world.junior, pictures, a_picture(colour="blue"), idempotency_key="one")

    assert (first.json(), "true") == (again.json(), again.headers["idempotency-replayed"])
    assert (422, "idempotency_key_reused") == _code(other)
    assert 1 == len((await world.junior.seen(path))["steps"][0]["pictures"])


@pytest.mark.parametrize("alt", ["x" * 201, "two%0Alines", "turned%E2%80%AEround"])
async def test_words_that_are_no_line_of_printable_text_are_refused(world: World, alt: str) -> None:
    _, pictures = await _step(world.junior)

    refused = await send(world.junior, f"{pictures}?alt={alt}", a_picture())

    assert (422, "validation_failed", "/alt") == (*_code(refused), refused.json()["errors"][0]["pointer"])


async def test_who_adds_no_steps_adds_no_pictures(world: World) -> None:
    _, pictures = await _step(world.junior)

    refused = [_code(await send(who, pictures, a_picture())) for who in (world.senior, world.viewer, world.rival)]

    assert [(403, "not_assignee"), (403, "role_forbidden"), (404, "not_found")] == refused


async def test_a_picture_is_not_there_for_others_a60(world: World) -> None:
    """A60: another account's, and one of a session that is parked and private."""
    path, pictures = await _step(world.junior)
    picture = f"{pictures}/{(await send(world.junior, pictures, a_picture())).json()['id']}"
    _, elsewhere = await _step(world.junior)

    assert 404 == (await world.rival.get(picture)).status_code
    assert 404 == (await world.junior.get(f"{elsewhere}/{picture.rpartition('/')[2]}")).status_code
    await world.junior.made(f"{path}/handoff", {"intent": "park", "reason": "Waiting for a part"})
    assert [200, 404, 404, 200] == [(await who.get(picture)).status_code for who in (world.junior, world.senior, world.viewer, world.owner)]


async def test_a_handoff_shows_a_picture_for_good(world: World) -> None:
    path, pictures = await _step(world.junior)
    first = (await send(world.junior, pictures, a_picture())).json()
    handoff = await world.junior.made(f"{path}/handoff", {"intent": "escalate", "reason": "Stuck"})
    await world.senior.made(f"/handoffs/{handoff['id']}/claim")
    await world.senior.patch(pictures.removesuffix("/pictures"), {"result": "failed", "evidence": "Looked again"})
    later = (await send(world.senior, pictures, a_picture(colour="blue"))).json()
    await world.senior.made(f"{path}/handoff", {"intent": "park", "reason": "Mine alone"})

    snapshot = await world.junior.seen(f"/handoffs/{handoff['id']}/snapshot?verify=true")

    of_handoff = f"/handoffs/{handoff['id']}/pictures"
    assert [[first]] == [step["pictures"] for step in snapshot["steps"]]
    assert 404 == (await world.viewer.get(f"{pictures}/{first['id']}")).status_code
    file = await world.viewer.get(f"{of_handoff}/{first['id']}")
    assert first["sha256"] == sha256(file.content).hexdigest()
    assert (20, 10) == opened((await world.viewer.get(f"{of_handoff}/{first['id']}?width=20")).content).size
    assert [404, 404] == [
        (await who.get(f"{of_handoff}/{which['id']}")).status_code for who, which in ((world.senior, later), (world.rival, first))
    ]


async def test_a_picture_is_on_the_timeline(world: World) -> None:
    path, pictures = await _step(world.junior)
    picture = (await send(world.junior, pictures, a_picture())).json()

    entry = (await world.viewer.seen(f"{path}/timeline"))["items"][-1]

    assert ("picture.added", picture["id"], 1) == (entry["kind"], entry["changed"]["picture_id"], entry["changed"]["number"])
