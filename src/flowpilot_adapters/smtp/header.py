"""Names and subjects as a mail's header says them (RFC 5322, 2047), by nobody's rules but these.

Python folds what is long in ways that differ from version to version: some take a comma out of its quotes, which makes two senders of
one, or break an encoded word in the middle of a character.
"""

import re
import unicodedata
from base64 import b64encode
from collections.abc import Iterator
from typing import Final

ENCODED_WORD: Final = "=?"
"""How an encoded word begins (RFC 2047)."""
_FOLD: Final = "\r\n "
_MOST_BYTES: Final = 39
"""Of UTF-8 in an encoded word: with the header's name before it none makes a line longer than 76 characters."""
_LONGEST_LINE: Final = 900
"""Characters of text that stay on one line, which may have 998."""
_UNSEEN: Final = frozenset({"Cc", "Zl", "Zp"})
"""Unicode's categories of control characters and of separators of lines and paragraphs."""
_ATOMS: Final = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(?: [\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
_SPECIAL: Final = re.compile(r'(["\\\\])')
_BROKEN: Final = re.compile(r"(?<! ) *+\n[ \n]*+")


def unstructured(value: str) -> str:
    """A subject: any text, on one line."""
    line = _line(value)
    return line if _is_plain(line) else _FOLD.join(_encoded_words(line))


def mailbox(name: str, address: str) -> str:
    """One person or account with their address, whatever is in the name."""
    line = _line(name)
    if not line:
        return f"<{address}>"
    if not _is_plain(line):
        return f"{_FOLD.join(_encoded_words(line))}{_FOLD}<{address}>"
    quoted = line if _ATOMS.fullmatch(line) else f'"{_SPECIAL.sub(_QUOTED, line)}"'
    return f"{quoted} <{address}>"


_QUOTED: Final = r"\\\1"


def visible(value: str, *, keep: str) -> str:
    """`value` with spaces in place of what no client shows as what it is, but for the characters to `keep`."""
    storable = value.encode("utf-8", "replace").decode("utf-8")
    return "".join(" " if unicodedata.category(char) in _UNSEEN and char not in keep else char for char in storable)


def _line(value: str) -> str:
    """`value` as one line: a line end or control character, with the spaces around it, is one space; all else is as it was."""
    marked = "".join("\n" if unicodedata.category(char) in _UNSEEN else char for char in value)
    return visible(_BROKEN.sub(" ", marked), keep="").strip(" ")


def _is_plain(line: str) -> bool:
    """Whether it can stand as it is: a reader may take runs of spaces for one, and what looks like an encoded word for one."""
    return line.isascii() and "  " not in line and ENCODED_WORD not in line and len(line) <= _LONGEST_LINE


def _encoded_words(line: str) -> Iterator[str]:
    """The whole of it in encoded words, each of whole characters: the white space between two of them is none."""
    part = b""
    for char in line:
        one = char.encode()
        if len(part) + len(one) > _MOST_BYTES:
            yield _encoded_word(part)
            part = b""
        part += one
    yield _encoded_word(part)


def _encoded_word(part: bytes) -> str:
    return f"=?utf-8?b?{b64encode(part).decode()}?="
