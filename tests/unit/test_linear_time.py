"""Whatever reads text from outside takes time in proportion to it, whoever wrote the text (A57).

The patterns are found in the code, and what is tried on each is made from what it is itself: parts of what it matches, over and over,
nested and unclosed.
"""

import ast
import base64
import difflib
import email.utils
import gc
import html
import importlib
import ipaddress
import json
import re
import textwrap
import unicodedata
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from re import Pattern
from time import thread_time
from typing import Any, Final, cast

import attrs
import pytest

from flowpilot_adapters.psa.vendor_json import LONGEST_MARKUP, plain, read, unescaped
from flowpilot_core.domain.assistant.doings import doings, is_remedy
from flowpilot_core.domain.assistant.evidence_marks import error_codes, hosts
from flowpilot_core.domain.assistant.known_symptoms import SIGNS
from flowpilot_core.domain.handoffs.case_file import FiledStep
from flowpilot_core.domain.insights.search import snippet
from flowpilot_core.domain.kernel.identifiers import PsaPostId
from flowpilot_core.domain.kernel.plain_text import plain_text
from flowpilot_core.domain.kernel.query import Query
from flowpilot_core.domain.kernel.text import PROSE as LONGEST_TEXT
from flowpilot_core.domain.kernel.text import mended
from flowpilot_core.domain.kernel.words import things
from flowpilot_core.domain.outputs.document import as_markdown, as_note, as_page
from flowpilot_core.domain.psa.note import parts
from flowpilot_core.domain.psa.vendor import NoteFormat
from flowpilot_core.domain.sessions.step import StepKind, StepResult
from flowpilot_core.testing.builders import NOON, new_id
from flowpilot_http.sending import give_large_pieces_back

_parser: Final[Any] = importlib.import_module("re._parser")
SRC: Final = Path(__file__).parents[2] / "src"
NOT_FROM_OUTSIDE: Final = ("flowpilot_core.testing", "flowpilot_http.cli.demo")
"""What is for tests alone, and what reads the mails that it sent itself."""
LARGEST: Final = 256 * 1024
"""Characters: what one step's evidence may have. Nothing but a vendor's answer is longer."""
LARGEST_ANSWER: Final = 4 * 1024 * 1024
SMALL: Final = 1024
MOST_PER_DOUBLING: Final = 2.5
NOTICEABLE: Final = 0.002
"""Seconds below which nothing is measured well."""
LONG: Final = 0.05
"""Seconds above which once is enough."""
ENOUGH: Final = 3
"""Doublings in a row that say how something grows."""
LARGEST_NOTE: Final = 3 * LONGEST_TEXT
LARGEST_HEAD: Final = 64 * 1024
"""What stands in the head of a request, or an answer."""
LARGEST_ADDRESS: Final = 512
"""Of mail: what is longer is no address."""
OF_OPERATORS: Final = 4096
"""What an operator sets."""
READ_TEXT: Final = frozenset(
    ("base64", "csv", "difflib", "email", "email.utils", "html", "html.parser", "ipaddress", "json", "shlex", "textwrap", "tomllib",
     "unicodedata", "urllib.parse", "xml.etree.ElementTree")
)  # fmt: skip
"""Modules with functions that read text."""
WRITE: Final = frozenset(
    ("base64.b32encode", "base64.b64encode", "base64.urlsafe_b64encode", "csv.field_size_limit", "csv.writer",
     "email.utils.format_datetime", "json.dumps",
     "shlex.quote", "unicodedata.bidirectional", "unicodedata.category", "unicodedata.combining", "unicodedata.decomposition",
     "unicodedata.is_normalized",
     "unicodedata.name", "urllib.parse.urlunsplit")
)  # fmt: skip
"""Those that do not, or read a character."""
OF_RE: Final = frozenset(
    f"re.{name}" for name in ("compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer")
)
_WHOLE: Final = frozenset({"match", "fullmatch"})


def _modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(SRC.rglob("*.py")):
        name = ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")
        if not name.startswith(NOT_FROM_OUTSIDE) and "versions" not in path.parts:
            yield name, path


def _calls_of_re(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in OF_RE:
            yield node


def _reachable(value: object, depth: int = 4) -> Iterator[Pattern[Any]]:
    """The patterns in a value, and in what it holds."""
    if isinstance(value, Pattern):
        yield value
    elif depth and isinstance(value, Mapping):
        for one in (*value.keys(), *value.values()):
            yield from _reachable(one, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _reachable(one, depth - 1)
    elif depth and attrs.has(type(value)):
        for one in attrs.fields(cast("type[attrs.AttrsInstance]", type(value))):
            yield from _reachable(getattr(value, one.name, None), depth - 1)


def _methods(tree: ast.AST, name: str) -> frozenset[str]:
    """What is asked of a pattern in its module, by its name."""
    return frozenset(
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node.value))
        and hasattr(Pattern, node.attr)
    )


def _patterns() -> dict[str, tuple[Pattern[Any], frozenset[str]]]:
    """Every pattern in the code with what it is used for, by the name of its module and what is written there."""
    found: dict[str, tuple[Pattern[Any], frozenset[str]]] = {}
    for module, path in _modules():
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        calls = list(_calls_of_re(tree))
        if not calls:
            continue
        held = vars(importlib.import_module(module))
        compiled = 0
        for name, value in held.items():
            if getattr(value, "__module__", module) == module or not attrs.has(type(value)):
                for number, pattern in enumerate(_reachable(value)):
                    compiled += 1
                    if pattern not in {known for known, _ in found.values()} or isinstance(value, Pattern):
                        found[f"{module}.{name}[{number}]"] = pattern, _methods(tree, name)
        for call in calls:
            if call.func.attr != "compile":  # type: ignore[attr-defined]
                pattern = re.compile(ast.literal_eval(call.args[0]))
                found[f"{module}:{call.lineno}"] = pattern, frozenset({call.func.attr})  # type: ignore[attr-defined]
        to_compile = sum(call.func.attr == "compile" for call in calls)  # type: ignore[attr-defined]
        assert compiled >= to_compile, f"{module} compiles {to_compile} patterns, and {compiled} of them are constants of it"
    return found


PATTERNS: Final = _patterns()


def _samples(parsed: Any) -> list[str]:
    """Some texts that a parsed pattern matches, or nearly: with as little repeated as may be, and once more."""
    told = [""]
    for op, argument in parsed:
        told = [f"{before}{after}" for before in told for after in _of(op, argument)][:24]
    return told


def _of(op: Any, argument: Any) -> list[str]:
    name = str(op)
    if name == "LITERAL":
        return [chr(argument)]
    if name == "NOT_LITERAL":
        return [" " if argument != 32 else "a"]
    if name == "ANY":
        return ["a"]
    if name == "IN":
        return _one_of(argument)
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        fewest, most, inner = argument
        inside = _samples(inner)[:6]
        least = [one * fewest for one in inside[:2]] or [""]
        more = [one * (fewest + 1) for one in inside] if most > fewest else []
        return list(dict.fromkeys((*more, *least)))[:8]
    if name == "SUBPATTERN":
        return _samples(argument[3])
    if name == "ATOMIC_GROUP":
        return _samples(argument)
    if name == "BRANCH":
        return list(dict.fromkeys(sample for branch in argument[1] for sample in _samples(branch)[:2]))[:12]
    return [""]


def _one_of(members: Iterable[Any]) -> list[str]:
    found: list[str] = []
    negated: set[int] = set()
    unlike = False
    for op, argument in members:
        name = str(op)
        if name == "NEGATE":
            unlike = True
        elif name == "LITERAL":
            found.append(chr(argument))
            negated.add(argument)
        elif name == "RANGE":
            found.append(chr(argument[0]))
            negated.update(range(argument[0], min(argument[1], argument[0] + 512) + 1))
        elif name == "CATEGORY":
            found.append({"CATEGORY_DIGIT": "0", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a"}.get(str(argument), "-"))
    if unlike:
        return [one for one in ("a", " ", "0", "-", "<") if ord(one) not in negated and one not in found][:2] or ["é"]
    return list(dict.fromkeys(found))[:3]


def _inputs(pattern: Pattern[Any]) -> tuple[tuple[str, str, str], ...]:
    """What to try: something first, something over and over, and something last."""
    flags = pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    samples = list(dict.fromkeys(one for one in _samples(_parser.parse(pattern.pattern, flags)) if one))[:16]
    starts = list(
        dict.fromkeys(one[:length] for one in samples for length in (1, 2, 3, 4, len(one) // 2, len(one) - 1, len(one)) if one[:length])
    )
    letters = list(dict.fromkeys("".join(samples)))[:8]
    tried = [("", start, "") for start in starts[:20]]
    tried += [("", start + " ", "") for start in starts[:4]]
    tried += [(start, letter, "\x01") for start in starts[1:3] for letter in letters[:4]]
    tried += [("", letter, "\x01") for letter in (*letters[:6], " ", "a", "0", "\n")]
    return tuple(dict.fromkeys(tried))


@pytest.fixture(autouse=True, scope="module")
def one_way_to_get_memory() -> None:
    """As where texts are read for real: what the tests before have freed would decide from which size on memory is slower to get."""
    give_large_pieces_back()


@pytest.fixture(autouse=True)
def nothing_but_the_reading() -> Iterator[None]:
    """A look for garbage goes through all that other tests have left, from some number of new objects on."""
    gc.disable()
    yield
    gc.enable()


def _made(tried: tuple[str, str, str], size: int) -> str:
    first, over_and_over, last = tried
    return f"{first}{over_and_over * max(1, size // len(over_and_over))}{last}"


def _seconds(read: Callable[[str], object], text: str, *, times: int = 1) -> float:
    best = float("inf")
    for _ in range(times):
        began = thread_time()
        read(text)
        best = min(best, thread_time() - began)
        if best > LONG:
            break
    return best


def _first_slow(read: Callable[[str], object], inputs: Iterable[tuple[str, str, str]], largest: int = LARGEST) -> str | None:
    """How much more than in proportion it takes for one of the inputs, if it does.

    All are looked at small, and closely where that gives reason to; the one that takes longest, up to the largest that can arrive.
    """
    longest, worst = 0.0, ("", "a", "")
    for tried in inputs:
        first, second = (_seconds(read, _made(tried, size), times=2) for size in (SMALL, 4 * SMALL))
        if second > longest:
            longest, worst = second, tried
        if second > max(NOTICEABLE, MOST_PER_DOUBLING**2 * first) and (said := _grown(read, tried, from_=SMALL, to=largest)):
            return said
    return _grown(read, worst, from_=largest // 4, to=largest)


def _grown(read: Callable[[str], object], tried: tuple[str, str, str], *, from_: int, to: int) -> str | None:
    """That it takes too much more for a longer input, each time it is made twice as long; measured anew where it seems so.

    What is done from some length on (a note in several parts, more memory than is kept) takes longer there, for a doubling or two. What
    grows too fast goes on to, and at the longest that can arrive it is looked at longer ones too.
    """
    for times in (2, 4, 8):
        size, before, in_a_row = from_, _seconds(read, _made(tried, from_), times=times), 0
        while in_a_row < ENOUGH and (size < to or in_a_row):
            size *= 2
            took = _seconds(read, _made(tried, size), times=times)
            in_a_row = in_a_row + 1 if took > max(NOTICEABLE, MOST_PER_DOUBLING * before) else 0
            before, growth = took, took / before
        if in_a_row < ENOUGH:
            return None
    return f"{tried!r}: {size} characters took {before:.3f} s, {growth:.1f} times as long as half of them, and so from {size >> ENOUGH} on"


def _reading(pattern: Pattern[Any], methods: frozenset[str]) -> Callable[[str], object]:
    """As the code asks it: for what stands at the beginning, or for everything that is anywhere in a text."""
    as_it_takes = str.encode if isinstance(pattern.pattern, bytes) else str
    if methods and methods <= _WHOLE:
        return lambda text: [getattr(pattern, method)(as_it_takes(text)) for method in methods]
    return lambda text: sum(1 for _ in pattern.finditer(as_it_takes(text)))


def _tried_with(*texts: str) -> tuple[tuple[str, str, str], ...]:
    """Each over and over, by itself and after another."""
    return (*(("", one, "") for one in texts), *((first, one, "\x01") for first in texts[:3] for one in texts[:6]))


MARKUP: Final = _tried_with(
    "<", "<br", "</p ", "< ", "<!--",
    "<!-- -->", "-->", "<a b=1 ", "<b><i>", "</", "<!", "<?", "<p>x", "&#", "&#9", "9", "&amp;", "&", "--", ">"
)  # fmt: skip
PROSE: Final = _tried_with(
    "[", "]", "](", "[]", "![", "[a](", "[a]: ", "<a ", "<!--",
    "(", " ", "\n", "\n \n", "\t", ".", "a", "A1", "a ", "aa bb ", "- a\n", "## a\n",
    "http://a", "www.", "*", "0.", "é",
)  # fmt: skip


def _tolerant(read: Callable[[str], object]) -> Callable[[str], object]:
    """What refuses a text has read it."""

    def reading(text: str) -> None:
        with suppress(ValueError, TypeError, IndexError, RecursionError):
            read(text)

    return reading


def _notes(format: NoteFormat) -> Callable[[str], object]:
    return lambda text: parts(text, format=format, longest=8_000, post_id=PsaPostId(new_id()), link="https://fp.example.test")


def _about(step: str) -> FiledStep:
    return FiledStep(id="1", branch_id="1", number=1, kind=StepKind.ACTION, content=step, result=StepResult.FAILED, evidence=step, at=NOON)


OURS: Final[Mapping[str, tuple[Callable[[str], object], tuple[tuple[str, str, str], ...], int]]] = {
    "a vendor's note": (plain, MARKUP, LARGEST_ANSWER),
    "a vendor's text": (unescaped, MARKUP, LARGEST_ANSWER),
    "plain text": (lambda text: plain_text(text, most=LARGEST), (*MARKUP, *PROSE), LARGEST),
    "an output as it is posted": (as_note, PROSE, LARGEST),
    "an output as Markdown": (lambda text: as_markdown("", text), PROSE, LARGEST),
    "an output as a page": (lambda text: as_page("", text), PROSE, LARGEST),
    "a plain note": (_notes(NoteFormat.PLAIN), PROSE, LARGEST_NOTE),
    "a note in HTML": (_notes(NoteFormat.HTML), PROSE, LARGEST_NOTE),
    "a note in Markdown": (_notes(NoteFormat.MARKDOWN), PROSE, LARGEST_NOTE),
    "words": (things, PROSE, LARGEST),
    "a snippet": (lambda text: snippet(text, Query.parsed("a-a-a-b restarted")), (*PROSE, ("", "a ", ""), ("", "a-a-", "b")), LARGEST),
    "what a text does": (lambda text: list(doings(text)), PROSE, LARGEST),
    "codes": (lambda text: error_codes([_about(text)]), PROSE, LARGEST),
    "machines": (lambda text: hosts([_about(text)]), PROSE, LARGEST),
    "whether it is a remedy": (lambda text: is_remedy(_about(text)), PROSE, LARGEST),
    "a mended text": (mended, _tried_with("a", "\0", "\ud800", "é"), LARGEST_ANSWER),
}
"""What reads a text in more than one go, with what to try and the longest that can arrive."""
LIBRARY: Final[Mapping[str, tuple[Callable[[str], object], tuple[tuple[str, str, str], ...], int]]] = {
    "base64.b32decode": (_tolerant(lambda text: base64.b32decode(text.encode())), _tried_with("A", "=", "a"), LARGEST),
    "base64.b64decode": (_tolerant(lambda text: base64.b64decode(text.encode())), _tried_with("A", "=", "\n"), LARGEST),
    "base64.urlsafe_b64decode": (_tolerant(lambda text: base64.urlsafe_b64decode(text.encode())), _tried_with("A", "=", "-"), LARGEST),
    "difflib.get_close_matches": (lambda text: difflib.get_close_matches(text, ["FLOWPILOT_A"]), _tried_with("A"), OF_OPERATORS),
    "email.utils.parsedate_to_datetime": (
        _tolerant(email.utils.parsedate_to_datetime),
        _tried_with("a", ",", " ", "(", "1 ", ":"),
        LARGEST_HEAD,
    ),
    "html.escape": (html.escape, MARKUP, LARGEST),
    "html.unescape": (_tolerant(html.unescape), MARKUP, LARGEST_ANSWER),
    "ipaddress.ip_address": (_tolerant(ipaddress.ip_address), _tried_with("1.", "1:", ":", "::", "f"), LARGEST_HEAD),
    "ipaddress.ip_network": (_tolerant(ipaddress.ip_network), _tried_with("1.", "1:", "/"), OF_OPERATORS),
    "json.loads": (_tolerant(json.loads), _tried_with("[", "[]", '{"a":', '"', "\\u0000", '"a",', "1", " ", "1e", "-"), LARGEST_ANSWER),
    "textwrap.wrap": (lambda text: textwrap.wrap(text, 80), _tried_with("a", "a ", "-", "a-", "\n"), OF_OPERATORS),
    "unicodedata.normalize": (
        lambda text: unicodedata.normalize("NFKC", text),
        _tried_with("a", "\u0301", "\u0316\u0301"),
        LARGEST_ADDRESS,
    ),
    "urllib.parse.parse_qs": (urllib.parse.parse_qs, _tried_with("a=b&", "&", "%", "%41", "=", "a", "+"), LARGEST_HEAD),
    "urllib.parse.parse_qsl": (urllib.parse.parse_qsl, _tried_with("a=b&", "&", "%", "%41", "=", "a", "+"), LARGEST_HEAD),
    "urllib.parse.quote": (urllib.parse.quote, _tried_with("a", "é", "%", "/"), LARGEST_HEAD),
    "urllib.parse.unquote": (urllib.parse.unquote, _tried_with("a", "%", "%41", "%c3"), OF_OPERATORS),
    "urllib.parse.urlencode": (lambda text: urllib.parse.urlencode({"a": text}), _tried_with("a", "é", "%"), LARGEST_HEAD),
    "urllib.parse.urlsplit": (
        _tolerant(urllib.parse.urlsplit),
        _tried_with("a", ":", "/", "//", "[", "]", "@", "?", "#", "\t"),
        LARGEST_HEAD,
    ),
}
"""What our code has others read: each function of a module that reads text, with the longest that comes to it."""
OF_A_FILE: Final = frozenset({"csv.reader", "tomllib.loads"})
"""What an operator gives a command of theirs, which keeps nobody else waiting."""


def _names_in(tree: ast.Module) -> Iterator[str]:
    """Functions of the modules that read text, as the code names them."""
    imported = {one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names} & READ_TEXT
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in READ_TEXT and not node.level:
            yield from (f"{node.module}.{one.name}" for one in node.names if one.name[0].islower())
        if isinstance(node, ast.Attribute) and (name := ast.unparse(node.value)) in imported and node.attr[0].islower():
            yield f"{name}.{node.attr}"


def test_every_pattern_in_the_code_is_found() -> None:
    assert 100 < len(PATTERNS)
    assert {sign.looks for sign in SIGNS} <= {pattern for pattern, _ in PATTERNS.values()}


def test_everything_that_reads_text_for_us_is_tried() -> None:
    used = {name for _, path in _modules() for name in _names_in(ast.parse(path.read_text(encoding="utf-8")))}

    assert set(LIBRARY) | OF_A_FILE == used - WRITE


@pytest.mark.parametrize(
    "slow",
    [
        r"<[^>]*>",
        r"<\s*(?:br|/p)[^>]*>",
        r"\[(?=[^\]]*\]\s*:)",
        r"[^\s@]+@",
        r" *\n[ \n]*",
    ],
)
def test_what_is_tried_shows_a_pattern_that_takes_more_than_its_share(slow: str) -> None:
    pattern = re.compile(slow)

    assert _first_slow(_reading(pattern, frozenset()), _inputs(pattern), 4 * SMALL)


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_takes_time_in_proportion_to_the_text(name: str) -> None:
    pattern, methods = PATTERNS[name]

    assert None is _first_slow(_reading(pattern, methods), _inputs(pattern))


@pytest.mark.parametrize("name", [*OURS, *LIBRARY])
def test_a_reader_takes_time_in_proportion_to_the_text(name: str) -> None:
    read, inputs, largest = OURS.get(name) or LIBRARY[name]

    assert None is _first_slow(read, inputs, largest)


@pytest.mark.parametrize(
    ("markup", "said"),
    [
        ("<p>One</p><p>two<br/>three</p>", "One\ntwo\nthree"),
        ("<BR><td class='a>b'>x</td>", "b'>x"),
        ("if a < b and c > d", "if a < b and c > d"),
        ("before<!-- <p>not</p> > this -->after", "beforeafter"),
        ("cut <b in its middle", "cut <b in its middle"),
        ("&lt;b&gt; &amp; &#65;&#99999999999;", "<b> & A\ufffd"),
        ("&#" + "9" * 5000, "\ufffd"),
    ],
)
def test_a_note_in_html_is_read_without_its_markup(markup: str, said: str) -> None:
    assert said == plain(markup)


def test_a_note_that_is_read_in_part_says_so() -> None:
    assert "Print…" == read(f"Print{'<b></b>' * LONGEST_MARKUP}er", plain)
    assert "Printer" == read("<p>Printer</p>", plain)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("[a]: http://x", "\\[a]: http://x"),
        ("[[a] :", "\\[\\[a] :"),
        ("[a] and [b]", "[a] and [b]"),
        ("[a", "[a"),
        ("![a](b)", "\\![a]\\(b)"),
        ("![a]: b", "\\!\\[a]: b"),
    ],
)
def test_nothing_in_a_markdown_note_becomes_a_link(written: str, shown: str) -> None:
    (note,) = parts(written, format=NoteFormat.MARKDOWN, longest=8_000, post_id=PsaPostId(new_id()))

    assert shown == note.split("\n")[0]
