"""Looking a text through for secrets: once for all the words that may lead to one, and then around each of them."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

from attrs import define, field, frozen

from . import codes, commands, settings, shapes, tables, words
from .folded import Folded
from .named import named
from .personal import ADDRESS, personal
from .search import Find, Search, search_in_python
from .span import SecretKind, Span
from .value import is_made

MOST_LOOKS: Final = 20_000
"""Places of one text that are looked at closely; what comes after them is not looked through, and so does not leave."""
LONGEST_TEXT: Final = 1024 * 1024
"""Characters of one text that are looked through; the same goes for what comes after them."""

_SPOKEN: Final = (
    *(
        "pass",
        "pwd",
        "cred",
        "kennwort",
        "login",
        "log in",
        "logon",
        "log on",
        "logged",
        "code",
        "secret",
        "sign in",
        "sign-in",
        "default",
        "mot de passe",
    ),
    *(
        "typed",
        "types",
        "typing",
        "capital",
        "lower case",
        "lowercase",
        "upper case",
        "uppercase",
        "spell",
        "case sensitive",
        "changed it to",
        "set it to",
    ),
    *(
        "reset it to",
        "contraseña",
        "hasło",
        "wachtwoord",
        "senha",
        "enters",
        "entered",
        "told him",
        "told her",
        "told me",
        "to use",
        "uses ",
        "use ",
        "wifi",
        "wi-fi",
    ),
    *(
        "wlan",
        "bios",
        "ilo ",
        "idrac",
        "domain join",
        "root",
        "admin",
        "account",
        "prompt",
        "anmeld",
        "zugang",
        "pssession",
        "psk",
        "accepted by",
        "identifiant",
        "clave",
    ),
    *(
        "gross",
        "großbuch",
        "kleinbuch",
        "majuscule",
        "minuscule",
        "maiuscol",
        "changed to",
        "reset to",
        "geändert",
        "zurückgesetzt",
        "runas",
        "rotate",
        "mdp",
        "pw ",
    ),
)
"""What is said where somebody tells a password without calling it one."""
_LONGEST_LINE: Final = 2_000
_MOST_COMMANDS: Final = 8
"""In one line."""
_TOKEN: Final = re.compile(r"[^\s\"'`<>,;|()\[\]{}]{6,60}")
_CAPITAL: Final = re.compile(r"(?=[A-ZÄÖÜ]?[a-zäöüß]{2,20}\d{2,6}$|[A-Za-z\d]{8,24}$)")
_PRODUCT: Final = re.compile(
    r"(?:windows|win|server|office|exchange|sql|event|error|outlook|visual|version|build|studio|ios|macos|ubuntu|debian|sharepoint|"
    r"acrobat|project|visio|word|excel"
    r"|level|step|page|line|room|floor|site|port|vlan|port|azuread|user|pc|laptop|desktop|host|node|router|switch|printer|drucker|"
    r"raum|kasse|client|device|ticket|base|sha|utf)[\w-]{0,12}\d+\w{0,4}",
    re.IGNORECASE,
)

Look = Callable[["_Looking", int, int], None]


@frozen
class Found:
    """What was found in a text."""

    spans: tuple[Span, ...]
    end: int
    """Up to where it was looked through."""
    looks: int
    """At how many places of it."""


@define
class _Looking:
    """One text while it is looked through; what was read once is not read again."""

    text: Folded
    spans: list[Span] = field(factory=list)
    block_to: int = 0
    table_to: int = 0
    table_line: int = -1
    line_to: int = -1
    word_to: int = 0
    commands_to: int = 0
    commands: int = 0

    def command(self, start: int, end: int) -> None:
        """What a command is told; of a line without end, of a few commands in each piece."""
        if start >= self.commands_to:
            line = self.text.text.find("\n", start, start + commands.LONGEST_LINE)
            self.commands_to, self.commands = line if line >= 0 else start + commands.LONGEST_LINE, 0
        self.commands += 1
        if self.commands <= _MOST_COMMANDS:
            self.spans.extend(commands.commanded(self.text, start, end))

    def column(self, start: int, end: int) -> None:
        """Below a heading, where `start` is in one; each line is read as a heading once."""
        if start < self.table_to:
            return
        line = self.text.text.rfind("\n", max(0, start - _LONGEST_LINE), start)
        if (line == self.table_line and line >= 0) or (self.table_line == -2 and line < 0):
            return
        self.table_line = line if line >= 0 else -2
        self.table_to, spans = tables.column(self.text, start, end)
        self.spans += spans

    def speech(self, start: int, _: int) -> None:
        """The words of a line in which somebody speaks of passwords."""
        if start <= self.line_to:
            return
        text = self.text.text
        first = text.rfind("\n", max(0, start - _LONGEST_LINE), start) + 1
        last = text.find("\n", start, start + _LONGEST_LINE)
        last = min(len(text), start + _LONGEST_LINE) if last < 0 else last
        self.line_to = last
        if last - first > _LONGEST_LINE:
            return
        for word in _TOKEN.finditer(text, first, last):
            said = word[0]
            if (shapes.is_made_up(said, shapes.SO_MARKS) and not ADDRESS.fullmatch(said.lower()) and is_made(said)) or (
                _CAPITAL.match(said) and _SURELY.search(self.text.low, first, last) and _is_capital(said)
            ):
                self.spans.append(Span(*word.span(), SecretKind.PASSWORD))

    def sign(self, start: int, _: int) -> None:
        """The word around a sign that made-up words have; each once."""
        if start >= self.word_to:
            self.word_to, span = shapes.made_up_around(self.text, start)
            self.spans += [span] if span else []

    def block(self, start: int, end: int) -> None:
        """A private key; another that begins inside it is a part of it."""
        if start >= self.block_to:
            self.block_to, spans = shapes.block(self.text, start, end)
            self.spans += spans


_SURELY: Final = re.compile(
    r"pass|pwd|cred|kennwort|log(?:ged)?[ ]?(?:in|on)|typ(?:ed|es|ing)|capital|contraseña|hasło|wachtwoord|case|spell|\bmdp|\bpw\b|"
    r"(?:changed|set|reset)[ ](?:it[ ])?to|told[ ]h"
)


def _is_capital(said: str) -> bool:
    """Whether a word is of both cases and digits as people make them: `Sommer2031`."""
    letters = sum(sign.isalpha() for sign in said)
    return (
        len(said) >= 8
        and said[0].isupper()
        and any(sign.islower() for sign in said)
        and any(sign.isdigit() for sign in said)
        and letters >= 3
        and not _PRODUCT.fullmatch(said)
        and not said[1:letters].isupper()
    )


def _each(find: Callable[[Folded, int, int], Iterator[Span]]) -> Look:
    def look(looking: _Looking, start: int, end: int) -> None:
        looking.spans.extend(find(looking.text, start, end))

    return look


def _name(alone: bool) -> Look:
    def look(looking: _Looking, start: int, end: int) -> None:
        looking.spans.extend(named(looking.text, start, end, alone=alone))
        looking.column(start, end)
        nearby = looking.text.low[max(0, start - 24) : start]
        if "-" in nearby or "/" in nearby:
            looking.spans.extend(commands.optioned(looking.text, start, end))

    return look


def _looks() -> Iterator[tuple[tuple[str, ...], Look]]:
    yield words.ANYWHERE, _name(alone=False)
    yield words.ALONE, _name(alone=True)
    yield ("key", "code", "community"), _Looking.column
    yield commands.NAMES, _Looking.command
    yield ("echo ", "printf ", "write-output "), _each(lambda text, start, end: commands.echoed(text, start, end - 1))
    yield ("<<<",), _each(commands.here)
    yield ("/p:", "/rp ", "-rp "), _each(commands.optioned)
    yield settings.WORDS, _each(settings.set_in_line)
    yield settings.PEOPLE, _each(settings.paired)
    yield shapes.STARTS, _each(shapes.shaped)
    yield shapes.BLOCKS, _Looking.block
    yield shapes.MARKS, _Looking.sign
    yield codes.CODES, _each(codes.one_time)
    yield codes.ASKED_FOR, _each(lambda text, start, _: codes.asked_for(text, start))
    yield codes.RECOVERY, _each(lambda text, _, end: codes.recovery(text, end))
    yield codes.SEEDS, _each(lambda text, _, end: codes.authenticator(text, end))
    yield codes.WALLETS, _each(lambda text, _, end: codes.wallet(text, end))
    yield _SPOKEN, _Looking.speech


_SPEECH: Final = (_Looking.speech,)
"""What looks at each line once, however often it is led there."""


@cache
def _leads(search: Search) -> tuple[Find, tuple[tuple[Look, ...], ...]]:
    by_word: dict[str, list[Look]] = {}
    for leads, look in _looks():
        for lead in leads:
            by_word.setdefault(lead, []).append(look)
    return search(list(by_word), each=True), tuple(tuple(looks) for looks in by_word.values())


_SPLIT: Final = re.compile(r"[-=\\+.]{0,2}[ \t]{0,3}\r?\n[ \t>]{0,8}[.]?(?P<v>[A-Za-z0-9+/_=.-]{8,400}+)(?=[ \t]{0,4}(?:\r?\n|$))")
_MOST_PIECES: Final = 50


def found_in(text: str, *, personal_too: bool = False, most: int = MOST_LOOKS, search: Search = search_in_python) -> Found:
    """The secrets of a text, in any order; they may overlap. With `personal_too`, what tells of a person too."""
    end = min(len(text), LONGEST_TEXT)
    folded = Folded.of(text[:end])
    find, looks = _leads(search)
    hits = sorted(find(folded.low), key=lambda hit: hit[1])
    close = [start for lead, start, _ in hits if looks[lead] != _SPEECH]
    if len(close) > most:
        end = folded.place(close[most])
        folded = Folded.of(text[:end])
        hits = [hit for hit in hits if hit[2] <= len(folded.text)]
    looking = _Looking(folded)
    for lead, start, stop in hits:
        for look in looks[lead]:
            look(looking, start, stop)
    for run in shapes.RUN.finditer(folded.text):
        looking.spans.extend(shapes.drawn(folded, *run.span()))
    for match in shapes.CARD.finditer(folded.text):
        if shapes.is_card(re.sub(r"\D", "", match[0])):
            looking.spans.append(Span(*match.span(), SecretKind.CARD))
    for match in codes.WORD_LINE.finditer(folded.text):
        if codes.is_seed(match["v"]):
            looking.spans.append(Span(*match.span("v"), SecretKind.KEY))
    for match in codes.GROUPS.finditer(folded.low):
        if codes.is_grouped_seed(match[0]):
            looking.spans.append(Span(*match.span(), SecretKind.KEY))
    if personal_too:
        looking.spans.extend(personal(folded))
    whole = [_with_rest(folded, span) for span in looking.spans]
    return Found(tuple(Span(folded.place(one.start), folded.place(one.end - 1) + 1, one.kind) for one in whole), end, min(len(close), most))


def _with_rest(text: Folded, span: Span) -> Span:
    """A key that goes on in the next lines, whole."""
    if span.kind not in (SecretKind.TOKEN, SecretKind.KEY) or span.end - span.start < 12:
        return span
    end = span.end
    for _ in range(_MOST_PIECES):
        more = _SPLIT.match(text.text, end, end + 440)
        if more is None or not any(sign.isdigit() for sign in more["v"]) or not any(sign.isalpha() for sign in more["v"]):
            break
        end = more.end("v")
    return Span(span.start, end, span.kind)
