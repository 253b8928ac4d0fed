"""What the program writes to standard error."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowpilot_http.logs import RULE
from tests.support.terminal import on_a_terminal

SOURCE = Path(__file__).parents[2] / "src"
LEVELS = {"debug", "info", "warning", "error", "exception"}
LOGGED = {
    *(
        "account_id",
        "user_id",
        "work_id",
        "event_id",
        "session_id",
        "handoff_id",
        "delivery_id",
        "assessment_id",
        "invitation_id",
        "code_id",
        "subject_id",
    ),
    *("schedule_id", "run_id", "notice_id", "week"),
    *(
        "webhook_id",
        "connection_id",
        "post_id",
        "ticket_id",
        "secret_id",
        "message_id",
        "to_domain",
        "kind",
        "purpose",
        "provider",
        "assistant",
        "source",
    ),
    *(
        "state",
        "outcome",
        "attempts",
        "takes",
        "failures",
        "accounts",
        "connections",
        "status",
        "dropped_citations",
        "unsupported",
        "action",
        "grace_seconds",
    ),
    *("setting", "meant"),
    *("worker", "pid", "pause_seconds"),
    *("method", "route", "seconds", "address", "reference", "folder", "problem", "trouble", "error", "where"),
}
"""All that a line may tell: ids, names that are ours, states, counts; and a problem, which is never in another's words.

`address` and `reference` are those of the server itself, `to_domain` is a mail's without the person, `route` is a template.
"""


def logged(level: str, *statements: str) -> list[dict[str, Any]]:
    """The lines that these statements log."""
    return [json.loads(line) for line in raw(level, *statements).split("\n") if line]


def raw(level: str, *statements: str) -> str:
    """What these statements write, in a program of their own: logging is configured for a whole process."""
    program = f"import logging\nfrom flowpilot_http import logs\nlogs.configure({level!r})\n" + "\n".join(statements)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=True)
    return done.stderr.decode()


def on_terminal(level: str, *statements: str) -> str:
    """The same where standard error is a terminal, without colours."""
    program = f"import logging\nfrom flowpilot_http import logs\nlogs.configure({level!r})\n" + "\n".join(statements)
    return on_a_terminal([sys.executable, "-c", program], NO_COLOR="1")


def attempt(**facts: object) -> str:
    return f"logging.getLogger('flowpilot.deliveries').info('delivery attempt', extra={facts!r})"


def test_what_the_core_logs_comes_out_with_its_facts() -> None:
    (line,) = logged("info", attempt(delivery_id="d1", state="failed", attempts=2, problem=None))

    assert ("delivery attempt", "info", "flowpilot.deliveries") == (line["event"], line["level"], line["logger"])
    assert ("d1", "failed", 2, None) == (line["delivery_id"], line["state"], line["attempts"], line["problem"])


def test_a_line_of_one_of_several_processes_says_which() -> None:
    one, alone = (logged("info", *said, attempt(delivery_id="d1"))[0] for said in (("logs.WORKER.set(2)",), ()))

    assert 2 == one["worker"]
    assert "worker" not in alone


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


def test_on_a_terminal_lines_are_for_people() -> None:
    (line,) = on_terminal("info", attempt(delivery_id="d1", state="failed", attempts=2, problem=None)).splitlines()

    assert re.fullmatch(r"\d\d:\d\d:\d\d \[info +\] delivery attempt +attempts=2 delivery_id=d1 state=failed", line)


@pytest.mark.parametrize("said", ["x\r\n12:00:00 [info] forged", "\x1b[2J\x1b[31mred", "x\x00y", "\u2028x\u2029", "\x9b31m"])
def test_on_a_terminal_nothing_that_is_said_forges_a_line_or_moves_it(said: str) -> None:
    """A42"""
    (line, rest) = on_terminal("info", attempt(problem=said)).split("\n")

    assert ("", True) == (rest, line.isprintable())


def test_on_a_terminal_a_mail_to_the_log_is_shown_as_a_mail_and_elsewhere_its_text_is_not() -> None:
    """A42: what is kept has no bodies; a terminal keeps nothing."""
    sent = (
        "import asyncio",
        "from flowpilot_adapters.log_notifier import LogNotifier",
        "from flowpilot_core.ports.notifications import Message",
        "who = dict(to='ben@example.com', to_name='Ben', account_name='Acme')",
        "mail = Message(message_id='<d1@x>', subject='Stuck', text='Look\\x1b here', **who)",
        "asyncio.run(LogNotifier().send(mail))",
    )

    shown, kept = on_terminal("info", *sent), raw("info", *sent)

    rule = "─" * RULE
    told = "This mail goes nowhere: no mail server is set.\nTo: Ben <ben@example.com>\nSubject: Stuck\n\nLook\\x1b here"
    assert f"{rule}\n{told}\n{rule}\n" == shown
    assert "example.com" in kept
    assert "Look" not in kept
    assert "ben" not in kept


@pytest.mark.parametrize("said", ['x\r\n{"event": "forged"}', "\x1b[2J\x1b[31mred", "x\x00y", "\u2028x\u2029", "\x9b31m"])
def test_nothing_that_is_said_forges_a_line_or_moves_a_terminal(said: str) -> None:
    """A42: a log line is one line, whatever is in it."""
    (line,) = logged("info", attempt(problem=said))

    assert ("delivery attempt", said) == (line["event"], line["problem"])


def test_whoever_waits_for_a_command_reads_in_plain_lines_what_makes_it_slow() -> None:
    slow = "logging.getLogger('flowpilot.preparing').info('making a database', extra={'folder': '/data'})"

    assert "flowpilot: making a database\n" == raw("warning", "logs.configure('warning', watched=True)", slow)
    assert ["making a database"] == [line["event"] for line in logged("info", slow)]
    assert "" == raw("warning", slow)


@pytest.mark.parametrize("said", ["\x1b[31mred", "x\r\ny"])
def test_control_characters_are_written_as_what_they_are(said: str) -> None:
    """A42"""
    assert set(raw("info", attempt(problem=said))) & {"\x1b", "\r"} == set()


def logs(tree: ast.AST) -> list[ast.Call]:
    """Every call that logs something."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and is_log(node.func)]


def is_log(function: ast.expr) -> bool:
    match function:
        case ast.Attribute(value=ast.Name(id="log" | "preparing"), attr=level):
            return level in LEVELS
        case ast.IfExp(body=one):
            return is_log(one)
        case _:
            return False


def facts_of(tree: ast.AST) -> Iterator[str]:
    """The names of all facts that a file logs: keywords, and the members of `extra` or of what goes by the name `facts`."""
    yield from (keyword.arg for line in logs(tree) for keyword in line.keywords if keyword.arg and keyword.arg not in ("extra", "exc_info"))
    for node in ast.walk(tree):
        match node:
            case (
                ast.keyword(arg="extra", value=ast.Dict(keys=keys)) | ast.Assign(targets=[ast.Name(id="facts")], value=ast.Dict(keys=keys))
            ):
                yield from (key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def test_every_line_that_can_be_logged_tells_what_is_listed_and_nothing_else() -> None:
    """A42: no bodies, no addresses of people, no secrets. What a line says is a constant; only facts of these names stand beside it."""
    sources = {path: path.read_text() for path in SOURCE.rglob("*.py")}
    trees = {path: ast.parse(source) for path, source in sources.items() if "getLogger(" in source or "get_logger(" in source}

    facts = {fact for tree in trees.values() for fact in facts_of(tree)}
    told = {path.name for path, tree in trees.items() for line in logs(tree) if not all(isinstance(one, ast.Constant) for one in line.args)}

    assert (set(), set()) == (facts - LOGGED, LOGGED - facts)
    assert {"log_notifier.py", "restore_mark_file.py"} == told, (
        "the first is the whole mail at level debug, the second passes a constant on"
    )


def test_what_another_library_says_comes_out_without_the_person() -> None:
    """A42"""
    (line,) = logged("info", "logging.getLogger('library').warning('no mail to %s', '<anna@example.com>')")

    assert "no mail to <…@example.com>" == line["event"]
