"""Where every request comes in: who asks, by a token or by a browser's cookie, and whether the browser meant it."""

import hmac
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import parse_qs

from attrs import frozen
from litestar.connection import Request

from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import Unauthenticated
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.kernel.secret_text import Prefix, derived, parse_token
from flowpilot_core.ports.kernel import NewSecret
from flowpilot_http.problems import Refused

from .attempts import Attempts
from .bearer import Bearer, given
from .cookies import Cookies
from .credential_cache import Known

CSRF_FIELD: Final = "csrf_token"
_CSRF_HEADER: Final = b"x-csrf-token"
_SAFE: Final = frozenset({"GET", "HEAD"})
_FORM: Final = b"application/x-www-form-urlencoded"
_FORM_WITH_FILES: Final = b"multipart/form-data"
_VISIT: Final = re.compile(r"[0-9a-f]{64}")
MOST_FIELDS: Final = 200
"""Of a form: a team may have many members."""

Headers = Iterable[tuple[bytes, bytes]]


@frozen(kw_only=True)
class Visitor:
    """A browser, and who is signed in with it."""

    kept: str
    """What its cookie holds: that of the sign-in, or else that of the visit."""
    person: Person | None = None
    account_id: AccountId | None = None
    """The account it is, or was, signed in to."""
    new: bool = False
    """Whether `kept` was made just now: the answer has to set it."""

    @property
    def csrf_token(self) -> str:
        """What a form must send back, which no other site can know."""
        return derived(self.kept, "csrf")


class Door:
    """Lets requests in."""

    def __init__(self, flowpilot: FlowPilot, cookies: Cookies, new_secret: NewSecret, attempts: Attempts | None = None) -> None:
        self.cookies = cookies
        self.attempts = attempts or Attempts()
        self._flowpilot = flowpilot
        self._bearer = Bearer(self._authenticated)
        self._browsers = Known(flowpilot.signing_in.person)
        self._new_secret = new_secret

    async def person(self, headers: Headers) -> Person:
        """Who asks, by whichever credential there is. Raises `Unauthenticated`."""
        headers = list(headers)
        return await self._person(headers, self._vouched_by_cookie(headers))

    async def again(self, headers: Headers) -> Person:
        """As `person`, asked anew: for who came in long ago and stays."""
        headers = list(headers)
        kept = self._vouched_by_cookie(headers)
        return await (self._bearer.again(headers) if kept is None else self._browsers.again(kept))

    def digest(self, headers: Headers) -> bytes | None:
        """Of what vouches for who asks, where it is a token or a browser of ours; what others issue has none."""
        headers = list(headers)
        kept = self._vouched_by_cookie(headers)
        try:
            return (parse_token(kept, Prefix.SIGN_IN) if kept else parse_token(given(headers))).digest
        except Unauthenticated:
            return None

    async def sign_in(self, request: Request[Any, Any, Any]) -> None:
        """Put who asks into the request.

        Raises `Unauthenticated`, `TooManyAttempts`, or `Refused` where only a cookie vouches for a change.
        """
        headers = list(request.scope["headers"])
        kept = self._vouched_by_cookie(headers)
        credential = kept or given(headers)
        if not credential:
            raise Unauthenticated  # Nobody tried anything, so that nothing failed.
        with self.attempts.trying(request.scope, credential):
            request.scope["user"] = await self._person(headers, kept)
        if kept:
            await self._require_meant(request, Visitor(kept=kept))

    async def receive(self, request: Request[Any, Any, Any]) -> None:
        """Put the browser that comes to a page into the request. Raises `Refused` for a form that was not made for it."""
        visitor = await self._visitor(request.scope["headers"])
        request.scope["user"] = visitor.person
        request.scope["visitor"] = visitor  # type: ignore[typeddict-unknown-key]
        # Two pages that a browser opens at once before it has a cookie each set one, and the form of the first would be nobody's.
        if visitor.person or not _comes_from_here(request.scope["headers"]):
            await self._require_meant(request, visitor)

    async def _person(self, headers: Headers, kept: str | None) -> Person:
        return await (self._bearer.person(headers) if kept is None else self._browsers.person(kept))

    async def _authenticated(self, token: str) -> Person:
        """Who one of our tokens, or a JWT of an issuer that an account trusts, stands for. Raises `Unauthenticated`."""
        if "." in token:
            return await self._flowpilot.identities.person(token)
        return await self._flowpilot.accounts.authenticate(token)

    def forget(self, kept: str) -> None:
        """A browser was signed out."""
        self._browsers.forget(kept)

    def _vouched_by_cookie(self, headers: Headers) -> str | None:
        """What the browser keeps, unless a token says who asks."""
        if any(name == b"authorization" for name, _ in headers):
            return None
        return self.cookies.read(headers, self.cookies.sign_in)

    async def _visitor(self, headers: Headers) -> Visitor:
        headers = list(headers)
        account_id = self.cookies.account_of(headers)
        if kept := self.cookies.read(headers, self.cookies.sign_in):
            try:
                account_id = parse_token(kept, Prefix.SIGN_IN).account_id
                return Visitor(kept=kept, person=await self._browsers.person(kept), account_id=account_id)
            except Unauthenticated:
                pass  # Whoever it was is signed out: a visitor like any other.
        visit = self.cookies.read(headers, self.cookies.visit)
        if visit and _VISIT.fullmatch(visit):
            return Visitor(kept=visit, account_id=account_id)
        return Visitor(kept=self._new_secret().hex(), account_id=account_id, new=True)

    async def _require_meant(self, request: Request[Any, Any, Any], visitor: Visitor) -> None:
        """Raises `Refused` for a change without the token that only our own pages were told."""
        if request.scope["method"] in _SAFE:
            return
        given = await _csrf_token(request)
        if visitor.new or not hmac.compare_digest(given.encode(), visitor.csrf_token.encode()):
            raise Refused(
                "csrf_failed", "Open the page again and send its form from there; the form carries the `csrf_token` that is missing."
            )


def _comes_from_here(headers: Headers) -> bool:
    """Whether the browser itself says that a page of this server asks (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/): no page
    can say it in its place.
    """
    return [value for name, value in headers if name == b"sec-fetch-site"] == [b"same-origin"]


async def _csrf_token(request: Request[Any, Any, Any]) -> str:
    headers = dict(request.scope["headers"])
    if _CSRF_HEADER in headers:
        return headers[_CSRF_HEADER].decode("latin-1")
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind == _FORM_WITH_FILES:
        await request.body()  # Whoever reads a form of this kind leaves nothing of the body to others.
        return str((await request.form()).get(CSRF_FIELD, ""))
    if kind != _FORM:
        return ""
    try:
        fields = parse_qs((await request.body()).decode("ascii"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return ""
    return "".join(fields.get(CSRF_FIELD, ()))
