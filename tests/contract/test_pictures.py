"""Pictures are read by Pillow within the contract of `PictureReader`, in a process of its own with bounds of time and memory."""

import os
import resource

import pytest

from flowpilot_adapters import pictures
from flowpilot_adapters.computing import MEMORY, WorkerProcesses
from flowpilot_adapters.pictures import PillowPictures
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.domain.kernel.errors import InvalidPicture
from flowpilot_core.domain.kernel.image import LONGEST_SIDE
from flowpilot_core.ports.kernel import PictureReader
from flowpilot_core.testing.contracts import PictureReaderContract
from flowpilot_core.testing.contracts.sessions.pictures import ACCOUNT, a_png
from tests.support.pictures import a_picture

pytestmark = pytest.mark.anyio


class TestHere(PictureReaderContract):
    @pytest.fixture
    def reader(self) -> PictureReader:
        return PillowPictures(compute_here)


class TestInWorkerProcesses(PictureReaderContract):
    @pytest.fixture
    def reader(self) -> PictureReader:
        return PillowPictures(WorkerProcesses(seconds=60.0))


def _where(_: bytes) -> tuple[int, int]:
    """In which process something is done, and how many bytes of addresses it may have."""
    return os.getpid(), resource.getrlimit(resource.RLIMIT_AS)[0]


async def test_pictures_are_read_in_a_process_of_their_own_that_has_a_bound_of_memory_a60() -> None:
    """A60."""
    process, memory = await WorkerProcesses()(ACCOUNT, _where, b"")

    assert os.getpid() != process
    assert MEMORY == memory


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "1", "P"])
async def test_the_largest_picture_there_may_be_is_read_within_that_bound_a60(mode: str) -> None:
    """A60."""
    reader = PillowPictures(WorkerProcesses(seconds=300.0))
    largest = a_picture(size=(LONGEST_SIDE, LONGEST_SIDE), mode=mode, colour=0)

    image = await reader.read(ACCOUNT, largest)
    small = await reader.narrowed(ACCOUNT, image, 480)

    assert (LONGEST_SIDE, 480) == (image.width, small.width)


async def test_a_picture_that_takes_more_than_there_is_is_refused_and_the_next_is_read_a60() -> None:
    """A60."""
    compute = WorkerProcesses(processes=1, seconds=300.0, memory=384 * 1024 * 1024)
    reader = PillowPictures(compute)

    with pytest.raises(InvalidPicture):
        await reader.read(ACCOUNT, a_picture(size=(LONGEST_SIDE, LONGEST_SIDE), mode="RGBA", colour=0))

    assert 4 == (await reader.read(ACCOUNT, a_png(4, 2))).width


async def test_a_decoder_that_breaks_in_any_way_refuses_the_file_a60(monkeypatch: pytest.MonkeyPatch) -> None:
    """A60."""

    def breaks(_: bytes, longest_side: int) -> None:
        raise RecursionError

    monkeypatch.setattr(pictures, "_read", breaks)

    with pytest.raises(InvalidPicture):
        await PillowPictures(compute_here).read(ACCOUNT, b"")
