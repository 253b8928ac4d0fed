"""Structured logs: one JSON object a line on standard error, without bodies, addresses of people, or tokens."""

import logging
import sys
from typing import Any, Final

import msgspec
import structlog

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def _json(_: Any, __: str, event: structlog.typing.EventDict) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)


def configure(level: str = "info") -> None:
    """Have structlog, and whatever logs through the standard library, write JSON lines; `level` is one of `LEVELS`."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    handler = _Forward()
    logging.basicConfig(handlers=[handler], level=max(LEVELS[level], logging.WARNING), force=True)


class _Forward(logging.Handler):
    """What libraries log, in our own lines; no traceback, since that may quote what somebody sent."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        log = structlog.get_logger(record.name)
        log.log(record.levelno, record.getMessage(), error=record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else None)
