"""Links in messages: each says what it is for, to whom and until when, and nobody else can make one."""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from attrs import field, frozen

from flowpilot_core.domain.kernel.errors import NotFound
from flowpilot_core.domain.kernel.identifiers import AccountId, HandoffId, UserId

LINKS_LAST = timedelta(days=7)
"""How long the link in a mail leads anywhere."""
_MAC = 16
_ID = 16
_SECONDS = 5
_CLAIM = b"claim"
_NO_MAILS = b"no mails"
_NO_WEEKLY_DIGEST = b"no weekly digest"
_CALENDAR = b"calendar"
_EDITION = 4


@frozen(kw_only=True)
class ClaimLink:
    """What the link in a mail is for: one person, one handoff. Having it is no right to anything."""

    account_id: AccountId
    handoff_id: HandoffId
    user_id: UserId
    expires_at: datetime


@frozen(kw_only=True)
class Unsubscribing:
    """What the link out of mails is for: one person. All it can do is to switch mails off that they can switch on again."""

    account_id: AccountId
    user_id: UserId


@frozen(kw_only=True)
class Links:
    """Makes links and reads them, with keys of its own derived from the secret keys: it makes them with the first."""

    base_url: str
    keys: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def of(cls, base_url: str, *secret_keys: bytes) -> "Links":
        """Links of the program at `base_url`."""
        keys = tuple(hmac.digest(key, b"flowpilot links in messages, version 1", sha256) for key in secret_keys)
        return cls(base_url=base_url, keys=keys)

    def claim(self, account_id: AccountId, handoff_id: HandoffId, user_id: UserId, *, at: datetime) -> str:
        """The link that a mail sent at that time has to its handoff."""
        until = int((at + LINKS_LAST).timestamp())
        said = account_id.bytes + handoff_id.bytes + user_id.bytes + until.to_bytes(_SECONDS)
        return f"{self.base_url}/claim/{self._signed(_CLAIM, said)}"

    def claimed_by(self, signed: str) -> ClaimLink:
        """What a link is for, expired or not: the part after `/claim/`. Raises `NotFound` for one that is none of ours."""
        said = self._said(_CLAIM, signed, 3 * _ID + _SECONDS)
        return ClaimLink(
            account_id=AccountId(UUID(bytes=said[:_ID])),
            handoff_id=HandoffId(UUID(bytes=said[_ID : 2 * _ID])),
            user_id=UserId(UUID(bytes=said[2 * _ID : 3 * _ID])),
            expires_at=datetime.fromtimestamp(int.from_bytes(said[3 * _ID :]), UTC),
        )

    def unsubscribe(self, account_id: AccountId, user_id: UserId) -> str:
        """The link out of mails. It does not expire: somebody may have had enough years later."""
        return f"{self.base_url}/no-mails/{self._signed(_NO_MAILS, account_id.bytes + user_id.bytes)}"

    def unsubscribed_by(self, signed: str) -> Unsubscribing:
        """Whom a link is for: the part after `/no-mails/`. Raises `NotFound` for one that is none of ours."""
        return self._way_out(_NO_MAILS, signed)

    def no_weekly_digest(self, account_id: AccountId, user_id: UserId) -> str:
        """The link out of weekly digests, which does not expire either."""
        return f"{self.base_url}/no-weekly-digest/{self._signed(_NO_WEEKLY_DIGEST, account_id.bytes + user_id.bytes)}"

    def no_weekly_digest_by(self, signed: str) -> Unsubscribing:
        """The same of the part after `/no-weekly-digest/`."""
        return self._way_out(_NO_WEEKLY_DIGEST, signed)

    def _way_out(self, what: bytes, signed: str) -> Unsubscribing:
        said = self._said(what, signed, 2 * _ID)
        return Unsubscribing(account_id=AccountId(UUID(bytes=said[:_ID])), user_id=UserId(UUID(bytes=said[_ID:])))

    def calendar(self, account_id: AccountId, edition: int) -> str:
        """The address of an account's maintenance calendar, until it is renewed."""
        signed = self._signed(_CALENDAR, account_id.bytes + edition.to_bytes(_EDITION))
        return f"{self.base_url}/maintenance-schedules/calendar.ics?token={signed}"

    def calendar_of(self, signed: str) -> tuple[AccountId, int]:
        """Whose calendar it is, and which edition of its address: the part after `token=`. Raises `NotFound` as above."""
        said = self._said(_CALENDAR, signed, _ID + _EDITION)
        return AccountId(UUID(bytes=said[:_ID])), int.from_bytes(said[_ID:])

    def _signed(self, what: bytes, said: bytes) -> str:
        return urlsafe_b64encode(_mac(self.keys[0], what, said) + said).rstrip(b"=").decode()

    def _said(self, what: bytes, signed: str, size: int) -> bytes:
        try:
            raw = urlsafe_b64decode(signed.encode("ascii") + b"=" * (-len(signed) % 4))
        except ValueError:
            raise NotFound("link") from None
        mac, said = raw[:_MAC], raw[_MAC:]
        if len(said) != size or not any(hmac.compare_digest(mac, _mac(key, what, said)) for key in self.keys):
            raise NotFound("link")
        return said


def _mac(key: bytes, what: bytes, said: bytes) -> bytes:
    return hmac.digest(key, what + b":" + said, sha256)[:_MAC]
