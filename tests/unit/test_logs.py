"""What the program writes to standard error."""

import json
import subprocess
import sys
from typing import Any


def logged(level: str, *statements: str) -> list[dict[str, Any]]:
    """The lines that these statements log, in a program of their own: logging is configured for a whole process."""
    program = f"import logging\nfrom flowpilot_http import logs\nlogs.configure({level!r})\n" + "\n".join(statements)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stderr.splitlines()]


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
