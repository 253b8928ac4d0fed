"""Taking the secrets out of whatever leaves: what is one in any text of a case is one in all of them."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import partial
from uuid import UUID

from attrs import fields, frozen, has

from flowpilot_core.domain.access.account import Account
from flowpilot_core.domain.assistant.redaction import cleaner, placeholder, spans
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import SessionId
from flowpilot_core.ports.assistant import Clean, Redactor
from flowpilot_core.ports.sessions import SessionDetail, SessionWork

_KEPT = frozenset(
    {
        *("id", "handoff_id", "session_id", "branch_id", "parent_id", "fork_point_id", "at_step_id", "branch_ids", "step_ids"),
        *("frozen_at", "created_at", "updated_at", "closed_at", "escalated_at", "claimed_at", "sha256", "snapshot_digest"),
        *("tried", "failed", "open_hypotheses", "kind", "result", "state", "priority"),
    }
)
"""What people do not write, and what is cited: it stays as it is."""
TAG = "0" * 6


@frozen(kw_only=True)
class Case:
    """What is on record of a session, and how its account wants that redacted."""

    detail: SessionDetail
    redact: Redactor

    async def cleaner(self, *more: object, within: UUID) -> Clean:
        """What takes out of any text whatever is a secret somewhere in the case, or in `more` that is told with it."""
        return await asyncio.to_thread(self.redact, list(texts_in((self.detail, *more))), within=within)


async def case_of(work: SessionWork, account: Account, session_id: SessionId, redact: Redactor) -> Case:
    """A session of `account`, which is this unit of work's. Raises `NotFound`."""
    return Case(detail=await work.sessions.detail(session_id), redact=redactor_of(account, redact))


def redactor_of(account: Account, redact: Redactor) -> Redactor:
    """`redact` as an account wants it: it may want personal data taken out too."""
    return partial(redact, personal=True) if account.redacts_personal else redact


def redact_by_rules(texts: Iterable[str], *, within: UUID, personal: bool = False) -> Clean:
    """As `Redactor` says, by the core's rules alone and for who has no key: whatever the secret, its placeholder has the same tag."""
    return cleaner(texts, partial(spans, personal=personal), lambda kind, _: placeholder(kind, TAG))


def texts_in(value: object) -> Iterator[str]:
    """Whatever people wrote in a value, however deep."""
    cls, parts = type(value), tuple[object, ...]()
    if isinstance(value, str) and not isinstance(value, Enum):
        yield value
    elif isinstance(value, Mapping):
        parts = tuple(one for key, one in value.items() if key not in _KEPT)
    elif isinstance(value, (list, tuple, frozenset)):
        parts = tuple(value)
    elif has(cls):
        parts = tuple(getattr(value, one.name) for one in fields(cls) if one.name not in _KEPT)
    for part in parts:
        yield from texts_in(part)


def without_secrets(plain: Mapping[str, Plain], clean: Clean) -> dict[str, Plain]:
    """Plain data with each of its texts as it may leave. Some seconds of work where it is large: do it in a thread."""

    def cleaned(value: Plain) -> Plain:
        if isinstance(value, str):
            return clean(value)
        if isinstance(value, list):
            return [cleaned(one) for one in value]
        return without_secrets(value, clean) if isinstance(value, dict) else value

    return {key: one if key in _KEPT else cleaned(one) for key, one in plain.items()}
