"""An image as a file: what it may be, and what is kept of it."""

from enum import StrEnum
from hashlib import sha256

from attrs import frozen

LONGEST_SIDE = 6_000
"""Pixels, of any image that is read."""


class PictureType(StrEnum):
    """The kinds of files that are taken, and given back."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"


@frozen(kw_only=True)
class Image:
    """The file that a picture is given back as."""

    type: PictureType
    width: int
    height: int
    content: bytes

    @property
    def sha256(self) -> str:
        """The digest of the file."""
        return sha256(self.content).hexdigest()
