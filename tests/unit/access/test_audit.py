"""What an entry of the audit log holds on to, and what its doer came in by."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from attrs import evolve

from flowpilot_core.domain.access.audit import AuditBroken, AuditHead, Deed, DeedKind, unbroken
from flowpilot_core.domain.kernel.actor import Way, WayIn
from flowpilot_core.domain.kernel.identifiers import AccountId, UserId

ACCOUNT = AccountId(UUID(int=1))
DEED = Deed(
    kind=DeedKind.USER_CHANGED,
    at=datetime(2026, 11, 2, 12, tzinfo=UTC),
    by=UserId(UUID(int=2)),
    thing_id=UUID(int=3),
    changed={"role": "viewer"},
    request_id="r",
)


def test_an_entry_from_before_ways_in_were_kept_has_the_digest_that_it_had() -> None:
    """A37: what was written then is still what was written."""
    assert "6593b8111d4b67386524f979ce31ba0716f88ea050e3639cf0dad60ebf0e89a8" == AuditHead().entry(ACCOUNT, DEED).digest


@pytest.mark.parametrize("otherwise", [None, WayIn(way=Way.LINK), WayIn(way=Way.PROVIDER, id=UUID(int=5))])
def test_an_entry_holds_on_to_the_way_in(otherwise: WayIn | None) -> None:
    """A37, A45: nobody who has the database makes the owner's own token of the provider that vouched for them, unseen."""
    entry = AuditHead().entry(ACCOUNT, evolve(DEED, way_in=WayIn(way=Way.PROVIDER, id=UUID(int=4))))

    with pytest.raises(AuditBroken):
        unbroken(ACCOUNT, entry.head, [evolve(entry, deed=evolve(entry.deed, way_in=otherwise))])
