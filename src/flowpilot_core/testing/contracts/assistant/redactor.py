"""What every redactor must do: subclass `RedactorContract` and override its fixture."""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import pytest
from attrs import frozen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowpilot_core.domain.assistant.redaction import LEFT_OUT
from flowpilot_core.domain.assistant.secrets.span import SecretKind
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.assistant import Clean, Redactor
from flowpilot_core.testing.secrets_corpus import (
    Sample,
    clean_text,
    clean_text_held_out,
    hard_lines,
    hard_lines_held_out,
    held_out,
    held_out_personal,
    with_secrets,
    without_secrets,
)

HERE = UUID(int=1)
ELSEWHERE = UUID(int=2)
ACME = AccountId(UUID(int=3))

STATELESS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
"""One redactor serves all examples of a test."""
LEAST_RECALL_ON_NEW, LEAST_PERSONAL_RECALL_ON_NEW = 0.85, 0.75
"""Of lines that no rule was made after."""
LEAST_PRECISION = 0.98
LEAST_OF_HARD_LINES, LEAST_OF_HARD_LINES_ON_NEW = 0.97, 0.92
FEWEST_WORDS_FOR_ONE_TAKEN = 500
"""Of clean text, for each word that is taken out of it."""
PLACEHOLDER = re.compile(rf"\[(?:{'|'.join(SecretKind)}) [0-9a-f]{{6}}\]")


def cleaner(redact: Redactor, texts: Sequence[str], *, within: UUID = HERE, personal: bool = False) -> Clean:
    """What takes out of any text whatever is a secret in `texts`, of an account that only this suite has."""
    return asyncio.run(redact.cleaner(ACME, texts, within=within, personal=personal))


@frozen(kw_only=True)
class Figures:
    """How well samples were redacted."""

    samples: int
    found: int
    """Samples of which no secret is left."""
    secrets: int
    """How many these had."""
    taken: int
    """Placeholders that stand in all of them now."""

    @classmethod
    def of(cls, redact: Redactor, samples: Sequence[Sample]) -> "Figures":
        """A sample counts as redacted if none of its secrets is left."""
        left = [cleaner(redact, [], personal=sample.personal)(sample.text) for sample in samples]
        found = [sample for sample, text in zip(samples, left, strict=True) if not any(secret in text for secret in sample.secrets)]
        return cls(
            samples=len(samples),
            found=len(found),
            secrets=sum(len(sample.secrets) for sample in found),
            taken=sum(len(PLACEHOLDER.findall(text)) for text in left),
        )

    @property
    def recall(self) -> float:
        """How much of what is secret was taken out."""
        return self.found / self.samples

    @property
    def precision(self) -> float:
        """How much of what was taken out is secret."""
        return min(1.0, self.secrets / self.taken)


def words_for_one_taken(clean: Clean, text: str) -> float:
    """How many words of a clean text there are for each that is taken out of it."""
    words, left = text.split(), clean(text)
    kept = Counter(left.split())
    return len(words) / max((Counter(words) - kept).total(), 1)


def known(*, personal: bool) -> list[Sample]:
    """Lines that the rules were made after."""
    return [sample for seed in range(5) for sample in with_secrets(seed) if sample.personal is personal]


def leaked(redact: Redactor, sample: Sample) -> list[str]:
    """Which of the secrets of a sample are still in what is left of it."""
    left = cleaner(redact, [], personal=sample.personal)(sample.text)
    return [secret for secret in sample.secrets if secret in left]


class RedactorContract:
    """The suite. It needs no store."""

    @pytest.fixture
    def redact(self) -> Redactor:
        raise NotImplementedError("override this fixture with the redactor under test")

    @pytest.mark.parametrize("seed", range(5))
    def test_no_secret_of_the_corpus_is_left(self, redact: Redactor, seed: int) -> None:
        assert [] == [sample.text for sample in with_secrets(seed) if leaked(redact, sample)]

    def test_most_secrets_in_lines_that_no_rule_was_made_after_are_found(self, redact: Redactor) -> None:
        assert Figures.of(redact, list(held_out(seed=1))).recall >= LEAST_RECALL_ON_NEW
        assert Figures.of(redact, list(held_out_personal(seed=1))).recall >= LEAST_PERSONAL_RECALL_ON_NEW

    def test_hard_lines_that_an_engineer_might_paste_hold_no_secret(self, redact: Redactor) -> None:
        """A56: most of those that the rules were written from, and most of those that they were not."""
        assert Figures.of(redact, list(hard_lines(seed=1))).recall >= LEAST_OF_HARD_LINES
        assert Figures.of(redact, list(hard_lines_held_out(seed=1))).recall >= LEAST_OF_HARD_LINES_ON_NEW

    @pytest.mark.parametrize("text", [clean_text(), clean_text_held_out()], ids=["known to the rules", "new"])
    def test_hardly_a_word_of_clean_text_is_taken(self, redact: Redactor, text: str) -> None:
        assert words_for_one_taken(cleaner(redact, []), text) >= FEWEST_WORDS_FOR_ONE_TAKEN

    @pytest.mark.parametrize("personal", [False, True])
    def test_little_else_is_taken_out(self, redact: Redactor, personal: bool) -> None:
        new = held_out_personal(seed=1) if personal else held_out(seed=1)

        assert Figures.of(redact, known(personal=personal)).precision >= LEAST_PRECISION
        assert Figures.of(redact, list(new)).precision >= LEAST_PRECISION

    @pytest.mark.parametrize("personal", [False, True])
    def test_what_only_looks_like_a_secret_stays(self, redact: Redactor, personal: bool) -> None:
        texts = [sample.text for sample in without_secrets()]

        assert texts == [*map(cleaner(redact, [], personal=personal), texts)]

    def test_personal_data_stays_unless_it_is_to_go(self, redact: Redactor) -> None:
        text = "mailbox of jo.doe@acme.example is full, call +49 30 1234 5678"

        assert text == cleaner(redact, [])(text)
        assert "acme" not in cleaner(redact, [], personal=True)(text)

    def test_one_secret_has_one_placeholder_in_a_case_and_another_elsewhere(self, redact: Redactor) -> None:
        first = cleaner(redact, [])("password: Winter!2031")

        assert first == cleaner(redact, [])("password: Winter!2031")
        assert first != cleaner(redact, [], within=ELSEWHERE)("password: Winter!2031")
        assert first != cleaner(redact, [])("password: Winter!2032")

    def test_a_secret_is_one_wherever_else_it_stands(self, redact: Redactor) -> None:
        told, tried = "The password is 'kettlemoss'", "typed kettlemoss twice"

        assert "kettlemoss" not in cleaner(redact, [])(f"{told}. {tried}")
        assert "kettlemoss" not in cleaner(redact, [told])(tried)
        assert tried == cleaner(redact, [])(tried)

    @pytest.mark.parametrize("told", ["It has password: kettlemoss.", "(password: kettlemoss)", "snmp-server community kettlemoss"])
    @pytest.mark.parametrize("first", ["password: kettlemoss", "PSK=kettlemoss", "radius-server key kettlemoss"])
    def test_a_secret_has_one_placeholder_whatever_it_is_called(self, redact: Redactor, first: str, told: str) -> None:
        """And whatever ends the sentence that names it."""
        clean = cleaner(redact, [first, told])

        mark = clean("kettlemoss")

        assert mark.startswith("[")
        assert [first.replace("kettlemoss", mark), told.replace("kettlemoss", mark).rstrip(".)")] == [
            clean(first),
            clean(told).rstrip(".)"),
        ]

    @pytest.mark.parametrize("end", [*".:)!?", "!)", "?."])
    def test_what_ends_a_sentence_hides_no_secret(self, redact: Redactor, end: str) -> None:
        clean = cleaner(redact, [f"password: kettlemoss{end}"])

        assert "kettlemoss" not in clean("typed kettlemoss twice")

    def test_what_was_redacted_is_not_redacted_again(self, redact: Redactor) -> None:
        for sample in with_secrets(seed=9, each=1):
            clean = cleaner(redact, [], personal=True)

            assert clean(sample.text) == clean(clean(sample.text))

    @STATELESS
    @given(before=st.text(max_size=60), after=st.text(max_size=60), seed=st.integers(0, 50))
    def test_no_text_around_it_lets_a_labelled_secret_through(self, redact: Redactor, before: str, after: str, seed: int) -> None:
        """Whatever stands in other lines."""
        sample = next(with_secrets(seed, each=1))

        left = cleaner(redact, [])(f"{before}\n{sample.text}\n{after}")

        assert sample.secrets[0] not in left

    @STATELESS
    @given(text=st.text(max_size=300))
    def test_any_text_can_be_redacted(self, redact: Redactor, text: str) -> None:
        clean = cleaner(redact, [], personal=True)

        assert clean(text) == clean(clean(text))

    @pytest.mark.parametrize("piece", ["password", "://a:", '"', "4", "secret_", "-----BEGIN PRIVATE KEY-----", "[password 000000]", "\n"])
    def test_a_text_that_is_made_to_be_slow_is_not(self, redact: Redactor, piece: str) -> None:
        """A55. It ends: a pattern that went over it again and again would take hours."""
        cleaner(redact, [], personal=True)(piece * (200_000 // len(piece)))

    def test_what_was_not_looked_through_does_not_leave(self, redact: Redactor) -> None:
        """A55: of a text with more places to look at than is bearable, what comes later is left out, and a mark says so."""
        text = "pwd=x\n" * 200_000 + "the end"

        left = cleaner(redact, [])(text)

        assert left.endswith(LEFT_OUT)
        assert "the end" not in left
        assert left == cleaner(redact, [])(left)
