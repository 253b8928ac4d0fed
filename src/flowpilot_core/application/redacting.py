"""Taking the secrets out of a snapshot before anybody outside reads it."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from uuid import UUID

from attrs import evolve

from flowpilot_core.domain.account import Account
from flowpilot_core.domain.events import Plain
from flowpilot_core.domain.redaction import SecretKind, learned, placeholder, redacted, spans
from flowpilot_core.domain.similar import SimilarSession
from flowpilot_core.ports.persistence import UnitOfWork
from flowpilot_core.ports.redactor import Redactor

_KEPT = frozenset(
    {
        *("id", "handoff_id", "session_id", "branch_id", "parent_id", "fork_point_id", "at_step_id", "branch_ids", "step_ids"),
        *("frozen_at", "created_at", "updated_at", "closed_at", "escalated_at", "claimed_at", "sha256", "snapshot_digest"),
        *("tried", "failed", "open_hypotheses", "kind", "result", "state", "priority"),
    }
)
"""What people do not write, and what is cited: it stays as it is."""
TAG = "0" * 6
_BETWEEN = "\n\x1e\n"


async def redactor_for(work: UnitOfWork, redact: Redactor) -> Redactor:
    """`redact` as the account of this unit of work wants it."""
    return redactor_of(await work.people.account(), redact)


def redactor_of(account: Account, redact: Redactor) -> Redactor:
    """`redact` as an account wants it: it may want personal data taken out too."""
    return partial(redact, personal=True) if account.redacts_personal else redact


def redact_by_rules(text: str, *, within: UUID, personal: bool = False, beside: Iterable[str] = ()) -> str:
    """As `Redactor` says, by the core's rules alone and for who has no key: whatever the secret, its placeholder has the same tag."""
    known: dict[str, SecretKind] = {}
    for other in beside:
        known |= learned(other, spans(other, personal=personal))
    found = list(spans(text, personal=personal))
    return redacted(text, found, known | learned(text, found), lambda kind, _: placeholder(kind, TAG))


def without_secrets(snapshot: dict[str, Plain], redact: Redactor, *, within: UUID) -> dict[str, Plain]:
    """A snapshot without its secrets: what is one in any of its texts is one in all. Some seconds of work where it is large."""
    texts = list(_texts(snapshot))
    cleaned = redact(_BETWEEN.join(texts), within=within).split(_BETWEEN)
    if len(cleaned) != len(texts):
        # A secret that reached from one text into the next, such as a key that somebody pasted in two halves.
        cleaned = [redact(text, within=within, beside=texts) for text in texts]
    return _with(snapshot, iter(cleaned))


def similar_without_secrets(similar: Sequence[SimilarSession], redact: Redactor, *, within: UUID) -> tuple[SimilarSession, ...]:
    """Similar sessions without their secrets."""
    return tuple(
        evolve(
            one,
            title=redact(one.title, within=within),
            summary=redact(one.summary, within=within),
            root_cause=one.root_cause and redact(one.root_cause, within=within),
        )
        for one in similar
    )


def _texts(value: Plain) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key not in _KEPT:
                yield from _texts(one)


def _with(snapshot: dict[str, Plain], texts: Iterator[str]) -> dict[str, Plain]:
    """The same with other texts, taken in the same order."""

    def changed(value: Plain) -> Plain:
        if isinstance(value, str):
            return next(texts)
        if isinstance(value, list):
            return [changed(one) for one in value]
        if isinstance(value, dict):
            return {key: one if key in _KEPT else changed(one) for key, one in value.items()}
        return value

    return {key: one if key in _KEPT else changed(one) for key, one in snapshot.items()}
