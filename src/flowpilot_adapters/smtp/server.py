"""Which mail server to use, and how, out of one URL."""

from urllib.parse import SplitResult, unquote, urlsplit

from attrs import field, frozen

SUBMISSION = 587
SUBMISSION_OVER_TLS = 465
"""RFC 8314's ports for handing mail in, where the URL names none."""


@frozen(kw_only=True)
class MailServer:
    """A mail server, and who we are to it."""

    host: str
    port: int
    tls_at_once: bool
    """TLS from the first byte; else by STARTTLS, and without any only where the server turns out to be this machine."""
    user: str | None = None
    """None: we do not sign in."""
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, url: str) -> "MailServer":
        """`smtp://user:password@host:port` or `smtps://…`, of which user, password and port may be left out.

        Raises `ValueError`, whose text repeats nothing of the URL, since it may hold a password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError(f"cannot be read as a URL: {_SHAPE}, with special characters in user and password percent-encoded") from None
        problem = _problem(parts)
        if problem is not None or parts.hostname is None:
            raise ValueError(f"{problem}: {_SHAPE}")
        tls_at_once = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=port or (SUBMISSION_OVER_TLS if tls_at_once else SUBMISSION),
            tls_at_once=tls_at_once,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password or ""),
        )


_SHAPE = "it goes smtp://user:password@host:port or smtps://user:password@host:port"


def _problem(parts: SplitResult) -> str | None:
    if parts.scheme not in ("smtp", "smtps"):
        return "does not begin with smtp:// or smtps://"
    if not parts.hostname or not parts.hostname.isprintable() or " " in parts.hostname:
        return "names no host"
    if parts.port == 0:
        return "names port 0"
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        return "has something behind the port (a special character of the password that is not percent-encoded?)"
    if bool(parts.username) is not bool(parts.password):
        return "has a user without a password, or a password without a user"
    return None
