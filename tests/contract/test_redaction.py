"""The redactor keeps its contract, and the page about it says how well it does."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from flowpilot_adapters.redaction import SecretRedactor
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.ports.assistant import Redactor
from flowpilot_core.testing.contracts import RedactorContract
from flowpilot_core.testing.contracts.assistant.redactor import Figures, known
from flowpilot_core.testing.secrets_corpus import held_out, held_out_clean, held_out_personal, without_secrets

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "redaction.md"
KEY = b"a key that only these tests know"


class TestSecretRedactor(RedactorContract):
    @pytest.fixture
    def redact(self) -> Redactor:
        return SecretRedactor(KEY, compute_here)


def test_the_page_tells_what_is_measured() -> None:
    redact = SecretRedactor(KEY, compute_here)
    measured = {
        "secrets, in lines the rules were made after": known(personal=False),
        "secrets, in lines written after the rules": list(held_out(seed=1)),
        "personal data, in lines the rules were made after": known(personal=True),
        "personal data, in lines written after the rules": list(held_out_personal(seed=1)),
    }

    rows = [
        f"| {what} | {len(samples)} | {_percent(figures.recall)} | {_percent(figures.precision)} |"
        for what, samples in measured.items()
        for figures in [Figures.of(redact, samples)]
    ]

    assert [] == [row for row in (*rows, *_untouched(redact)) if row not in PAGE.read_text().splitlines()]


def test_another_key_gives_other_placeholders() -> None:
    here = UUID(int=1)

    assert SecretRedactor(KEY, compute_here)([], within=here)("pin: 4711") != SecretRedactor(KEY[::-1])([], within=here)("pin: 4711")


def _untouched(redact: Redactor) -> Iterator[str]:
    clean = redact([], within=UUID(int=1), personal=True)
    for what, samples in (("known to the rules", list(without_secrets())), ("written after them", list(held_out_clean()))):
        kept = sum(sample.text == clean(sample.text) for sample in samples)
        yield f"| {what} | {len(samples)} | {_percent(kept / len(samples))} |"


def _percent(part: float) -> str:
    return f"{100 * part:.1f} %"
