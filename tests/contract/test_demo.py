"""`flowpilot demo`, as somebody new runs it."""

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from tests.support.serving import LONGEST_WAIT, PROGRAM, environment

CHAPTERS = [
    "1. Two providers share one server",
    "2. Jo takes a ticket and tries three things",
    "3. Jo is stuck and hands the session over",
    "4. Sam sees it at once, and Sue gets a mail",
    "5. Sam looks at the queue, and at what was tried",
    "6. Sam and Sue claim it at the same moment",
    "7. The other provider sees nothing of it",
]
REPLAYED = "9. A log of another system, replayed"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where whoever runs the demo keeps temporary files."""
    with TemporaryDirectory(prefix="flowpilot-tests-") as folder:
        yield Path(folder)


def test_without_a_terminal_it_tells_the_story_and_ends_with_0(folder: Path) -> None:
    env = environment() | {"TMPDIR": str(folder)}

    ended = subprocess.run([*PROGRAM, "demo", "--replay"], env=env, capture_output=True, text=True, timeout=LONGEST_WAIT, check=False)

    assert (0, "") == (ended.returncode, ended.stderr)
    told = ended.stdout
    assert [*CHAPTERS, REPLAYED] == [line for line in told.splitlines() if line in {*CHAPTERS, REPLAYED}]
    assert [] == re.findall(r"https?://\S+", told)
    for line in (
        r"● Sam Reyes: handoff.escalated by Jo Park",
        r"✉ Sue Lind <sue@northwind.example>: \[high\] Lakeside Dental: VPN drops every",
        r"(Sam Reyes|Sue Lind): 200, the session is (Sam|Sue)'s now",
        r"● (Sam Reyes|Sue Lind): handoff.claimed by (Sam Reyes|Sue Lind)",
        r"(Sam Reyes|Sue Lind): 409, “(Sam Reyes|Sue Lind) already has it.”",
        r"GET /handoffs/[0-9a-f-]{36} +404",
        r"in short +Firewall: Monday's update closes idle tunnels",
        r"time to claim median s +2,700",
    ):
        assert re.search(line, told), line
    assert [] == list(folder.iterdir())


def test_where_asked_to_it_goes_on_serving_with_a_queue_and_a_link_that_signs_the_senior_in(folder: Path) -> None:
    env = environment() | {"TMPDIR": str(folder), "COLUMNS": "200"}
    with subprocess.Popen([*PROGRAM, "demo", "--serve"], env=env, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout
        told = ""
        while "Serving until Ctrl-C" not in told and (line := demo.stdout.readline()):
            told += line
        link = re.search(r"^http://\S+/sign-in-link/\S+", told, re.MULTILINE)
        assert link, told
        assert re.search(r"^http://\S+/claim/\S+", told, re.MULTILINE), told
        with httpx.Client(timeout=LONGEST_WAIT, follow_redirects=True) as browser:
            token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(link[0]).text)
            assert token
            queue = browser.post(link[0].partition("?")[0], data={"csrf_token": token[1]})
            shelf = re.search(r"^http://\S+/library/gallery$", told, re.MULTILINE)
            assert shelf, told
            gallery = browser.get(shelf[0])

        demo.send_signal(signal.SIGTERM)
        demo.stdout.read()

        assert "/queue" == queue.url.path
        assert ["Nobody can print", "Outlook asks for a password again and again"] == re.findall(r"<h2[^>]*><a[^>]*>(.*?)</a>", queue.text)
        assert "Sam Reyes" in queue.text
        assert {"/library/trees/", "/library/scripts/"} <= set(re.findall(r'<h2[^>]*><a href="(/library/\w+/)', gallery.text))
        assert 0 == demo.wait(LONGEST_WAIT), told
    assert [] == list(folder.iterdir())


def test_on_a_terminal_it_serves_until_ctrl_c_and_shows_the_code_that_somebody_signs_in_by(folder: Path) -> None:
    terminal, its_end = pty.openpty()
    env = environment() | {"TMPDIR": str(folder), "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen([*PROGRAM, "demo"], env=env, stdin=its_end, stdout=its_end, stderr=its_end) as demo:
        os.close(its_end)
        told = _told_until_it_serves(terminal)
        ready = re.search(r"curl -H 'Authorization: (Bearer \w+)' '(http://\S+/ai-sessions)'", _plain(told))
        assert ready, told
        sessions = httpx.get(ready[2], headers={"Authorization": ready[1]}, timeout=LONGEST_WAIT)
        claim, sign_in = (re.search(rf"^http://\S+/{page}/\S+", _plain(told), re.MULTILINE) for page in ("claim", "sign-in"))
        assert claim, told
        assert sign_in, told
        with httpx.Client(timeout=LONGEST_WAIT) as browser:
            mailed = browser.get(claim[0])
            token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(sign_in[0]).text)
            assert token
            origin = str(httpx.URL(sign_in[0]).copy_with(path="/")).rstrip("/")
            browser.post(sign_in[0], data={"csrf_token": token[1], "email": "sue@northwind.example"}, headers={"Origin": origin})
        while not re.search(r"│ +[0-9A-Z]{5}-[0-9A-Z]{5}\b", _plain(told)) and (more := os.read(terminal, 65536)):
            told += more.decode()

        demo.send_signal(signal.SIGINT)
        with suppress(OSError):
            while more := os.read(terminal, 65536):
                told += more.decode()
        os.close(terminal)

        assert (200, True) == (sessions.status_code, mailed.status_code in {200, 302, 303})
        assert "replayed" not in told
        assert "VPN drops every ten minutes" in {session["title"] for session in sessions.json()["items"]}
        assert 0 == demo.wait(LONGEST_WAIT), told
    assert [] == list(folder.iterdir())


def test_closing_its_window_leaves_nothing_behind(folder: Path) -> None:
    terminal, its_end = pty.openpty()
    env = environment() | {"TMPDIR": str(folder), "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen([*PROGRAM, "demo"], env=env, stdin=its_end, stdout=its_end, stderr=its_end) as demo:
        os.close(its_end)
        told = _told_until_it_serves(terminal)
        os.close(terminal)
        demo.send_signal(signal.SIGHUP)
        demo.wait(LONGEST_WAIT)

    assert "Serving until Ctrl-C" in told
    assert [] == list(folder.iterdir())


def test_a_story_that_does_not_hold_ends_with_1(folder: Path) -> None:
    untrue = "from flowpilot_http.cli.demo import incident_log; incident_log.FIGURES['sessions'] = 4"
    env = environment() | {"TMPDIR": str(folder)}

    ended = subprocess.run(
        [sys.executable, "-c", f"{untrue}; from flowpilot_http.cli import main; main()", "demo", "--replay"],
        env=env,
        capture_output=True,
        text=True,
        timeout=LONGEST_WAIT,
        check=False,
    )

    assert 1 == ended.returncode
    assert "the story went wrong: sessions of the replayed log: 4 was expected, and it is 3" in ended.stderr
    assert [] == list(folder.iterdir())


def _told_until_it_serves(terminal: int) -> str:
    told = ""
    # Reading a terminal whose program has ended is an error on Linux.
    with suppress(OSError):
        while "Serving until Ctrl-C" not in told and (more := os.read(terminal, 65536)):
            told += more.decode()
    return told


def _plain(told: str) -> str:
    """Without what a terminal is told about colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", told).replace("\r\n", "\n")
