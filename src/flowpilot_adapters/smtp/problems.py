"""What went wrong, in words that may be shown to the account's people: no credentials, and no address but in a server's own words."""

import os
import socket
import ssl

from aiosmtplib import SMTPException, SMTPServerDisconnected

LONGEST = 300
"""Characters of a problem."""

# Replies to MAIL and after that speak of us and not of the mail: the operator must mend our sign-in, then it goes through.
_SIGN_IN = frozenset({530, 534, 535, 538})


def reply(code: int, words: str) -> str:
    """A server's reply as one line, bounded."""
    line = " ".join("".join(char if char.isprintable() else " " for char in words).split())
    return shortened(f"{code} {line}".strip())


def shortened(problem: str) -> str:
    """At most `LONGEST` characters of it."""
    return problem if len(problem) <= LONGEST else problem[: LONGEST - 1] + "…"


def is_permanent(code: int) -> bool:
    """Whether a reply to MAIL, RCPT or DATA says that this mail will never be taken."""
    return 500 <= code <= 599 and code not in _SIGN_IN


def trouble(exc: BaseException) -> str:
    """What kept us from talking to the server."""
    root = exc
    while isinstance(root, SMTPException) and root.__cause__ is not None:
        root = root.__cause__
    match root:
        case ssl.SSLCertVerificationError():
            return shortened(f"the mail server's certificate is not accepted: {root.verify_message}")
        case ssl.SSLError():
            return f"no TLS with the mail server: {root.reason or 'the handshake failed'}"
        case socket.gaierror():
            return "the mail server's name cannot be resolved"
        case TimeoutError():
            return "the mail server did not answer in time"
        case ConnectionRefusedError():
            return "the mail server refused the connection"
        case SMTPServerDisconnected() | ConnectionError() | EOFError():
            return "the mail server closed the connection"
        case OSError() if root.errno:
            return f"the mail server cannot be reached: {os.strerror(root.errno)}"
        case _:
            return f"the mail server cannot be talked to: {type(root).__name__}"
