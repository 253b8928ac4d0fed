"""The text of an output: headings, paragraphs and lists, and how each reads as Markdown, as a page, and as a note on a ticket.

Nothing that people wrote is taken for markup, and nothing in any of them is loaded or followed.
"""

import html
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from enum import StrEnum
from hashlib import sha256

from attrs import frozen

from flowpilot_core.domain.access.branding import BARE, Worn
from flowpilot_core.domain.kernel.text import EMPTY_LINE

_HEADING = "## "
_BULLET = "- "


@frozen
class Heading:
    """What the next blocks are about."""

    text: str


@frozen
class Paragraph:
    """Lines that belong together."""

    text: str


@frozen
class Bullets:
    """A list."""

    items: tuple[str, ...]


Block = Heading | Paragraph | Bullets


class ExportFormat(StrEnum):
    """How an output is taken elsewhere."""

    MD = "md"
    HTML = "html"


def body_of(blocks: Iterable[Block]) -> str:
    """The blocks as people edit them: `## ` begins a heading, `- ` an item, an empty line ends a block."""
    return "\n\n".join(_source(block) for block in blocks)


def blocks_of(body: str) -> Iterator[Block]:
    """What people wrote, as blocks."""
    for chunk in EMPTY_LINE.split(body.replace("\r\n", "\n").strip()):
        prose: list[str] = []
        items: list[str] = []
        for line in chunk.split("\n"):
            if line.startswith((_HEADING, _BULLET)):
                yield from _prose(prose)
                prose = []
            if not line.startswith(_BULLET):
                yield from _list(items)
                items = []
            if line.startswith(_HEADING):
                yield Heading(line.removeprefix(_HEADING).strip())
            elif line.startswith(_BULLET):
                items.append(line.removeprefix(_BULLET).strip())
            else:
                prose.append(line.rstrip())
        yield from _prose(prose)
        yield from _list(items)


def as_note(body: str, signature: str = "") -> str:
    """As it is posted: a heading is a line that ends in a colon; with the lines that its account signs with."""
    said = (f"{block.text}:" if isinstance(block, Heading) else _source(block) for block in blocks_of(body))
    return "\n\n".join((*said, signature) if signature else said)


def as_markdown(title: str, body: str, worn: Worn = BARE) -> str:
    """A Markdown document, signed as its account signs."""
    signature = worn.branding.signature()
    signed = ("---", _markdown(Paragraph(signature))) if signature else ()
    return "\n\n".join((f"# {_marked(' '.join(title.split()))}", *(_markdown(block) for block in blocks_of(body)), *signed)) + "\n"


def as_page(title: str, body: str, worn: Worn = BARE) -> str:
    """An HTML document that loads nothing and leads nowhere, and wears what its account does: all of it is in the document."""
    name = html.escape(" ".join(title.split()))
    blocks = "\n".join(_page(block) for block in blocks_of(body))
    may, style, logo, signature = ["default-src 'none'"], "", "", worn.branding.signature()
    if colour := worn.branding.colour:
        rule = f"body{{border-top:8px solid {colour.value};padding-top:1rem}}"
        may.append(f"style-src 'sha256-{b64encode(sha256(rule.encode()).digest()).decode()}'")
        style = f"<style>{rule}</style>\n"
    if worn.logo:
        may.append("img-src data:")
        file = f"data:{worn.logo.type};base64,{b64encode(worn.logo.content).decode()}"
        logo = f'<p><img alt="" width="{worn.logo.width // 2}" src="{file}"></p>\n'
    signed = f"\n<footer>\n{_page(Paragraph(signature))}\n</footer>" if signature else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(may)}">\n'
        f"{style}<title>{name}</title>\n</head>\n<body>\n{logo}<h1>{name}</h1>\n{blocks}{signed}\n</body>\n</html>\n"
    )


def _source(block: Block) -> str:
    match block:
        case Heading(text):
            return f"{_HEADING}{text}"
        case Paragraph(text):
            return text
        case Bullets(items):
            return "\n".join(f"{_BULLET}{item}" for item in items)


def _prose(lines: list[str]) -> Iterator[Block]:
    if any(line.strip() for line in lines):
        yield Paragraph("\n".join(lines))


def _list(items: list[str]) -> Iterator[Block]:
    if items:
        yield Bullets(tuple(items))


def _markdown(block: Block) -> str:
    match block:
        case Heading(text):
            return f"## {_marked(text)}"
        case Paragraph(text):
            return "  \n".join(_marked(line) for line in text.split("\n"))
        case Bullets(items):
            return "\n".join(f"- {_marked(item)}" for item in items)


_MARKUP = re.compile(r"([\\`*_\[\]#~|]|!(?=\[)|(?<=\])\(|:(?=//)|(?<=www)\.|@)")
_START = re.compile(r"^(\s*)([-+=]|\d+[.)](?=\s|$))")


def _marked(line: str) -> str:
    """Text as Markdown shows it, letter by letter: no address in it becomes a link either."""
    escaped = _MARKUP.sub(r"\\\1", html.escape(line.strip(), quote=False))
    return _START.sub(lambda found: f"{found[1]}{found[2][:-1]}\\{found[2][-1]}", escaped)


def _page(block: Block) -> str:
    match block:
        case Heading(text):
            return f"<h2>{html.escape(text)}</h2>"
        case Paragraph(text):
            return f"<p>{'<br>'.join(html.escape(line) for line in text.split(chr(10)))}</p>"
        case Bullets(items):
            return f"<ul>{''.join(f'<li>{html.escape(item)}</li>' for item in items)}</ul>"
