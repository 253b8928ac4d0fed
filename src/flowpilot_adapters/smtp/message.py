"""What goes over the wire for one message: a mail with its envelope, as bytes that can only ever be one mail."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime

from attrs import frozen

from flowpilot_core.domain.access.account import checked_email
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.host_name import ascii_host
from flowpilot_core.ports.notifications import LOGO_ID, Message

from .header import ENCODED_WORD, mailbox, unstructured, visible

# Seven bits pass every server, so that no extension is needed for what anybody writes: quoted-printable or base64 where it is not ASCII.
_BODY = EmailPolicy(linesep="\r\n", cte_type="7bit")

_MESSAGE_ID = re.compile(r"<[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+>", re.ASCII)
_URL = re.compile(r"https?://[!-;=?-~]{1,800}", re.ASCII)
_LINE_END = re.compile(rb"\r\n|\r|\n")
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


@frozen(kw_only=True)
class Mail:
    """One mail to one address."""

    sender: str
    recipient: str
    utf8: bool
    """Whether an address is beyond ASCII, so that the server must know SMTPUTF8."""
    content: bytes
    """What follows DATA: every line ends in CRLF, none begins with a single dot, and the closing dot is the last."""


def written(message: Message, *, sender: str, at: datetime) -> Mail:
    """The mail that says `message`, from the address `sender`, dated `at`.

    Names and subject become one line each; of the text, line ends are kept and other control characters become spaces, since no
    client shows them as what they are. Raises `InvalidValue` for an address, a message id or a link that cannot be one, which includes
    every one with a line end or a space in it: those are refused rather than mended.
    """
    sender, recipient = _plainest(sender), _plainest(message.to)
    utf8 = not (sender + recipient).isascii()
    message_id = _checked_id(message.message_id)
    # Some servers put a Message-ID of their own in place of ours; this one they leave.
    delivery_id = message_id[1:].partition("@")[0]
    head = {
        "From": mailbox(message.account_name, sender),
        "To": mailbox(message.to_name, recipient),
        "Subject": unstructured(message.subject),
        "Date": format_datetime(at),
        "Message-ID": message_id,
        "X-FlowPilot-Delivery": delivery_id,
        "Auto-Submitted": "auto-generated",
    }
    if message.thread_id:
        head["In-Reply-To"] = head["References"] = _checked_id(message.thread_id)
    if message.unsubscribe_url:
        head["List-Unsubscribe"] = f"<{_checked_url(message.unsubscribe_url)}>"
        head["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if message.maybe_twice:
        head["X-FlowPilot-Repeat"] = "maybe"
    mail = EmailMessage(policy=_BODY)
    mail.set_content(_text(message.text))
    if message.html:
        mail.add_alternative(_text(message.html), subtype="html")
        if message.logo:
            _, shown = mail.iter_parts()
            kind, _, subtype = message.logo.type.partition("/")
            shown.add_related(message.logo.content, kind, subtype, cid=f"<{LOGO_ID}>", disposition="inline", filename=f"logo.{subtype}")
            shown.set_boundary(f"=_logo-{delivery_id}")
        # The same at every attempt, as everything but the date is.
        mail.set_boundary(f"=_{delivery_id}")
    return Mail(sender=sender, recipient=recipient, utf8=utf8, content=_closed(_written(head) + mail.as_bytes()))


def domain_of(address: str) -> str:
    """What stands behind the `@`, as ASCII."""
    return ascii_host(checked_email(address).rpartition("@")[2])


def _plainest(address: str) -> str:
    """The address with its domain in ASCII, so that fewer servers must know SMTPUTF8."""
    local, _, domain = checked_email(address).rpartition("@")
    if ENCODED_WORD in address:
        raise InvalidValue("email", "is not an e-mail address")
    return address if domain.isascii() else f"{local}@{ascii_host(domain)}"


def _checked_id(message_id: str) -> str:
    if not _MESSAGE_ID.fullmatch(message_id) or ENCODED_WORD in message_id:
        raise InvalidValue("message_id", "is not <…@…> in ASCII")
    return message_id


def _checked_url(url: str) -> str:
    if not _URL.fullmatch(url):
        raise InvalidValue("unsubscribe_url", "is not an address in ASCII")
    return url


def _written(head: Mapping[str, str]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in head.items()).encode()


def _text(value: str) -> str:
    return visible(re.sub(r"\r\n?", "\n", value), keep="\n\t")


def _closed(content: bytes) -> bytes:
    """`content` with an end-of-mail mark at its end and none before it, whatever a server takes for a line end (RFC 5321, 4.5.2)."""
    lines = _LINE_END.sub(b"\r\n", content)
    return _LEADING_DOT.sub(b"..", lines if lines.endswith(b"\r\n") else lines + b"\r\n") + b".\r\n"
