"""One request for a page: by a browser, whoever is signed in with it."""

import asyncio
import re
import zlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, suppress
from hashlib import sha256
from typing import Annotated, Any, Final, TypeVar, cast
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from attrs import evolve
from litestar import get, post
from litestar.connection import Request
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from litestar.types import ASGIApp, Receive, Scope, Send
from markupsafe import Markup
from msgspec import Meta

from flowpilot_core.application.access.identity_providers import SetOut
from flowpilot_core.application.access.sign_ins import SignedIn
from flowpilot_core.application.kernel.units import Request as Change
from flowpilot_core.domain.access.branding import Branding
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import FlowPilotError, Unauthenticated
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.kernel import AlreadyAnswered, Answer, Once
from flowpilot_http import decoding
from flowpilot_http.api_request import KEYS_LIVE, Call
from flowpilot_http.auth import Visitor
from flowpilot_http.auth.authentication import MOST_FIELDS
from flowpilot_http.problems import Answered, Problem, problem_of
from flowpilot_http.responses import HTML, Body, Header
from flowpilot_http.schemas.kernel import Closed

from .assets import takes_gzip
from .brand import UNDRESSED, dress
from .templating import POLICY, environment

S = TypeVar("S", bound=msgspec.Struct)
R = TypeVar("R")

HOME: Final = "/signed-in"
"""Where a browser goes once it is signed in, if it was not on its way anywhere."""
NOBODY: Final = Visitor(kept="")
THEMES: Final = ("light", "dark")
_ONCE: Final = 64
_FIELDS: Final = 64 * 1024
"""Bytes for what else is in a form with a file."""
_WORTH_IT: Final = 1024
"""Bytes from which a page is made smaller."""
_ZIPPED: Final[Header] = (b"content-encoding", b"gzip")
_VARIES: Final[Header] = (b"vary", b"Accept-Encoding")
_HERE: Final = re.compile(r"/(?![/\\])(?!.*//)[A-Za-z0-9._~/?=&%+-]{0,1000}")


class SignInFirst(Exception):
    """A page that is for somebody signed in, to this account; None where nothing says which it is."""

    def __init__(self, account_id: AccountId | None) -> None:
        super().__init__()
        self.account_id = account_id


class Form(Closed, kw_only=True, frozen=True):
    """What a page's form sends. Subclass it for more; every field is text, and one that is not there is refused."""

    csrf_token: str
    once: str = ""
    """What tells the page that the form was on from others: what it asks for is done once, however often it comes from there."""


class OfAccount(Closed, kw_only=True, frozen=True):
    """What a link in a message says besides where it leads: whose account, for a browser that nobody is signed in with."""

    account: UUID | None = None


class FromList(OfAccount, kw_only=True, frozen=True):
    """What a link in a list says besides, on a wide screen: the list's address, to stand beside what is opened."""

    beside: Annotated[str, Meta(max_length=1_000)] | None = None


class Visit(Call):
    """A request for a page, before which the door has looked at the browser's cookies."""

    @property
    def user(self) -> Person:
        """Who is signed in. Raises `SignInFirst`."""
        if self.visitor.person is None:
            raise SignInFirst(self.visitor.account_id)
        return self.visitor.person

    @property
    def visitor(self) -> Visitor:
        """The browser; one that nobody could look at yet is nobody's."""
        return cast(Visitor, self.scope.get("visitor", NOBODY))

    @property
    def csrf_token(self) -> str:
        """What each form of the page must hold."""
        return self.visitor.csrf_token

    def person_for(self, account_id: UUID | None) -> Person:
        """Who is signed in, to this account where the link says one. Raises `SignInFirst`."""
        return self.user if account_id is None else self.person_of(AccountId(account_id))

    def person_of(self, account_id: AccountId) -> Person:
        """Who is signed in to this account. Raises `SignInFirst`, for somebody of another account too."""
        person = self.visitor.person
        if person is None or person.account_id != account_id:
            raise SignInFirst(account_id)
        return person

    async def sent(self, kind: type[S]) -> S:
        """The form that was sent. Raises `Refused`."""
        raw = urlencode(await self.texts()).encode() if self.has_files else (await self.body()).replace(b"%0D%0A", b"%0A")
        return decoding.query(raw, kind, most=MOST_FIELDS)

    @property
    def has_files(self) -> bool:
        """Whether the form that was sent may hold files."""
        return self.content_type[0] == RequestEncodingType.MULTI_PART

    async def texts(self) -> Sequence[tuple[str, str]]:
        """The fields of a form with files that are none."""
        sent = (await self.form()).multi_items()
        return [(name, value.replace("\r\n", "\n")) for name, value in sent if isinstance(value, str)]

    async def uploaded(self, name: str) -> bytes:
        """What is in the form's file of this name; nothing where there is none."""
        sent = (await self.form()).multi_items()
        return b"".join([await value.read() for at, value in sent if at == name and isinstance(value, UploadFile)])

    async def do(
        self, form: Form, use_case: Callable[[Change], Awaitable[R]], *, version: int | None = None, file: bytes = b""
    ) -> R | None:
        """What a form asks for; None where the same form had it done before.

        `version`: the one that the page showed; `file`: what came with the form. Raises what the use case raises.
        """
        change = Change(id=self.scope["request_id"], if_match=version)  # type: ignore[typeddict-item]
        if form.once:
            now = self.now()
            # But for the secret of the browser's sign-in, which is another one when it is sent again after signing in anew.
            fields = msgspec.json.encode(msgspec.structs.replace(form, csrf_token=""))
            what = sha256(b"\n".join((self.scope["path"].encode(), fields, file)))
            once = Once(
                user_id=self.user.user_id,
                key=f"page-{form.once[:_ONCE]}-{what.hexdigest()[:_ONCE]}",
                fingerprint=what.digest(),
                at=now,
                expired=now - KEYS_LIVE,
            )
            change = evolve(change, once=once, render=lambda _: Answer(status=303, body=b""))
        try:
            return await use_case(change)
        except AlreadyAnswered:
            return None

    async def framed(self, template: str, *headers: Header, status: int = 200, **facts: object) -> Body:
        """As `page`, for somebody signed in: with the account's name and what it wears, and how many wait."""
        person = self.user
        waiting, head = await asyncio.gather(self.flowpilot.handoffs.waiting(person), self._face.account_heads.of(self.flowpilot, person))
        worn = dress(person.account_id, head.branding)
        return self.page(template, *headers, status=status, **{"waiting": waiting, "account_name": head.name, **worn, **facts})

    async def at_door(self, account_id: AccountId | None, template: str, /, *headers: Header, status: int = 200, **facts: object) -> Body:
        """As `page`, for somebody on the way into an account: with what that shows of itself."""
        branding = Branding() if account_id is None else await self.flowpilot.branding.worn(account_id)
        worn = {} if account_id is None else dress(account_id, branding)
        return self.page(template, *headers, status=status, account_name=branding.display_name, **worn, **facts)

    def page(self, template: str, *headers: Header, status: int = 200, **facts: object) -> Body:
        """The page that a template makes of these facts, of `person` and of `csrf_token`."""
        field = Markup('<input type="hidden" name="csrf_token" value="{}">').format(self.csrf_token)
        once = Markup('<input type="hidden" name="once" value="{}">').format(self.scope["request_id"])  # type: ignore[typeddict-item]
        told = {
            "person": self.visitor.person,
            "csrf_token": self.csrf_token,
            "csrf": lambda: field,
            "once": lambda: field + once,
            "path": self.scope["path"],
            "template": template,
            "answers": self.method == "POST",
            "theme": self.theme,
            "waiting": None,
            "account_name": None,
            **UNDRESSED,
            "beside": None,
            "q": "",
            "now": self.now(),
            **facts,
        }
        cookies, person = self._face.door.cookies, self.visitor.person
        kept = [cookies.visited(self.visitor.kept)] if self.visitor.new else []
        if person and person.account_id != cookies.account_of(self.scope["headers"]):
            kept.append(cookies.signs_in_to(person.account_id))
        html = environment.get_template(template).render(told).encode()
        if len(html) < _WORTH_IT or not takes_gzip(self):
            return Body(html, status=status, media_type=HTML, headers=(POLICY, *kept, *headers))
        smaller = zipped(html, apart=self.csrf_token.encode())
        return Body(smaller, status=status, media_type=HTML, headers=(POLICY, _ZIPPED, _VARIES, *kept, *headers))

    @property
    def theme(self) -> str:
        """How pages are to look: `light`, `dark`, or nothing for what the system has."""
        cookies = self._face.door.cookies
        kept = cookies.read(self.scope["headers"], cookies.theme)
        return kept if kept in THEMES else ""

    def looking(self, theme: str, path: str) -> Body:
        """Go on to `path`, and have pages look like this from now on."""
        return self.see(here(path), self._face.door.cookies.looks(theme))

    @property
    def callback(self) -> str:
        """Where an identity provider sends browsers of the path's account back to."""
        return f"{self._face.base_url}/sign-in/{self.account_id}/callback"

    @property
    def attempt(self) -> str:
        """What the browser kept while it was at its identity provider's; empty where it kept nothing."""
        cookies = self._face.door.cookies
        return cookies.read(self.scope["headers"], cookies.attempt) or ""

    @property
    def code(self) -> str:
        """What the browser kept when it asked for a code; empty where it kept nothing."""
        cookies = self._face.door.cookies
        return cookies.read(self.scope["headers"], cookies.code) or ""

    @property
    def going(self) -> str:
        """Where the browser was going before it had to sign in."""
        cookies = self._face.door.cookies
        return here(cookies.read(self.scope["headers"], cookies.going) or HOME)

    def back_to(self, path: str) -> tuple[Header, ...]:
        """Has the browser keep where it is going, whichever way it signs in: the command line's link knows of nothing."""
        return () if here(path) == HOME else (self._face.door.cookies.going_to(here(path)),)

    def trying(self, credential: str) -> AbstractContextManager[None]:
        """A sign-in by this: `Unauthenticated` is counted, and after too many `TooManyAttempts` is raised in its place."""
        return self._face.door.attempts.trying(self.scope, credential)

    def count_attempt(self) -> None:
        """Whatever comes of it, this counts as a sign-in that failed. Raises `TooManyAttempts`."""
        self._face.door.attempts.count(self.scope)

    def asked(self, text: str, path: str) -> Body:
        """A code was asked for: go where it is typed, and keep what tells this browser from others."""
        return self.see(path, self._face.door.cookies.asked(text))

    def set_out(self, set_out: SetOut) -> Body:
        """Go to an identity provider, and keep what tells this browser from others until it is back."""
        return self.see(set_out.address, self._face.door.cookies.set_out(set_out.text))

    def signed_in(self, signed_in: SignedIn, path: str) -> Body:
        """Somebody was signed in with this browser just now: go on to `path`."""
        door = self._face.door
        door.forget(self.visitor.kept)
        arrived = (door.cookies.arrived(),) if self.attempt else ()
        typed = (door.cookies.typed(),) if self.code else ()
        went = (door.cookies.went(),) if self.going != HOME else ()
        return self.see(path, door.cookies.signed_in(signed_in.text), *arrived, *typed, *went)

    async def signed_out(self) -> Body:
        """Sign this browser out, and say so."""
        door = self._face.door
        await self.flowpilot.signing_in.out(self.visitor.kept)
        door.forget(self.visitor.kept)
        return self.see("/signed-out", door.cookies.signed_out())

    def see(self, path: str, *headers: Header) -> Body:
        """Go there."""
        return Body(b"", status=303, media_type=HTML, headers=((b"location", path.encode()), *headers))


def zipped(html: bytes, *, apart: bytes) -> bytes:
    """A page made smaller, all but the secret in it: what else stands there must not show by its length how much of it it resembles."""
    packer = zlib.compressobj(6, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    before, *after = html.split(apart)
    made = [packer.compress(before)]
    for part in after:
        made += (packer.flush(zlib.Z_FULL_FLUSH), packer.compress(apart), packer.flush(zlib.Z_FULL_FLUSH), packer.compress(part))
    return b"".join((*made, packer.flush()))


def here(path: str) -> str:
    """`path`, where it is one of this server and nothing else; else where browsers go that were on their way nowhere."""
    return path if _HERE.fullmatch(path) else HOME


def sign_in_path(account_id: AccountId | None, back_to: str) -> str:
    """Where somebody signs in to an account, to come back afterwards; without one, where they say to which."""
    return f"{f'/sign-in/{account_id}' if account_id else '/sign-in'}?{urlencode({'next': back_to})}"


def shows(path: str) -> Callable[[Callable[..., Any]], HTTPRouteHandler]:
    """A page to look at."""
    return get(path, opt={"page": True})


def takes(path: str) -> Callable[[Callable[..., Any]], HTTPRouteHandler]:
    """A page's form."""
    return post(path, status_code=200, opt={"page": True})


def takes_file(path: str, *, most: int) -> Callable[[Callable[..., Any]], HTTPRouteHandler]:
    """A page's form with a file of up to `most` bytes."""
    return post(path, status_code=200, request_max_body_size=most + _FIELDS, opt={"page": True})


def refused(request: Request[Any, Any, Any], exc: Exception) -> Response[None]:
    """Litestar's exception handler for pages: the way to the sign-in page, or a page that says what was wrong."""
    visit = Visit(request.scope, request.receive, request.send)
    if isinstance(exc, Unauthenticated):
        exc = SignInFirst(visit.visitor.account_id)
    if isinstance(exc, SignInFirst) and exc.account_id is None and request.scope["path"] == HOME:
        return Answered(visit.page("signed_out.html", status=401))  # It was on its way nowhere: there is nothing to come back to.
    if isinstance(exc, SignInFirst):
        query = request.scope["query_string"].decode("latin-1")
        return Answered(visit.see(sign_in_path(exc.account_id, here(request.scope["path"] + (f"?{query}" if query else "")))))
    return Answered(_said(visit, problem_of(exc)))


def _said(visit: Visit, problem: Problem) -> ASGIApp:
    told = {"title": problem.title, "detail": problem.detail, "path": "/"}  # The same for every address.

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        body = visit.page("problem.html", *problem.headers, status=problem.status, **told)
        # Where it is ourselves who cannot go on, nothing more is asked for.
        if visit.visitor.person and problem.status < 500:
            with suppress(FlowPilotError):
                body = await visit.framed("problem.html", *problem.headers, status=problem.status, **told)
        await body(scope, receive, send)

    return page
