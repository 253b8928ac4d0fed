"""How a connection that fails comes to rest, and is tried again."""

from datetime import timedelta

import pytest

from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.psa.connection import FAILURES, LONGEST_REST, TRIAL, Circuit, Health, checked_base_url, checked_notes
from flowpilot_core.domain.psa.vendor import Kind, Setting, Vendor
from flowpilot_core.testing.builders import MINUTE, NOON

SECOND = timedelta(seconds=1)


def failed(times: int) -> Health:
    health = Health()
    for _ in range(times):
        health = health.failed("it is down", at=NOON)
    return health


def test_a_few_failures_are_borne() -> None:
    health = failed(FAILURES - 1)

    assert (Circuit.CLOSED, None) == (health.circuit, health.wait(NOON))


def test_many_in_a_row_make_it_rest_for_seconds() -> None:
    health = failed(FAILURES)

    assert (Circuit.OPEN, 10 * SECOND, None) == (health.circuit, health.wait(NOON), health.wait(NOON + 10 * SECOND))


def test_the_rests_grow_and_end_growing() -> None:
    rests = [failed(FAILURES + more).wait(NOON) for more in (0, 1, 2, 50)]

    assert [10 * SECOND, 20 * SECOND, 40 * SECOND, LONGEST_REST] == rests


def test_after_a_rest_one_tries_while_others_wait() -> None:
    tried = failed(FAILURES).tried(at=NOON + MINUTE)

    assert (Circuit.HALF_OPEN, TRIAL) == (tried.circuit, tried.wait(NOON + MINUTE))
    assert tried.wait(NOON + MINUTE + TRIAL) is None


def test_one_success_and_it_works_again() -> None:
    worked = failed(FAILURES).tried(at=NOON).worked(at=NOON + MINUTE)

    assert Health(last_success_at=NOON + MINUTE) == worked


def test_a_trial_that_fails_makes_it_rest_again() -> None:
    assert Circuit.OPEN is failed(FAILURES).tried(at=NOON).failed("still down", at=NOON).circuit


def test_a_wrong_key_is_not_tried_until_somebody_mends_it() -> None:
    """F32: no lock-out by hammering."""
    refused = Health().refused("the key is wrong")

    assert (True, None) == (refused.is_broken, refused.rests_until)
    assert not refused.mended().is_broken


def test_a_vendor_is_left_alone_as_long_as_it_asks() -> None:
    """F33."""
    assert 90 * SECOND == Health().failed("too many", at=NOON, rest=90).wait(NOON)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "acme.example",
        "ftp://acme.example",
        "https://",
        "https://user:pass@acme.example",
        "https://acme.example?x=1",
        "https://acme.example#x",
        "https://acme.example/a b",
        "https://acme.example:0",
        "https://i♥.example",
        "https://" + "x" * 500,
    ],
)
def test_an_address_that_cannot_be_a_vendors_is_refused(url: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        checked_base_url(url)

    assert "base_url" == refused.value.field


def test_what_nobody_said_of_notes_is_as_usual() -> None:
    assert {"escalated", "claimed", "resolved"} == checked_notes({})
    assert {"claimed", "resolved", "parked"} == checked_notes({"parked": True, "escalated": False})


@pytest.mark.parametrize(
    ("credentials", "field"),
    [
        ({}, "credentials.key"),
        ({"key": "canary-1", "other": "canary-2"}, "credentials.other"),
        ({"key": ""}, "credentials.key"),
        ({"key": "a\r\nX-Admin: 1"}, "credentials.key"),
        ({"key": "schlüssel"}, "credentials.key"),
    ],
)
def test_credentials_are_all_there_and_can_be_sent(credentials: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        Vendor(system="x", name="X", needs=("key",)).check_credentials(credentials)

    assert field == refused.value.field
    assert not [value for value in credentials.values() if value and value in str(refused.value)]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [(Kind.TEXT, "a", 1), (Kind.NUMBER, 1, True), (Kind.NUMBER_OR_TEXT, "a", 1.5), (Kind.SWITCH, False, 0)],
)
def test_a_setting_has_the_kind_of_value_that_it_takes(kind: Kind, good: str | int | bool, bad: str | int | bool) -> None:
    vendor = Vendor(system="x", name="X", needs=(), settings={"it": Setting(kind=kind, means="")})

    vendor.check_settings({"it": good})
    for settings in ({"it": bad}, {"other": good}):
        with pytest.raises(InvalidValue):
            vendor.check_settings(dict(settings))
