"""A relay that finds a restored database (F48)."""

from pathlib import Path

import pytest
from attrs import define, evolve, field

from flowpilot_adapters.memory import MemoryMarks
from flowpilot_adapters.memory.relay.restore_marks import HERE
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

    async def resume(self) -> None:
        """What `flowpilot relay resume` does here."""
        kept, here = MarkFile(self.folder), await self.marks.whereabouts()
        kept.write(here, await self.marks.resume(kept.read(here)))

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

    await machine.resume()
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
        kept.write(HERE, number)

    assert 0 == kept.read(HERE)
    assert 1 == len(caplog.records)


def test_a_file_that_is_broken_counts_as_none(tmp_path: Path) -> None:
    kept = MarkFile(tmp_path)
    kept.write(HERE, 3)
    (file,) = tmp_path.iterdir()
    file.write_text("rubbish")

    assert 0 == kept.read(HERE)
    kept.write(HERE, 4)
    assert 4 == kept.read(HERE)


async def test_a_copy_that_is_resumed_beside_it_never_makes_it_rest(machine: Machine) -> None:
    """F51: they share the folder, and the copy's number is far greater."""
    relay = machine.relay()
    await relay()
    copy = Machine(machine.folder, MemoryMarks(number=machine.marks.number, here=evolve(HERE, store="a copy", address="elsewhere")))

    await copy.marks.pause("a drill")
    await copy.resume()
    copied = copy.relay()
    for _ in range(3):
        assert await copied()
        copy.time_passes()
        machine.time_passes()

    assert [True, True] == [await relay(), await machine.relay()()]


async def test_a_fresh_copy_that_overtakes_it_never_makes_it_rest(machine: Machine) -> None:
    """F51: the copy is as new as it, works at once, and is marked more often."""
    relay = machine.relay()
    await relay()
    copy = Machine(machine.folder, MemoryMarks(number=machine.marks.number, here=evolve(HERE, address="elsewhere")))
    copied = copy.relay()
    for _ in range(3):
        assert await copied()
        copy.time_passes()

    machine.time_passes()

    assert await relay()


@pytest.mark.parametrize("moved", [{"address": "elsewhere"}, {"store": "another server"}, {"store": "another", "address": "elsewhere"}])
async def test_an_older_state_rests_wherever_it_was_restored(machine: Machine, moved: dict[str, str]) -> None:
    """F48: restored under another name, on another server, or behind another address."""
    relay = machine.relay()
    for _ in range(5):
        await relay()
        machine.time_passes()

    machine.marks = MemoryMarks(number=2, here=evolve(HERE, **moved))

    assert not await machine.relay()()
    assert RESTORED == await machine.marks.why_paused()


async def test_production_rests_once_it_is_restored_whatever_was_done_to_a_copy(machine: Machine) -> None:
    """F48 and F51."""
    relay = machine.relay()
    copy = Machine(machine.folder, MemoryMarks(here=evolve(HERE, store="a copy")))
    await copy.resume()
    for _ in range(5):
        await relay()
        machine.time_passes()

    machine.marks.number = 2

    assert not await machine.relay()()


async def test_production_that_fails_over_goes_on_whatever_was_done_to_a_copy(machine: Machine) -> None:
    """F51: the same store behind another address is asked for what was known of it, and not for what was known of the copy."""
    relay = machine.relay()
    await relay()
    copy = Machine(machine.folder, MemoryMarks(here=evolve(HERE, store="a copy")))
    await copy.resume()

    machine.marks.here = evolve(HERE, address="the standby's")

    assert await machine.relay()()


def test_what_an_earlier_version_kept_still_counts(tmp_path: Path) -> None:
    """F48: its file was named after the database alone."""
    (tmp_path / "relay_mark.memory").write_text("7\n")

    assert 7 == MarkFile(tmp_path).read(HERE)
