"""Taking the secrets out of whatever leaves: what is one in any text of a case is one in all of them."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.access.account import Account
from flowpilot_core.domain.assistant.case_texts import texts_in, without_secrets
from flowpilot_core.domain.assistant.redaction import Cleaner, learned, placeholder
from flowpilot_core.domain.assistant.secrets.span import SecretKind
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import AccountId, SessionId
from flowpilot_core.ports.assistant import Clean, Redactor
from flowpilot_core.ports.sessions import SessionDetail, SessionWork

TAG = "0" * 6


@frozen(kw_only=True)
class Case:
    """What is on record of a session, and how its account wants that redacted."""

    account_id: AccountId
    detail: SessionDetail
    redact: Redactor
    personal: bool = False

    async def cleaner(self, *more: object, within: UUID) -> Clean:
        """What takes out of any text whatever is a secret somewhere in the case, or in `more` that is told with it."""
        return await self.redact.cleaner(self.account_id, texts_in((self.detail, *more)), within=within, personal=self.personal)

    async def without_secrets(self, plain: Mapping[str, Plain], clean: Clean) -> dict[str, Plain]:
        """Plain data with each of its texts as it may leave, however large it is."""
        return await self.redact.cleaned(self.account_id, plain, clean)


async def case_of(work: SessionWork, account: Account, session_id: SessionId, redact: Redactor) -> Case:
    """A session of `account`, which is this unit of work's. Raises `NotFound`."""
    detail = await work.sessions.detail(session_id)
    return Case(account_id=account.id, detail=detail, redact=redact, personal=account.redacts_personal)


@frozen
class RulesRedactor:
    """As `Redactor` says, at once, and for who has no key: whatever the secret, its placeholder has the same tag."""

    async def cleaner(self, _: AccountId, texts: Iterable[str], *, within: UUID, personal: bool = False) -> Clean:
        """As `Redactor` says."""
        return Cleaner(learned(texts, personal), _same_tag, personal)

    async def cleaned(self, _: AccountId, plain: Mapping[str, Plain], clean: Clean) -> dict[str, Plain]:
        """As `Redactor` says."""
        return without_secrets(plain, clean)


def _same_tag(kind: SecretKind, _: str) -> str:
    return placeholder(kind, TAG)


redact_by_rules = RulesRedactor()
"""By the core's rules alone."""
