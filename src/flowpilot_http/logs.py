"""Structured logs: one JSON object a line on standard error, without bodies, addresses of people, or tokens."""

import logging
import re
import sys
from typing import Any, Final

import msgspec
import structlog

OURS: Final = "flowpilot"
"""The loggers of the core and its adapters are below this one; they log ids and say what they mean, other libraries may not."""

PREPARING: Final = f"{OURS}.preparing"
"""The logger of what makes a first start slow: each line is told before what it tells of is begun."""

_EVERY_RECORD_HAS: Final = frozenset(vars(logging.makeLogRecord({})))
_PERSON: Final = re.compile(r"[^\s<>@:]+@")


def _json(_: Any, __: str, event: structlog.typing.EventDict) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)


def configure(level: str = "info", *, watched: bool = False) -> None:
    """Have structlog, and whatever logs through the standard library, write JSON lines; `level` is the name of one, such as `info`.

    `watched`: whether somebody waits for a command to end; what makes that slow is then said in plain lines, whatever the level.
    """
    least = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Forward()], level=max(least, logging.WARNING), force=True)
    logging.getLogger(OURS).setLevel(least)
    preparing = logging.getLogger(PREPARING)
    preparing.handlers = [_plain()] if watched else []
    preparing.propagate = not watched
    preparing.setLevel(logging.INFO if watched else logging.NOTSET)


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


def _told(name: str, value: object) -> object:
    """A fact without the names in addresses, which a mail server's own words may hold."""
    return _PERSON.sub("…@", value) if isinstance(value, str) and name != "message_id" else value
