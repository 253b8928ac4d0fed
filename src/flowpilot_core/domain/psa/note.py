"""What a note on a ticket says: facts in the order of a template, in the vendor's format, in parts that its limit allows."""

import html
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from attrs import asdict, evolve, frozen

from flowpilot_core.domain.handoffs.debrief import solved_by
from flowpilot_core.domain.handoffs.handoff import Handoff
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.domain.kernel.identifiers import BranchId, PsaPostId
from flowpilot_core.domain.kernel.text import EMPTY_LINE, one_of, text
from flowpilot_core.domain.sessions.session import Session
from flowpilot_core.domain.sessions.step import Step, StepResult
from flowpilot_core.domain.sessions.walked import in_words, left, path

from .connection import LONGEST_TEMPLATE, NoteKind
from .vendor import NoteFormat

TEMPLATES: Mapping[NoteKind, str] = MappingProxyType(
    {
        NoteKind.ESCALATED: (
            "{by} is stuck and needs a colleague.\n\n"
            "Why: {reason}\n{note}\n\n"
            "Problem: {title}\n{problem}\n\n"
            "What failed:\n{failed}\n\n"
            "Also tried:\n{tried}\n\n"
            "By the tree {tree}:\n{path}\n\n"
            "Assessment: {assessment}\n\n"
            "Everything that was tried: {link}"
        ),
        NoteKind.CLAIMED: "{by} took over.\n\nEverything that was tried: {link}",
        NoteKind.RESOLVED: (
            "Resolved by {by}: {summary}\n\n"
            "Root cause: {root_cause}\n\n"
            "What worked:\n{worked}\n\n"
            "By the tree {tree}:\n{path}\n\n"
            "The whole story: {link}"
        ),
        NoteKind.PARKED: "{by} put this aside.\n\nWhy: {reason}\n{note}",
    }
)
"""What a note says where an account has no template of its own."""

TITLES: Mapping[NoteKind, str] = MappingProxyType(
    {
        NoteKind.ESCALATED: "Escalated by {by}",
        NoteKind.CLAIMED: "Taken over by {by}",
        NoteKind.RESOLVED: "Resolved by {by}",
        NoteKind.PARKED: "Put aside by {by}",
        NoteKind.OUTPUT: "Documentation",
    }
)

PLACEHOLDERS: Mapping[str, str] = MappingProxyType(
    {
        "by": "who escalated, took over, resolved or parked",
        "reason": "why it was handed off",
        "note": "the note that came with the handoff",
        "title": "the session's title",
        "problem": "its problem",
        "client": "the client's name",
        "priority": "how urgent it is",
        "failed": "the steps that failed, one a line",
        "tried": "the other steps that were tried, one a line",
        "worked": "the steps that worked, one a line",
        "tree": "the tree that was followed",
        "path": "what was done at its nodes, one a line, and where work went on without it",
        "assessment": "the assistant's assessment, where there is one by then",
        "summary": "what solved it",
        "root_cause": "what caused it",
        "link": "the address of its page in FlowPilot",
    }
)
"""What a template may name in braces, and what comes in its place."""

LONGEST_STEP = 300
"""Characters of a step in a note; the whole of it is behind the link."""
MOST_STEPS = 20
"""In one list of a note."""
MOST_OF_ASSESSMENT = 3
"""Causes, and next steps, of an assessment in a note."""
MOST_PARTS = 20
"""Of one note; more of it than that is behind the link."""

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_BULLET = "- "


@frozen(kw_only=True)
class Facts:
    """What a note can tell; None where there is nothing to tell."""

    by: str
    reason: str | None = None
    note: str | None = None
    title: str
    problem: str
    client: str | None = None
    priority: str
    failed: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    worked: tuple[str, ...] = ()
    tree: str | None = None
    path: tuple[str, ...] = ()
    assessment: str | None = None
    summary: str | None = None
    root_cause: str | None = None
    link: str

    @classmethod
    def of(
        cls,
        session: Session,
        handoff: Handoff | None,
        steps: Sequence[Step],
        *,
        kind: NoteKind,
        by: str,
        assessment: Sequence[str] = (),
        link: str,
    ) -> "Facts":
        """The facts of a session at the event that a note of this kind tells: something that `by` did.

        `assessment` is its headline and what else is said of it, a line each; empty where there is none.
        """
        until = handoff.escalated_at if kind is NoteKind.ESCALATED and handoff is not None else None
        branch_id = solved_by(session, steps).branch.id if kind is NoteKind.RESOLVED else session.branches.active_id
        if until is not None:
            # What came later is told by later notes.
            steps = [step for step in steps if step.created_at <= until]
        by_result: dict[StepResult | None, list[str]] = {}
        for step in steps:
            if step.tried:
                by_result.setdefault(step.result, []).append(step.content)
        resolution = session.resolution if kind is NoteKind.RESOLVED else None
        way = _path(session, steps, branch_id, until)
        return cls(
            by=by,
            reason=handoff.reason if handoff else None,
            note=handoff.note if handoff else None,
            title=session.title,
            problem=session.problem,
            client=session.client_name,
            priority=handoff.priority if handoff else session.priority,
            failed=_listed(by_result.get(StepResult.FAILED, [])),
            tried=_listed([*by_result.get(StepResult.INCONCLUSIVE, []), *by_result.get(None, []), *_worked(kind, by_result)]),
            worked=_listed(by_result.get(StepResult.WORKED, [])),
            tree=session.walk.name if session.walk and way else None,
            path=way,
            assessment="\n".join([*assessment[:1], *(f"{_BULLET}{line}" for line in assessment[1:])]) or None,
            summary=resolution.summary if resolution else None,
            root_cause=resolution.root_cause if resolution else None,
            link=link,
        )

    def value(self, name: str) -> str:
        """What comes in the place of a placeholder, on lines of its own where it is a list."""
        value = getattr(self, name)
        if isinstance(value, tuple):
            return "\n".join(f"{_BULLET}{_short(item)}" for item in value)
        return value or ""

    def cleaned(self, clean: Callable[[str], str]) -> "Facts":
        """The same, each text as `clean` leaves it."""
        return evolve(
            self,
            **asdict(
                self,
                recurse=False,
                value_serializer=lambda _, __, said: tuple(map(clean, said)) if isinstance(said, tuple) else said and clean(said),
            ),
        )


SAMPLE = Facts(
    by="Jo Junior",
    reason="Out of ideas; the client waits",
    note="Ask for Petra on the phone",
    title="Outlook asks for a password again and again",
    problem="Since this morning, on two machines of the front desk.",
    client="Lakeside Dental",
    priority="high",
    failed=("Removed the cached credentials and signed in again",),
    tried=("Read the sign-in log",),
    worked=("Excluded the front desk from the new policy",),
    tree="Outlook keeps asking for a password",
    path=("Does it ask on the web, too? Yes", "Read the sign-in log: inconclusive"),
    assessment="A conditional access policy of last night blocks legacy sign-in.",
    summary="The new policy blocked legacy sign-in; the front desk is excluded from it.",
    root_cause="A conditional access policy without exceptions",
    link="https://flowpilot.example/escalations/01998c2e-7a10-7000-8000-000000000007",
)
"""What a preview tells where there is no session to tell of."""


def checked_template(field: str, template: str) -> str:
    """A template that names only what there is. Raises `InvalidValue`."""
    text(field, template, most=LONGEST_TEMPLATE)
    for name in _PLACEHOLDER.findall(template):
        if name not in PLACEHOLDERS:
            raise InvalidValue(field, f"names {{{name}}}, which {one_of(PLACEHOLDERS)}")
    return template


def written(template: str, facts: Facts) -> str:
    """The note as plain text: a line or a paragraph all of whose placeholders have nothing to tell is left out."""
    paragraphs = (_paragraph(paragraph, facts) for paragraph in EMPTY_LINE.split(template.replace("\r\n", "\n")))
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def titled(kind: NoteKind, facts: Facts) -> str:
    """The title of a note, on one line."""
    return " ".join(TITLES[kind].format(by=facts.by).split())


def marker(post_id: PsaPostId, part: int) -> str:
    """What a note is recognised by on its ticket: the same at every attempt, and in no other note."""
    return f"FP-{post_id.hex}-{part:02}"


def parts(note: str, *, format: NoteFormat, longest: int, post_id: PsaPostId, link: str = "") -> tuple[str, ...]:
    """The note as the vendor shows it, each part with its own marker, split between paragraphs, lines or words as its limit demands.

    `link` is the one address that may be followed from it, where the format knows links.
    """
    render = RENDERED[format]
    room = longest - len(render.footer(marker(post_id, MOST_PARTS), MOST_PARTS, MOST_PARTS)) - len(render.between)
    bodies = list(_packed(note, render, room, link))[:MOST_PARTS]
    return tuple(
        f"{body}{render.between}{render.footer(marker(post_id, number), number, len(bodies))}"
        for number, body in enumerate(bodies, start=1)
    )


@frozen(kw_only=True)
class Rendering:
    """How text becomes what a vendor shows."""

    line: Callable[[str, str], str]
    """A line, given the link that may stand in it."""
    bullet: Callable[[str, str], str]
    joined: Callable[[Sequence[str]], str]
    """The lines of a paragraph."""
    between: str
    """Stands between paragraphs."""
    footer: Callable[[str, int, int], str]


def _worked(kind: NoteKind, by_result: Mapping[StepResult | None, list[str]]) -> list[str]:
    return by_result.get(StepResult.WORKED, []) if kind is NoteKind.ESCALATED else []


def _listed(contents: Sequence[str]) -> tuple[str, ...]:
    shown = [" ".join(content.split()) for content in contents[:MOST_STEPS]]
    more = len(contents) - MOST_STEPS
    return (*shown, f"and {more} more") if more > 0 else tuple(shown)


def _path(session: Session, steps: Sequence[Step], branch_id: BranchId, until: datetime | None) -> tuple[str, ...]:
    gone = left(session, branch_id, until=until)
    done = _listed([in_words(step) for step in path(session, steps, branch_id)])
    return done if gone is None else (*done, " ".join(f"left at “{gone.text}”".split()))


def _short(line: str) -> str:
    return line if len(line) <= LONGEST_STEP else line[: LONGEST_STEP - 1] + "…"


def _paragraph(paragraph: str, facts: Facts) -> str:
    names = _PLACEHOLDER.findall(paragraph)
    if names and not any(facts.value(name) for name in names):
        return ""
    lines = (_line(line, facts) for line in paragraph.split("\n"))
    return "\n".join(line for line in lines if line)


def _line(line: str, facts: Facts) -> str:
    names = _PLACEHOLDER.findall(line)
    if names and not any(facts.value(name) for name in names):
        return ""
    return _PLACEHOLDER.sub(lambda found: facts.value(found[1]), line).replace("\r\n", "\n").rstrip()


def _packed(note: str, render: Rendering, room: int, link: str) -> Iterator[str]:
    """The paragraphs of a note, as many at a time as there is room for."""
    body = ""
    for paragraph in EMPTY_LINE.split(note):
        for piece in _pieces([line for line in paragraph.split("\n") if line.strip()], render, room, link):
            if body and len(body) + len(render.between) + len(piece) > room:
                yield body
                body = ""
            body = f"{body}{render.between}{piece}" if body else piece
    if body:
        yield body


def _pieces(lines: Sequence[str], render: Rendering, room: int, link: str) -> Iterator[str]:
    """A paragraph in pieces that fit: whole, or else line by line, or else a line in two."""
    if not lines:
        return
    # Shown it is no shorter: what is too long already need not be looked at whole, again and again.
    fits = sum(map(len, lines)) <= room
    if fits and len(whole := render.joined([_shown(line, render, link) for line in lines])) <= room:
        yield whole
    elif len(lines) > 1:
        middle = len(lines) // 2
        yield from _pieces(lines[:middle], render, room, link)
        yield from _pieces(lines[middle:], render, room, link)
    elif len(lines[0]) > 1:
        head, tail = _halved(lines[0])
        yield from _pieces([head], render, room, link)
        yield from _pieces([tail], render, room, link)


def _halved(line: str) -> tuple[str, str]:
    """A line in two, between words where there is a space in its middle."""
    middle = len(line) // 2
    space = line.rfind(" ", middle // 2, middle)
    cut = middle if space < 0 else space + 1
    return line[:cut], line[cut:]


def _shown(line: str, render: Rendering, link: str) -> str:
    return render.bullet(line.removeprefix(_BULLET), link) if line.startswith(_BULLET) else render.line(line, link)


def _html(line: str, link: str) -> str:
    escaped = html.escape(line)
    address = html.escape(link)
    return escaped.replace(address, f'<a href="{address}">{address}</a>') if link else escaped


def _html_paragraph(lines: Sequence[str]) -> str:
    return f"<p>{'<br>'.join(lines)}</p>"


_MARKDOWN_START = re.compile(r"^(\s*)([#>+]|\d+[.)]|[-*=_]{3,})")
_MARKDOWN_LINK = re.compile(r"!(?=\\?\[)|(?<=\])(?=\()|<")
_MARKDOWN_REFERENCE = re.compile(r"\[[^\]]*+(?:\](\s*+:)?|\Z)")
"""What is in brackets, to its end or the line's, so that no end is looked for twice: it says where a link leads if a colon follows."""


def _markdown(line: str, link: str) -> str:
    """Without what would make a heading, a quotation, an image, a link or a tag of it; as readable where nothing is rendered."""
    line = _MARKDOWN_REFERENCE.sub(lambda found: found[0].replace("[", "\\[") if found[1] else found[0], line)
    return _MARKDOWN_LINK.sub(lambda found: f"\\{found[0]}", _MARKDOWN_START.sub(r"\1\\\2", line))


RENDERED: Mapping[NoteFormat, Rendering] = MappingProxyType(
    {
        NoteFormat.PLAIN: Rendering(
            line=lambda line, link: line,
            bullet=lambda line, link: f"- {line}",
            joined="\n".join,
            between="\n\n",
            footer=lambda marker, part, of: f"FlowPilot {marker} ({part}/{of})",
        ),
        NoteFormat.HTML: Rendering(
            line=_html,
            bullet=lambda line, link: f"&bull; {_html(line, link)}",
            joined=_html_paragraph,
            between="",
            footer=lambda marker, part, of: f"<p><small>FlowPilot {marker} ({part}/{of})</small></p>",
        ),
        NoteFormat.MARKDOWN: Rendering(
            line=_markdown,
            bullet=lambda line, link: f"- {_markdown(line, link)}",
            joined="\n".join,
            between="\n\n",
            footer=lambda marker, part, of: f"FlowPilot {marker} ({part}/{of})",
        ),
    }
)
"""How each format is written; nothing that people wrote is taken for markup in any of them."""
