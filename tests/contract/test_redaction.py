"""The redactor keeps its contract, and the page about it says how well it does."""

from pathlib import Path
from uuid import UUID

import pytest

from flowpilot_adapters.redaction import SecretRedactor
from flowpilot_core.ports.redactor import Redactor
from flowpilot_core.testing.contracts import RedactorContract
from flowpilot_core.testing.contracts.redactor import leaked
from flowpilot_core.testing.secrets_corpus import held_out, with_secrets, without_secrets

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "redaction.md"
KEY = b"a key that only these tests know"


class TestSecretRedactor(RedactorContract):
    @pytest.fixture
    def redact(self) -> Redactor:
        return SecretRedactor(KEY)


def test_the_page_tells_what_is_measured() -> None:
    redact, here = SecretRedactor(KEY), UUID(int=1)
    known = [sample for seed in range(5) for sample in with_secrets(seed)]
    new = list(held_out(seed=1))
    clean = list(without_secrets())
    kept = sum(sample.text == redact([], within=here, personal=True)(sample.text) for sample in clean)

    rows = [
        f"| lines the rules were made after | {len(known)} | {_percent(sum(not leaked(redact, sample) for sample in known), len(known))} |",
        f"| lines written after the rules | {len(new)} | {_percent(sum(not leaked(redact, sample) for sample in new), len(new))} |",
        f"| lines without a secret, left as they are | {len(clean)} | {_percent(kept, len(clean))} |",
    ]

    assert [] == [row for row in rows if row not in PAGE.read_text().splitlines()]


def test_another_key_gives_other_placeholders() -> None:
    here = UUID(int=1)

    assert SecretRedactor(KEY)([], within=here)("pin: 4711") != SecretRedactor(KEY[::-1])([], within=here)("pin: 4711")


def _percent(part: int, of: int) -> str:
    return f"{100 * part / of:.1f} %"
