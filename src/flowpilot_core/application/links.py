"""Links in messages: each says what it is for, to whom and until when, and nobody else can make one."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from attrs import field, frozen

from flowpilot_core.domain.errors import NotFound
from flowpilot_core.domain.identifiers import AccountId, HandoffId, UserId

LINKS_LAST = timedelta(days=7)
"""How long the link in a mail leads anywhere."""
_MAC = 16
_ID = 16
_SECONDS = 5


@frozen(kw_only=True)
class ClaimLink:
    """What the link in a mail is for: one person, one handoff. Having it is no right to anything."""

    account_id: AccountId
    handoff_id: HandoffId
    user_id: UserId
    expires_at: datetime


@frozen(kw_only=True)
class Links:
    """Makes links and reads them, with a key of its own derived from the secret key."""

    base_url: str
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, base_url: str, secret_key: bytes) -> "Links":
        """Links of the program at `base_url`."""
        return cls(base_url=base_url, key=hmac.digest(secret_key, b"flowpilot links in messages, version 1", sha256))

    def claim(self, account_id: AccountId, handoff_id: HandoffId, user_id: UserId, *, at: datetime) -> str:
        """The link that a mail sent at that time has to its handoff."""
        until = int((at + LINKS_LAST).timestamp())
        said = account_id.bytes + handoff_id.bytes + user_id.bytes + until.to_bytes(_SECONDS)
        return f"{self.base_url}/claim/{urlsafe_b64encode(self._mac(b'claim', said) + said).rstrip(b'=').decode()}"

    def claimed_by(self, signed: str) -> ClaimLink:
        """What a link is for, expired or not: the part after `/claim/`. Raises `NotFound` for one that is none of ours."""
        try:
            raw = urlsafe_b64decode(signed.encode("ascii") + b"=" * (-len(signed) % 4))
        except ValueError:
            raise NotFound("link") from None
        mac, said = raw[:_MAC], raw[_MAC:]
        if len(said) != 3 * _ID + _SECONDS or not hmac.compare_digest(mac, self._mac(b"claim", said)):
            raise NotFound("link")
        account_id, handoff_id, user_id = (UUID(bytes=said[place : place + _ID]) for place in range(0, 3 * _ID, _ID))
        return ClaimLink(
            account_id=AccountId(account_id),
            handoff_id=HandoffId(handoff_id),
            user_id=UserId(user_id),
            expires_at=datetime.fromtimestamp(int.from_bytes(said[3 * _ID :]), UTC),
        )

    def _mac(self, what: bytes, said: bytes) -> bytes:
        return hmac.digest(self.key, what + b":" + said, sha256)[:_MAC]
