"""A relay that finds a restored database (F48)."""

from pathlib import Path

import pytest
from attrs import define, field

from flowpilot_adapters.memory import MemoryMarks
from flowpilot_adapters.restore_mark_file import MarkFile
from flowpilot_core.application.relay.restores import BETWEEN_MARKS, RESTORED, RestoreGuard

pytestmark = pytest.mark.anyio


@define
class Machine:
    """One that relays, with its file and its clock."""

    folder: Path
    marks: MemoryMarks = field(factory=MemoryMarks)
    seconds: float = 0.0

    def relay(self) -> RestoreGuard:
        """A relay that starts here."""
        return RestoreGuard(marks=self.marks, memory=MarkFile(self.folder), monotonic=lambda: self.seconds)

    def time_passes(self) -> None:
        self.seconds += BETWEEN_MARKS.total_seconds()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


async def test_it_works_from_the_first_start_on_and_after_every_other(machine: Machine) -> None:
    for _ in range(3):
        relay = machine.relay()
        for _ in range(3):
            assert await relay()
            machine.time_passes()


async def test_it_rests_where_the_database_is_older_than_it_has_known_it(machine: Machine) -> None:
    """F48: at its start."""
    relay = machine.relay()
    for _ in range(5):
        await relay()
        machine.time_passes()

    machine.marks = MemoryMarks(number=2)

    assert not await machine.relay()()
    assert RESTORED == await machine.marks.why_paused()


async def test_it_notices_while_it_runs(machine: Machine) -> None:
    """F48."""
    relay = machine.relay()
    await relay()
    machine.marks.number = 0

    machine.time_passes()

    assert not await relay()


async def test_it_asks_now_and_then_and_not_each_time(machine: Machine) -> None:
    relay = machine.relay()

    for _ in range(100):
        await relay()

    assert 1 == machine.marks.number


async def test_it_goes_on_once_somebody_says_so_and_so_do_those_on_other_machines(machine: Machine, tmp_path: Path) -> None:
    """F48: whatever number they remember."""
    elsewhere = Machine(tmp_path / "elsewhere", machine.marks)
    relay, other = machine.relay(), elsewhere.relay()
    for _ in range(50):
        await relay()
        await other()
        machine.time_passes()
        elsewhere.time_passes()
    machine.marks.number = 7
    assert not await relay()

    MarkFile(machine.folder).write("memory", await machine.marks.resume(MarkFile(machine.folder).read("memory")))
    machine.time_passes()
    elsewhere.time_passes()

    assert [True, True] == [await relay(), await other()]


async def test_it_rests_when_asked_to(machine: Machine) -> None:
    relay = machine.relay()
    await relay()

    await machine.marks.pause("moving house")
    machine.time_passes()

    assert not await relay()
    assert "moving house" == await machine.marks.why_paused()


def test_a_folder_that_cannot_be_written_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    kept = MarkFile(tmp_path / "file" / "inside")

    for number in (1, 2, 3):
        kept.write("memory", number)

    assert 0 == kept.read("memory")
    assert 1 == len(caplog.records)


def test_a_file_that_is_broken_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "relay_mark.memory").write_text("rubbish")
    kept = MarkFile(tmp_path)

    assert 0 == kept.read("memory")
    kept.write("memory", 4)
    assert 4 == kept.read("memory")
