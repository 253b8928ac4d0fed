"""A redactor for tests of other things."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from attrs import frozen

from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.assistant import Clean


@frozen
class AsItIs:
    """As `Redactor` says, but that every text keeps whatever secrets are in it."""

    async def cleaner(self, _: AccountId, texts: Iterable[str], *, within: UUID, personal: bool = False) -> Clean:
        """Changes nothing."""
        return str

    async def cleaned(self, _: AccountId, plain: Mapping[str, Plain], clean: Clean) -> dict[str, Plain]:
        """As it is."""
        return dict(plain)


as_it_is = AsItIs()
