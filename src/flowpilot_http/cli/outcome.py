"""How a command ends: 0 done, 1 it could not, 2 the call was wrong; errors say what to do, on standard error."""

import asyncio
import logging
import sys
import traceback
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from json import dumps
from typing import Annotated, Any, Final, TypeVar

import msgspec
import typer
import uvloop

from flowpilot_core.domain.kernel.errors import FlowPilotError, InvalidValue, Unavailable
from flowpilot_core.domain.kernel.name import escaped
from flowpilot_http.main.failures import CannotRun, first_line
from flowpilot_http.settings import SettingsWrong, variable

log = logging.getLogger("flowpilot.commands")

T = TypeVar("T")

COULD_NOT: Final = 1
WRONG_CALL: Final = 2

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on one line, and nothing else.")]


@contextmanager
def outcome() -> Iterator[None]:
    """Turns what went wrong into a message and an exit status."""
    try:
        yield
    except InvalidValue as exc:
        _end(f"{exc.field} {exc.problem}", WRONG_CALL)
    except Unavailable as exc:
        cause = f" ({first_line(exc.__cause__)})" if exc.__cause__ else ""
        _end(f"the {exc.what} does not answer{cause}; is it up, and is its address right?", COULD_NOT)
    except (FlowPilotError, CannotRun, SettingsWrong) as exc:
        _end(str(exc), COULD_NOT)
    except KeyboardInterrupt:
        _end("stopped", COULD_NOT)
    except typer.Exit:
        raise
    except Exception as exc:
        # Nobody foresaw it: said in a line all the same, and where it happened to whoever asks for that.
        log.debug("unforeseen", extra={"error": type(exc).__qualname__, "where": traceback.format_exception(exc)})
        remedy = f"run it with {variable('log_level')}=debug to see where"
        _end(f"something unexpected went wrong: {first_line(exc)}; {remedy}", COULD_NOT)


def run(work: Coroutine[Any, Any, T]) -> T:
    """What `work` comes to, on an event loop of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def ended(work: Coroutine[Any, Any, None]) -> int:
    """The status with which a process ends that does `work` and nothing else."""
    try:
        with outcome():
            run(work)
    except typer.Exit as exc:
        return exc.exit_code
    return 0


def say(facts: Mapping[str, Any], sentence: str, *, json: bool) -> None:
    """The result: as one line of JSON, or as a sentence. Nothing that somebody wrote moves the terminal or turns what it shows round."""
    sys.stdout.write((dumps(msgspec.to_builtins(facts), separators=(",", ":")) if json else escaped(sentence)) + "\n")
    sys.stdout.flush()


def complain(line: str) -> None:
    """A line for whoever watches, beside the result."""
    print(escaped(line), file=sys.stderr, flush=True)


def _end(problem: str, status: int) -> None:
    for line in problem.splitlines():
        complain(f"flowpilot: {line}")
    raise typer.Exit(status) from None
