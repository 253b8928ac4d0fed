"""Pictures, made here and sent."""

from io import BytesIO
from typing import Any

import httpx
from PIL import Image

from .http import Somebody


def a_picture(kind: str = "PNG", size: tuple[int, int] = (40, 20), *, colour: Any = "red", mode: str = "RGB", **options: Any) -> bytes:
    """A file of this kind."""
    return written(Image.new(mode, size, colour), kind, **options)


def written(image: Image.Image, kind: str, **options: Any) -> bytes:
    """A picture as a file."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def opened(file: bytes) -> Image.Image:
    """A file as a picture, all of it read."""
    image = Image.open(BytesIO(file))
    image.load()
    return image


async def send(
    who: Somebody, path: str, content: bytes, *, kind: str = "image/png", method: str = "POST", **headers: str
) -> httpx.Response:
    """The answer to a picture that somebody adds at a path."""
    return await who.send(method, path, content, content_type=kind, **headers)
