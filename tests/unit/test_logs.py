"""What the program writes to standard error."""

import json
import subprocess
import sys
from typing import Any

import pytest


def logged(level: str, *statements: str) -> list[dict[str, Any]]:
    """The lines that these statements log."""
    return [json.loads(line) for line in raw(level, *statements).split("\n") if line]


def raw(level: str, *statements: str) -> str:
    """What these statements write, in a program of their own: logging is configured for a whole process."""
    program = f"import logging\nfrom flowpilot_http import logs\nlogs.configure({level!r})\n" + "\n".join(statements)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=True)
    return done.stderr.decode()


def attempt(**facts: object) -> str:
    return f"logging.getLogger('flowpilot.deliveries').info('delivery attempt', extra={facts!r})"


def test_what_the_core_logs_comes_out_with_its_facts() -> None:
    (line,) = logged("info", attempt(delivery_id="d1", state="failed", attempts=2, problem=None))

    assert ("delivery attempt", "info", "flowpilot.deliveries") == (line["event"], line["level"], line["logger"])
    assert ("d1", "failed", 2, None) == (line["delivery_id"], line["state"], line["attempts"], line["problem"])


def test_a_level_that_was_asked_for_holds_for_the_core_too() -> None:
    assert [] == logged("warning", attempt(delivery_id="d1"))


def test_what_a_mail_server_says_of_an_address_comes_out_without_the_person() -> None:
    (line,) = logged("info", attempt(problem="550 <anna@example.com>: no such user", message_id="<d1@example.com>"))

    assert "550 <…@example.com>: no such user" == line["problem"]
    assert "<d1@example.com>" == line["message_id"]


def test_other_libraries_are_heard_from_warnings_on_and_never_with_a_traceback() -> None:
    lines = logged(
        "info",
        "log = logging.getLogger('library')",
        "log.info('chatter')",
        "try:\n    raise ValueError('what somebody sent')\nexcept ValueError:\n    log.exception('it failed', extra={'body': 'secret'})",
    )

    assert [("it failed", "ValueError")] == [(line["event"], line["error"]) for line in lines]
    assert "secret" not in json.dumps(lines)
    assert "sent" not in json.dumps(lines)


@pytest.mark.parametrize("said", ['x\r\n{"event": "forged"}', "\x1b[2J\x1b[31mred", "x\x00y", "\u2028x\u2029", "\x9b31m"])
def test_nothing_that_is_said_forges_a_line_or_moves_a_terminal(said: str) -> None:
    """A42: a log line is one line, whatever is in it."""
    (line,) = logged("info", attempt(problem=said))

    assert ("delivery attempt", said) == (line["event"], line["problem"])


@pytest.mark.parametrize("said", ["\x1b[31mred", "x\r\ny"])
def test_control_characters_are_written_as_what_they_are(said: str) -> None:
    """A42"""
    assert set(raw("info", attempt(problem=said))) & {"\x1b", "\r"} == set()
