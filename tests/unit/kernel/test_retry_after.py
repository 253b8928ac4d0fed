"""How long somebody asks to be left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowpilot_core.domain.kernel.retry_after import LONGEST_WAIT, retry_after
from flowpilot_core.testing.builders import NOON


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("30", 30),
        (" 0.5 ", 0.5),
        ("-5", 0),
        ("9" * 200, LONGEST_WAIT),
        (f"{NOON:%a, %d %b %Y} {NOON.hour + 1:02}:00:00 GMT", 3600),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        (None, None),
        ("", None),
        ("soon", None),
        ("inf", None),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999999", None),
        ("Mon, 01 Jan 99999999999 00:00:00 GMT", None),
    ],
)
def test_it_is_seconds_or_a_date_or_nothing(said: str | None, seconds: float | None) -> None:
    """P4: what nobody can read asks for nothing, and is no error of ours."""
    assert seconds == retry_after(said, now=NOON)


@given(said=st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d{1,9} [A-Z][a-z]{2} \d{1,9} \d{1,4}:\d{1,4}:\d{1,4} [+-]?\d{1,20}"))
def test_whatever_is_said_is_a_wait_or_none(said: str) -> None:
    """P4."""
    wait = retry_after(said, now=NOON)

    assert wait is None or 0 <= wait
