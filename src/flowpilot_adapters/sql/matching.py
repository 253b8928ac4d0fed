"""Texts that are matched by patterns: what a query asks for, as the database's regular expressions say it."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY

from flowpilot_core.domain.kernel.query import Query, Term

_WANTED: Final = func.unnest(bindparam("wanted", type_=ARRAY(Text()))).column_valued("wanted_pattern")
_UNWANTED: Final = func.unnest(bindparam("unwanted", type_=ARRAY(Text()))).column_valued("unwanted_pattern")


def fits(*texts: ColumnElement[Any]) -> tuple[ColumnElement[bool], ...]:
    """As `Query.fits` says, of what `fitting` gives."""
    text = func.normalize(func.concat_ws(" ", *texts), literal_column("NFKC"))
    return (
        ~select(_WANTED).where(~text.op("~*")(_WANTED)).exists(),
        ~select(_UNWANTED).where(text.op("~*")(_UNWANTED)).exists(),
    )


def fitting(query: Query | None) -> dict[str, Any]:
    """What says to `fits` what is asked for."""
    if query is None:
        return {"wanted": [], "unwanted": []}
    return {
        "wanted": [pattern(term) if term.word is None else _letters(term.word) for term in query.terms],
        "unwanted": [pattern(term) for term in query.without],
    }


def pattern(term: Term) -> str:
    """How its words are written, whatever stands between them."""
    return standing([_following(term.words)])


def standing(patterns: Iterable[str]) -> str:
    """Any of these, where no letter goes before or comes after."""
    return f"(?<![[:alnum:]])({'|'.join(patterns)})(?![[:alnum:]])"


def any_run(runs: Collection[Sequence[str]]) -> str | None:
    """Any of these, the words of each one after the other; None where there is none."""
    return standing(map(_following, runs)) if runs else None


def any_word(words: Iterable[str]) -> str:
    """Any of these words, wherever it stands."""
    return standing(sorted(map(_letters, words)))


def _following(words: Sequence[str]) -> str:
    return "[^[:alnum:]]+".join(map(_letters, words))


def _letters(word: str) -> str:
    # Folded, these two are written alike, and the database tells them apart.
    return re.escape(word).replace("ss", "(ss|ß)")
