"""What a process that serves looks through when it looks for garbage."""

import gc
from collections.abc import Iterator
from weakref import ref

import pytest

from flowpilot_http.garbage import OFTEN, Garbage


class Thing:
    """Something that may hold itself."""

    itself: "Thing | None" = None


def a_circle() -> "ref[Thing]":
    """Garbage that only a look finds."""
    thing = Thing()
    thing.itself = thing
    return ref(thing)


@pytest.fixture
def garbage() -> Iterator[Garbage]:
    """Looked for only where the test says so."""
    gc.collect()
    with Garbage() as kept:
        gc.disable()
        try:
            yield kept
        finally:
            gc.enable()


def test_what_outlived_a_full_look_is_not_looked_through_again(garbage: Garbage) -> None:
    thing = Thing()
    thing.itself = thing
    looked_at = any(one is thing for one in gc.get_objects())

    gc.collect()

    assert (True, False) == (looked_at, any(one is thing for one in gc.get_objects()))
    thing.itself = None


def test_garbage_that_is_found_at_once_goes_at_once(garbage: Garbage) -> None:
    circle = a_circle()

    gc.collect()

    assert circle() is None


def test_what_is_spared_goes_with_its_last_holder(garbage: Garbage) -> None:
    thing = Thing()
    gone = ref(thing)
    gc.collect()

    del thing

    assert gone() is None


def test_what_became_garbage_while_it_was_spared_goes_once_there_is_twice_as_much(garbage: Garbage) -> None:
    thing = Thing()
    thing.itself = thing
    gone = ref(thing)
    gc.collect()
    del thing
    garbage.look()
    kept = gone() is not None
    others = [Thing() for _ in range(2 * gc.get_freeze_count())]
    gc.collect()

    garbage.look()

    assert others
    assert (True, None) == (kept, gone())


def test_afterwards_python_looks_as_it_did_before() -> None:
    before = gc.get_threshold()

    with Garbage():
        meanwhile = gc.get_threshold()

    assert (OFTEN, before, 0) == (meanwhile, gc.get_threshold(), gc.get_freeze_count())
