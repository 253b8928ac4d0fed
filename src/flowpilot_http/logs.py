"""Structured logs on standard error, without bodies, addresses of people, or tokens.

One JSON object a line; where standard error is a terminal, lines for people, and each mail that goes to the log as a mail.
"""

import logging
import os
import re
import sys
from contextvars import ContextVar
from typing import Any, Final

import msgspec
import structlog

from flowpilot_core.domain.kernel.name import escaped

OURS: Final = "flowpilot"
"""The loggers of the core and its adapters are below this one; they log ids and say what they mean, other libraries may not."""

PREPARING: Final = f"{OURS}.preparing"
"""The logger of what makes a first start slow: each line is told before what it tells of is begun."""

RULE: Final = 72
"""Characters of the line above and below a mail."""

REQUEST_ID: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
"""The request that is being answered, which each line logged meanwhile names."""

WORKER: Final[ContextVar[int | None]] = ContextVar("worker", default=None)
"""Which of several processes this is, which each of its lines names."""

_EVERY_RECORD_HAS: Final = frozenset(vars(logging.makeLogRecord({})))
_PERSON: Final = re.compile(r"(?<![^\s<>@:])[^\s<>@:]++@")


_encode: Final = msgspec.json.Encoder(enc_hook=str).encode


def _json(_: Any, __: str, event: structlog.typing.EventDict) -> bytes:
    return _encode(event)


def _named(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    # A variable of our own: structlog's look through all that a task knows, for each line.
    if (request_id := REQUEST_ID.get()) is not None:
        event["request_id"] = request_id
    if (worker := WORKER.get()) is not None:
        event["worker"] = worker
    return event


MAIL: Final = f"{OURS}.mail"
"""The logger of mails where no mail server is set: at level debug it has the whole mail."""


def configure(level: str = "info", *, watched: bool = False) -> None:
    """Have structlog, and whatever logs through the standard library, write such lines; `level` is the name of one, such as `info`.

    `watched`: whether somebody waits for a command to end; what makes that slow is then said in plain lines, whatever the level.
    """
    least = logging.getLevelNamesMapping()[level.upper()]
    for_people = sys.stderr.isatty()
    structlog.configure(
        processors=[_named, structlog.processors.add_log_level, *(_lines() if for_people else _objects())],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr) if for_people else structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Forward()], level=max(least, logging.WARNING), force=True)
    logging.getLogger(OURS).setLevel(least)
    mail = logging.getLogger(MAIL)
    mail.handlers = [_Mail()] if for_people else []
    mail.propagate = not for_people
    # A terminal keeps nothing, and who looks at one where mails go to the log waits for them.
    mail.setLevel(logging.DEBUG if for_people and least <= logging.INFO else logging.NOTSET)
    preparing = logging.getLogger(PREPARING)
    preparing.handlers = [_plain()] if watched else []
    preparing.propagate = not watched
    preparing.setLevel(logging.INFO if watched else logging.NOTSET)


def _objects() -> list[structlog.typing.Processor]:
    return [structlog.processors.TimeStamper(fmt="iso", utc=True), _json]


def _lines() -> list[structlog.typing.Processor]:
    time = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
    return [time, _legible, structlog.dev.ConsoleRenderer(colors="NO_COLOR" not in os.environ)]


def _legible(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """What moves no terminal and stays on its line, whatever is said; what is not known is left out."""
    event.pop("logger", None)
    return {name: _tame(value) if isinstance(value, str) else value for name, value in event.items() if value is not None}


def _tame(said: str) -> str:
    return escaped(said).replace("\n", "\\n")


def _plain() -> logging.Handler:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("flowpilot: %(message)s"))
    return handler


class _Forward(logging.Handler):
    """What is logged through the standard library, in our own lines; no traceback, since that may quote what somebody sent."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        facts: dict[str, Any] = {"logger": record.name}
        said = record.getMessage()
        if record.name.partition(".")[0] == OURS:
            facts |= {name: _told(name, value) for name, value in vars(record).items() if name not in _EVERY_RECORD_HAS}
        else:
            said = _PERSON.sub("…@", said)
        if record.exc_info and record.exc_info[0]:
            facts["error"] = record.exc_info[0].__name__
        structlog.get_logger().log(record.levelno, said, **facts)


class _Mail(_Forward):
    """A mail that goes to the log, shown as what it is."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the mail; that there is one goes without saying then."""
        if record.levelno > logging.DEBUG:
            return
        rule = "─" * RULE
        mail = escaped(record.getMessage())
        sys.stderr.write("\n".join([rule, "This mail goes nowhere: no mail server is set.", mail, rule, ""]))
        sys.stderr.flush()


def _told(name: str, value: object) -> object:
    """A fact without the names in addresses, which a mail server's own words may hold."""
    return _PERSON.sub("…@", value) if isinstance(value, str) and name != "message_id" else value
