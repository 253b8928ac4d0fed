"""Pictures, read and written by Pillow, in a process of its own that has bounds of time and memory."""

from collections.abc import Mapping
from io import BytesIO
from types import MappingProxyType
from typing import Any, Final

from attrs import frozen
from PIL import Image as Pillow
from PIL import ImageOps, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, WebPImagePlugin

from flowpilot_core.domain.kernel.errors import InvalidPicture
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.kernel.image import LONGEST_SIDE, Image, PictureType
from flowpilot_core.ports.kernel import Compute

_PNG: Final = PngImagePlugin.PngImageFile.format
_JPEG: Final = JpegImagePlugin.JpegImageFile.format
_WEBP: Final = WebPImagePlugin.WebPImageFile.format
TYPES: Final[Mapping[str | None, PictureType]] = MappingProxyType(
    {
        _PNG: PictureType.PNG,
        _JPEG: PictureType.JPEG,
        # What telephones call a JPEG and put a second picture behind.
        MpoImagePlugin.MpoImageFile.format: PictureType.JPEG,
        _WEBP: PictureType.WEBP,
    }
)
SAVING: Final[Mapping[PictureType, Mapping[str, Any]]] = MappingProxyType(
    {
        PictureType.PNG: {"format": _PNG, "compress_level": 4},
        PictureType.JPEG: {"format": _JPEG, "quality": 88},
        PictureType.WEBP: {"format": _WEBP, "quality": 90, "method": 1},
    }
)
ENDS: Final[Mapping[PictureType, bytes]] = MappingProxyType({PictureType.PNG: b"IEND\xaeB`\x82", PictureType.JPEG: b"\xff\xd9"})
"""What a whole file has somewhere: Pillow is content with one whose picture is there and whose end is not."""
_NOTHING: Final = (0, 0, 0, 0)


@frozen
class PillowPictures:
    """As `PictureReader` says."""

    _compute: Compute

    async def read(self, account_id: AccountId, content: bytes, *, longest_side: int = LONGEST_SIDE) -> Image:
        """As `PictureReader.read` says."""
        return await self._compute(account_id, read, content, longest_side)

    async def narrowed(self, account_id: AccountId, image: Image, width: int) -> Image:
        """As `PictureReader.narrowed` says."""
        return image if image.width <= width else await self._compute(account_id, narrowed, image, width)


def read(content: bytes, longest_side: int) -> Image:
    """As `PictureReader.read` says, in this process."""
    try:
        return _read(content, longest_side)
    except InvalidPicture:
        raise
    except Exception as exc:
        # Decoders know no end of ways to say that a file is broken, running out of memory among them.
        raise InvalidPicture("it is not a whole PNG, JPEG or WebP file") from exc


def narrowed(image: Image, width: int) -> Image:
    """As `PictureReader.narrowed` says, in this process."""
    with Pillow.open(BytesIO(image.content), formats=(_PNG, _JPEG, _WEBP)) as picture:
        picture.thumbnail((width, image.height))
        return _written(picture, image.type)


def _read(content: bytes, longest_side: int) -> Image:
    with Pillow.open(BytesIO(content), formats=(_PNG, _JPEG, _WEBP)) as picture:
        if max(picture.size) > longest_side:
            raise InvalidPicture(f"a side of it has more than {longest_side} pixels")
        kind = TYPES[picture.format]
        if ENDS.get(kind, b"") not in content:
            raise InvalidPicture("its file is cut")
        ImageOps.exif_transpose(picture, in_place=True)
        return _written(_plain(picture), kind)


def _plain(picture: Pillow.Image) -> Pillow.Image:
    """In one of the few ways to hold colours that all kinds of files know, and nothing in what cannot be seen."""
    if not picture.has_transparency_data:
        return picture.convert("L" if picture.mode in ("1", "L") else "RGB")
    seen = picture.convert("RGBA")
    seen.paste(_NOTHING, mask=seen.getchannel("A").point(lambda alpha: 0 if alpha else 255))
    return seen


def _written(picture: Pillow.Image, kind: PictureType) -> Image:
    # Pillow writes some of what a file said of its picture into the next one.
    picture.info.clear()
    file = BytesIO()
    picture.save(file, **SAVING[kind])
    return Image(type=kind, width=picture.width, height=picture.height, content=file.getvalue())
