"""What goes over the wire for one message: a mail with its envelope, as bytes that can only ever be one mail."""

import re
import unicodedata
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy

from attrs import frozen

from flowpilot_core.domain.access.account import checked_email
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.ports.notifications import Message


class _Unfolded(EmailPolicy):
    """Leaves links and ids whole: Python folds what is longer than a line into encoded words, which nobody follows or compares."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if name in _WHOLE:
            return f"{name}: {value}\r\n".encode("ascii")
        return super().fold_binary(name, value)


_WHOLE = frozenset({"In-Reply-To", "References", "List-Unsubscribe"})
# Seven bits pass every server, so that no extension is needed for what anybody writes: quoted-printable or base64 where it is not ASCII.
_ASCII = _Unfolded(linesep="\r\n", cte_type="7bit")
_UTF8 = _Unfolded(linesep="\r\n", cte_type="7bit", utf8=True)

_UNSEEN = frozenset({"Cc", "Zl", "Zp"})
"""Unicode's categories of control characters and of separators of lines and paragraphs."""
_ENCODED_WORD = "=?"
"""How an encoded word begins (RFC 2047)."""
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
    mail = EmailMessage(policy=_UTF8 if utf8 else _ASCII)
    mail["From"] = _address(message.account_name, sender)
    mail["To"] = _address(message.to_name, recipient)
    mail["Subject"] = _line(message.subject)
    mail["Date"] = at
    mail["Message-ID"] = message_id
    # Some servers put a Message-ID of their own in place of ours; this one they leave.
    delivery_id = message_id[1:].partition("@")[0]
    mail["X-FlowPilot-Delivery"] = delivery_id
    mail["Auto-Submitted"] = "auto-generated"
    if message.thread_id:
        thread_id = _checked_id(message.thread_id)
        mail["In-Reply-To"] = mail["References"] = thread_id
    if message.unsubscribe_url:
        mail["List-Unsubscribe"] = f"<{_checked_url(message.unsubscribe_url)}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if message.maybe_twice:
        mail["X-FlowPilot-Repeat"] = "maybe"
    mail.set_content(_text(message.text))
    if message.html:
        mail.add_alternative(_text(message.html), subtype="html")
        # The same at every attempt, as everything but the date is.
        mail.set_boundary(f"=_{delivery_id}")
    return Mail(sender=sender, recipient=recipient, utf8=utf8, content=_closed(mail.as_bytes()))


def domain_of(address: str) -> str:
    """What stands behind the `@`, as ASCII."""
    return checked_email(address).rpartition("@")[2].encode("idna").decode("ascii")


def _plainest(address: str) -> str:
    """The address with its domain in ASCII, where that names the same domain for sure, so that fewer servers must know SMTPUTF8."""
    local, _, domain = checked_email(address).rpartition("@")
    if _ENCODED_WORD in address:
        raise InvalidValue("email", "is not an e-mail address")
    if domain.isascii():
        return address
    try:
        encoded = domain.encode("idna")
        # Python's codec is IDNA 2003, which takes "straße" for "strasse", another domain: then the way back leads elsewhere.
        same = encoded.decode("idna") == domain.lower()
    except UnicodeError:
        return address
    return f"{local}@{encoded.decode('ascii')}" if same else address


def _checked_id(message_id: str) -> str:
    if not _MESSAGE_ID.fullmatch(message_id) or _ENCODED_WORD in message_id:
        raise InvalidValue("message_id", "is not <…@…> in ASCII")
    return message_id


def _checked_url(url: str) -> str:
    if not _URL.fullmatch(url):
        raise InvalidValue("unsubscribe_url", "is not an address in ASCII")
    return url


def _address(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(display_name=_line(name), username=local, domain=domain)


def _line(value: str) -> str:
    """`value` as one line: any run of white space, line ends and control characters is one space.

    Nothing in it is left to be taken for an encoded word: Python's headers decode those that they are given, line ends included.
    """
    return " ".join(_visible(value, keep="").split()).replace(_ENCODED_WORD, "= ?")


def _text(value: str) -> str:
    return _visible(re.sub(r"\r\n?", "\n", value), keep="\n\t")


def _visible(value: str, *, keep: str) -> str:
    storable = value.encode("utf-8", "replace").decode("utf-8")
    return "".join(" " if unicodedata.category(char) in _UNSEEN and char not in keep else char for char in storable)


def _closed(content: bytes) -> bytes:
    """`content` with an end-of-mail mark at its end and none before it, whatever a server takes for a line end (RFC 5321, 4.5.2)."""
    lines = _LINE_END.sub(b"\r\n", content)
    return _LEADING_DOT.sub(b"..", lines if lines.endswith(b"\r\n") else lines + b"\r\n") + b".\r\n"
