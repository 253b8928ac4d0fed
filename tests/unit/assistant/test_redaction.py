"""What leaves of a snapshot: its ids and its sense, and none of its secrets."""

import asyncio
import json
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from flowpilot_adapters.redaction import SecretRedactor
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.domain.assistant.case_texts import texts_in
from flowpilot_core.domain.handoffs.case_file import CaseFile, snapshot_of
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.assistant import Redactor
from flowpilot_core.testing.builders import a_session
from flowpilot_core.testing.redaction import as_it_is
from flowpilot_core.testing.secrets_corpus import Sample, with_secrets

SECRETS = [sample for sample in with_secrets(11, each=1) if not sample.personal]
ACME = AccountId(UUID(int=2))
REDACTOR = SecretRedactor(bytes(32), compute_here)
AROUND = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)


def redacted(snapshot: dict[str, Plain], redact: Redactor = REDACTOR) -> dict[str, Plain]:
    async def told() -> dict[str, Plain]:
        clean = await redact.cleaner(ACME, texts_in(snapshot), within=UUID(int=1))
        return await redact.cleaned(ACME, snapshot, clean)

    return asyncio.run(told())


@settings(max_examples=60, deadline=None)
@given(sample=st.sampled_from(SECRETS), before=AROUND, after=AROUND)
def test_whatever_text_steps_hold_no_secret_of_the_corpus_leaves(sample: Sample, before: str, after: str) -> None:
    """F31, A41: in content, evidence, problem, reason and note alike."""
    text = f"x{before}\n{sample.text}\n{after}"
    case = a_session(problem=text).step(text, evidence=text).fork("a", "b").closed("a", reason=text).escalated(text, note=text)
    snapshot = snapshot_of(case.snapshot.body)

    left = redacted(snapshot)

    told = json.dumps(left, ensure_ascii=False)
    assert not [secret for secret in sample.secrets if json.dumps(secret, ensure_ascii=False)[1:-1] in told]
    assert [step.id for step in CaseFile.of(snapshot).steps] == [step.id for step in CaseFile.of(left).steps]


def test_a_snapshot_without_secrets_stays_as_it_is() -> None:
    case = a_session().step("rebooted it", evidence="all\x1fwell").escalated()
    snapshot = snapshot_of(case.snapshot.body)

    assert snapshot == redacted(snapshot, as_it_is)


def test_a_secret_that_swallows_the_border_of_two_texts_is_found_in_each() -> None:
    case = (
        a_session()
        .step("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj")
        .step("AgEAAoIBAQC7\n-----END PRIVATE KEY-----")
        .escalated()
    )

    left = json.dumps(redacted(snapshot_of(case.snapshot.body)))

    assert "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj" not in left
