"""The redactor keeps its contract, and the page about it says how well it does."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar, TypeVarTuple
from uuid import UUID

import pytest

from flowpilot_adapters.computing import WorkerProcesses
from flowpilot_adapters.redaction import SMALL, SecretRedactor
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.domain.assistant.redaction import LEFT_OUT
from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.assistant import Redactor
from flowpilot_core.testing.contracts import RedactorContract
from flowpilot_core.testing.contracts.assistant.redactor import Figures, cleaner, known, words_for_one_taken
from flowpilot_core.testing.secrets_corpus import (
    clean_text,
    clean_text_held_out,
    hard_lines,
    hard_lines_held_out,
    held_out,
    held_out_clean,
    held_out_personal,
    without_secrets,
)

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "redaction.md"
KEY = b"a key that only these tests know"
HERE = UUID(int=1)
ACME, GLOBEX = AccountId(UUID(int=2)), AccountId(UUID(int=3))
LONG = "nothing to see here\n" * SMALL
R = TypeVar("R")
Ts = TypeVarTuple("Ts")


class Counted:
    """Works things out here, and knows for whom and on how many texts."""

    def __init__(self) -> None:
        self.asked: list[tuple[AccountId, int]] = []

    async def __call__(self, account_id: AccountId, work: Callable[[*Ts], R], /, *args: *Ts) -> R:
        plain: tuple[object, ...] = args
        self.asked.append((account_id, len(plain[0]) if isinstance(plain[0], list) else 0))
        await asyncio.sleep(0)
        return work(*args)


async def too_slow(_: AccountId, work: Callable[[*Ts], R], /, *args: *Ts) -> R:
    raise Unavailable("worker process") from TimeoutError()


async def too_busy(_: AccountId, work: Callable[[*Ts], R], /, *args: *Ts) -> R:
    raise Unavailable("worker process", retry_after=5)


class TestSecretRedactor(RedactorContract):
    @pytest.fixture
    def redact(self) -> Redactor:
        return SecretRedactor(KEY, compute_here)


def test_the_page_tells_what_is_measured() -> None:
    redact = SecretRedactor(KEY, compute_here)
    measured = {
        "secrets, in lines the rules were made after": known(personal=False),
        "secrets, in lines written after the rules": list(held_out(seed=1)),
        "secrets, in hard lines the rules were written from": list(hard_lines(seed=1)),
        "secrets, in hard lines that no rule was written from": list(hard_lines_held_out(seed=1)),
        "personal data, in lines the rules were made after": known(personal=True),
        "personal data, in lines written after the rules": list(held_out_personal(seed=1)),
    }

    rows = [
        f"| {what} | {len(samples)} | {_percent(figures.recall)} | {_percent(figures.precision)} |"
        for what, samples in measured.items()
        for figures in [Figures.of(redact, samples)]
    ]

    assert [] == [row for row in (*rows, *_untouched(redact), *_taken(redact)) if row not in PAGE.read_text().splitlines()]


def test_another_key_gives_other_placeholders() -> None:
    here, there = SecretRedactor(KEY, compute_here), SecretRedactor(KEY[::-1], compute_here)

    assert cleaner(here, [])("pin: 4711") != cleaner(there, [])("pin: 4711")


async def test_all_who_are_told_of_a_case_at_once_share_what_was_found() -> None:
    """A55: it is looked through once, and not once for each mail, webhook and note."""
    compute = Counted()
    redact = SecretRedactor(KEY, compute)

    cleans = await asyncio.gather(*(redact.cleaner(ACME, ["password: kettlemoss", LONG], within=HERE) for _ in range(12)))

    assert [(ACME, 2)] == compute.asked
    assert not [clean for clean in cleans if "kettlemoss" in clean("typed kettlemoss twice")]


async def test_a_change_of_a_case_costs_what_changed() -> None:
    compute = Counted()
    redact = SecretRedactor(KEY, compute)

    await redact.cleaner(ACME, [LONG, "first"], within=HERE)
    await redact.cleaner(ACME, [LONG, "first", "second"], within=HERE)

    assert [(ACME, 2), (ACME, 1)] == compute.asked


async def test_nothing_that_was_found_for_one_account_is_used_for_another() -> None:
    compute = Counted()
    redact = SecretRedactor(KEY, compute)

    await redact.cleaner(ACME, [LONG], within=HERE)
    await redact.cleaner(GLOBEX, [LONG], within=HERE)

    assert [(ACME, 1), (GLOBEX, 1)] == compute.asked


async def test_what_is_remembered_is_bounded_in_bytes() -> None:
    """A55: of small texts many, of large findings few."""
    compute = Counted()
    redact = SecretRedactor(KEY, compute, most_bytes=50_000)
    many = "\n".join(f"password: kettle{number}moss" for number in range(1_000))

    for _ in range(2):
        await redact.cleaner(ACME, [LONG], within=HERE)
    for _ in range(2):
        await redact.cleaner(ACME, [many], within=HERE)

    assert [(ACME, 1)] * 3 == compute.asked


async def test_of_a_case_that_takes_too_long_only_word_of_it_leaves() -> None:
    """A55: what tells of it goes on its way all the same."""
    clean = await SecretRedactor(KEY, too_slow).cleaner(ACME, [LONG], within=HERE)

    assert LEFT_OUT == clean("typed kettlemoss twice")


async def test_who_has_too_much_in_line_comes_again() -> None:
    with pytest.raises(Unavailable):
        await SecretRedactor(KEY, too_busy).cleaner(ACME, [LONG], within=HERE)


async def test_a_large_case_is_redacted_in_another_process_as_it_is_here() -> None:
    redact, apart = SecretRedactor(KEY, compute_here), SecretRedactor(KEY, WorkerProcesses())
    plain: dict[str, Plain] = {"id": "password: kettlemoss", "steps": [LONG, "typed kettlemoss twice"], "count": 3}
    texts = ["password: kettlemoss", LONG]

    here = await redact.cleaned(ACME, plain, await redact.cleaner(ACME, texts, within=HERE))
    there = await apart.cleaned(ACME, plain, await apart.cleaner(ACME, texts, within=HERE))

    assert here == there
    assert "kettlemoss" not in str(there["steps"])
    assert (plain["id"], plain["count"]) == (there["id"], there["count"])


def _untouched(redact: Redactor) -> Iterator[str]:
    clean = cleaner(redact, [], personal=True)
    for what, samples in (("known to the rules", list(without_secrets())), ("written after them", list(held_out_clean()))):
        kept = sum(sample.text == clean(sample.text) for sample in samples)
        yield f"| {what} | {len(samples)} | {_percent(kept / len(samples))} |"


def _taken(redact: Redactor) -> Iterator[str]:
    clean = cleaner(redact, [])
    pages = "\n".join(page.read_text() for page in sorted(PAGE.parent.glob("*.md")) if page != PAGE)
    for what, text in (
        ("tickets, logs, settings and commands", clean_text()),
        ("more of them, written after the rules", clean_text_held_out()),
    ):
        yield f"| {what} | {len(text.split())} | {words_for_one_taken(clean, text):.0f} |"
    assert words_for_one_taken(clean, pages) >= 500


def _percent(part: float) -> str:
    return f"{100 * part:.1f} %"
