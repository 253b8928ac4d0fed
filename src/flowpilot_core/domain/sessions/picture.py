"""A picture as evidence: what is kept of it, which is what it shows and nothing else that came with its file."""

from attrs import frozen

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import PictureId
from flowpilot_core.domain.kernel.image import LONGEST_SIDE, Image, PictureType
from flowpilot_core.domain.kernel.name import optional_name

LARGEST_FILE = 4 * 1024 * 1024
"""Bytes of a file that somebody adds."""


@frozen(kw_only=True)
class Picture:
    """What a step says of one of its pictures; the digest, the size and the measures are those of the file that is given back."""

    id: PictureId
    type: PictureType
    sha256: str
    width: int
    height: int
    bytes: int
    alt: str | None = None
    """What it shows, in the words of whoever added it."""

    @classmethod
    def of(cls, picture_id: PictureId, image: Image, alt: str | None) -> "Picture":
        """What is said of this file. Raises `InvalidValue` for what is not one line of printable text."""
        return cls(
            id=picture_id,
            type=image.type,
            sha256=image.sha256,
            width=image.width,
            height=image.height,
            bytes=len(image.content),
            alt=optional_name(alt or None, "alt"),
        )


def width_to_show(width: int) -> int:
    """How wide somebody wants to see a picture, in pixels. Raises `InvalidValue`."""
    if not 1 <= width <= LONGEST_SIDE:
        raise InvalidValue("width", f"must be from 1 to {LONGEST_SIDE}")
    return width
