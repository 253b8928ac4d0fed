"""Texts that would be more than one mail if a mail server heard them as they are, and what shows that it did not."""

from .mail_server import Envelope

SMUGGLED = "\r\n.\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<victim@example.com>\r\nDATA\r\nSubject: ha\r\n\r\nha\r\n.\r\n"
ENCODED = "=?utf-8?q?a=0D=0ABcc:_victim=40example.com=0D=0A=0D=0A.=0D=0A?="

OPTIONAL = {b"X-FlowPilot-Repeat", b"In-Reply-To", b"References", b"List-Unsubscribe", b"List-Unsubscribe-Post"}
HEADERS = [
    b"From",
    b"To",
    b"Subject",
    b"Date",
    b"Message-ID",
    b"X-FlowPilot-Delivery",
    b"Auto-Submitted",
    b"MIME-Version",
    b"Content-Type",
]


def one_mail(envelope: Envelope, *, sender: str, to: str) -> None:
    """The bytes that a server heard are one mail to one address, whatever it takes for the end of a line or of a mail."""
    assert (sender, (to,)) == (envelope.sender, envelope.recipients)
    assert envelope.raw.endswith(b"\r\n.\r\n")
    lines = envelope.raw.removesuffix(b".\r\n").split(b"\r\n")
    assert not [line for line in lines if b"\r" in line or b"\n" in line or line == b"." or len(line) > 998]
    headers = [line.partition(b":")[0] for line in lines[: lines.index(b"")] if not line.startswith(b" ")]
    assert HEADERS == [header for header in headers if header not in OPTIONAL]
