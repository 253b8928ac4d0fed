"""What reads pictures keeps what they show, and nothing else of their files."""

import struct
import zlib

import pytest

from flowpilot_core.domain.kernel.errors import InvalidPicture
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.kernel.image import LONGEST_SIDE, Image, PictureType
from flowpilot_core.ports.kernel import PictureReader
from flowpilot_core.testing.builders import new_id

ACCOUNT = AccountId(new_id())
CANARY = b"51.5074 N, 0.1278 W"
"""What nobody meant to send along."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, content: bytes) -> bytes:
    """A part of a PNG file."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def a_png(width: int = 4, height: int = 2, *more: bytes) -> bytes:
    """A red picture, with `more` parts before its pixels."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress((b"\0" + b"\xff\0\0" * width) * height))
    return SIGNATURE + head + b"".join(more) + pixels + chunk(b"IEND", b"")


class PictureReaderContract:
    """`PictureReader`: subclass it beside a fixture named `reader`."""

    @pytest.fixture
    def reader(self) -> PictureReader:
        """What is held to the contract."""
        raise NotImplementedError

    async def read(self, reader: PictureReader, content: bytes) -> Image:
        """What is kept of a file."""
        return await reader.read(ACCOUNT, content)

    async def test_a_picture_is_kept_with_its_measures(self, reader: PictureReader) -> None:
        image = await self.read(reader, a_png(40, 20))

        assert (PictureType.PNG, 40, 20) == (image.type, image.width, image.height)
        assert image == await self.read(reader, image.content)

    async def test_what_is_no_picture_stays_behind(self, reader: PictureReader) -> None:
        content = a_png(4, 2, chunk(b"tEXt", b"Comment\0" + CANARY), chunk(b"prVt", CANARY)) + CANARY

        image = await self.read(reader, content)

        assert CANARY not in image.content
        assert image == await self.read(reader, a_png(4, 2))

    async def test_a_file_that_is_cut_anywhere_is_refused(self, reader: PictureReader) -> None:
        whole = a_png(4, 2)

        for length in range(len(whole)):
            with pytest.raises(InvalidPicture):
                await self.read(reader, whole[:length])

    @pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7", b"\0" * 1000])
    async def test_what_is_no_such_file_is_refused(self, reader: PictureReader, content: bytes) -> None:
        with pytest.raises(InvalidPicture):
            await self.read(reader, content)

    @pytest.mark.parametrize(("width", "height"), [(LONGEST_SIDE + 1, 1), (1, LONGEST_SIDE + 1), (2**31 - 1, 2**31 - 1), (0, 1)])
    async def test_a_picture_of_measures_that_are_not_taken_is_refused_unopened(
        self, reader: PictureReader, width: int, height: int
    ) -> None:
        head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))

        with pytest.raises(InvalidPicture):
            await self.read(reader, SIGNATURE + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""))

    @pytest.mark.parametrize(("width", "height"), [(11, 2), (2, 11)])
    async def test_whoever_asks_may_take_smaller_ones_alone(self, reader: PictureReader, width: int, height: int) -> None:
        assert 10 == (await reader.read(ACCOUNT, a_png(10, 10), longest_side=10)).width
        with pytest.raises(InvalidPicture) as refused:
            await reader.read(ACCOUNT, a_png(width, height), longest_side=10)

        assert "10 pixels" in refused.value.problem

    async def test_a_picture_is_made_as_narrow_as_is_asked_and_never_wider(self, reader: PictureReader) -> None:
        image = await self.read(reader, a_png(40, 20))

        small = await reader.narrowed(ACCOUNT, image, 10)

        assert (PictureType.PNG, 10, 5) == (small.type, small.width, small.height)
        assert image == await reader.narrowed(ACCOUNT, image, 41)
