"""One request by somebody signed in: what it asks for, read in the order in which it may be refused."""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import msgspec
from attrs import frozen
from litestar.connection import Request
from litestar.datastructures import State
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from flowpilot_core.application.flowpilot import FlowPilot
from flowpilot_core.application.kernel.links import Links
from flowpilot_core.application.kernel.units import Request as Change
from flowpilot_core.application.notifications.push import Push
from flowpilot_core.domain.kernel.actor import Person
from flowpilot_core.domain.kernel.errors import NotFound, Unavailable
from flowpilot_core.domain.kernel.identifiers import (
    AccountId,
    AssessmentId,
    BranchId,
    DeliveryId,
    HandoffId,
    MaintenanceRunId,
    MaintenanceScheduleId,
    OutputId,
    PictureId,
    ProviderId,
    PsaConnectionId,
    PsaPostId,
    RatingId,
    ScriptTemplateId,
    SessionId,
    StepId,
    SuggestionId,
    TeamId,
    TokenId,
    TreeCategoryId,
    TreeId,
    TreeProposalId,
    UserId,
    WebhookId,
    WebhookMessageId,
)
from flowpilot_core.domain.knowledge.rating import Subject
from flowpilot_core.ports.kernel import LARGEST_KEPT, AlreadyAnswered, Answer, Clock, Once
from flowpilot_http.schemas.kernel import Listed, Nothing, Page

from . import decoding, yaml_text
from .account_heads import AccountHeads
from .auth import Door
from .cursors import Cursors
from .made_anew import made_anew, referring
from .open_reads import OpenReads
from .problems import At, Refused
from .responses import Body, Header, encode
from .sse import EventIds, Streamed

S = TypeVar("S", bound=msgspec.Struct)
R = TypeVar("R")
Id = TypeVar("Id")
P = TypeVar("P")

NO_CONTENT: Final = 204
ADMINS: Final = "/admin/"
"""What addresses begin with that are for people of the platform's account."""
KIB: Final = 1024
MIB: Final = 1024 * KIB
KEYS_LIVE: Final = timedelta(hours=24)
_REPLAYED: Final[Header] = (b"idempotency-replayed", b"true")
_KEY: Final = re.compile(r"[!-~]{1,255}")
_VERSION: Final = re.compile(r'"([1-9][0-9]{0,17})"')
_NO_BODY: Final[Header] = (b"content-length", b"0")
_SIGNING_IN: Final = frozenset({b"authorization", b"cookie"})
_YAML: Final = re.compile(r"application/(?:x-)?yaml(?:\s*;\s*charset=\"?utf-8\"?)?\s*", re.IGNORECASE)
_JSON: Final = re.compile(r"application/(?:[a-z0-9.-]+\+)?json(?:\s*;\s*charset=\"?utf-8\"?)?\s*", re.IGNORECASE)


@frozen
class Face:
    """What the routes stand before: the use cases, and what this edge itself needs."""

    flowpilot: FlowPilot
    cursors: Cursors
    clock: Clock
    push: Push | None
    door: Door
    base_url: str
    links: Links
    account_heads: AccountHeads
    open_reads: OpenReads


class Call(Request[Person, None, State]):
    """A request with its person signed in (`user`).

    What is wrong with query, headers or body is only said to somebody for whom the session or handoff of the path exists.
    """

    @property
    def flowpilot(self) -> FlowPilot:
        """The use cases."""
        return self._face.flowpilot

    @property
    def account_id(self) -> AccountId:
        """The account the path names; only addresses of pages name one."""
        return self._id("account", AccountId)

    @property
    def provider_id(self) -> ProviderId:
        """The identity provider the path names."""
        return self._id("provider", ProviderId)

    @property
    def session_id(self) -> SessionId:
        """The session the path names. Raises `NotFound` for what cannot be an id, as do the others."""
        return self._id("session", SessionId)

    @property
    def handoff_id(self) -> HandoffId:
        """The handoff the path names."""
        return self._id("handoff", HandoffId)

    @property
    def step_id(self) -> StepId:
        """The step the path names."""
        return self._id("step", StepId)

    @property
    def template_id(self) -> ScriptTemplateId:
        """The script template the path names."""
        return self._id("template", ScriptTemplateId)

    @property
    def subject(self) -> Subject:
        """The kind of the thing in the gallery that the path names. Raises `NotFound` for what is none."""
        try:
            return Subject(self.scope["path_params"]["subject"])
        except ValueError:
            raise NotFound("template") from None

    @property
    def subject_id(self) -> UUID:
        """The thing in the gallery that the path names."""
        return self._id("subject", lambda found: found)

    @property
    def rating_id(self) -> RatingId:
        """The rating the path names."""
        return self._id("rating", RatingId)

    @property
    def proposal_id(self) -> TreeProposalId:
        """The proposal of a tree that the path names."""
        return self._id("proposal", TreeProposalId)

    @property
    def number(self) -> int:
        """The number the path names. Raises `NotFound` for what is none."""
        number = self.scope["path_params"]["number"]
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise NotFound("revision")
        return int(number)

    @property
    def picture_id(self) -> PictureId:
        """The picture the path names."""
        return self._id("picture", PictureId)

    @property
    def branch_id(self) -> BranchId:
        """The branch the path names."""
        return self._id("branch", BranchId)

    @property
    def suggestion_id(self) -> SuggestionId:
        """The suggestion the path names."""
        return self._id("suggestion", SuggestionId)

    @property
    def output_id(self) -> OutputId:
        """The resolution output the path names."""
        return self._id("output", OutputId)

    @property
    def assessment_id(self) -> AssessmentId:
        """The assessment the path names."""
        return self._id("assessment", AssessmentId)

    @property
    def delivery_id(self) -> DeliveryId:
        """The delivery the path names."""
        return self._id("delivery", DeliveryId)

    @property
    def token_id(self) -> TokenId:
        """The token that the path names."""
        return self._id("token", TokenId)

    @property
    def schedule_id(self) -> MaintenanceScheduleId:
        """The maintenance schedule named in the path."""
        return self._id("schedule", MaintenanceScheduleId)

    @property
    def run_id(self) -> MaintenanceRunId:
        """The maintenance run named in the path."""
        return self._id("run", MaintenanceRunId)

    @property
    def webhook_id(self) -> WebhookId:
        """The webhook the path names."""
        return self._id("webhook", WebhookId)

    @property
    def message_id(self) -> WebhookMessageId:
        """The webhook message the path names."""
        return self._id("message", WebhookMessageId)

    @property
    def connection_id(self) -> PsaConnectionId:
        """The connection to a PSA that the path names."""
        return self._id("connection", PsaConnectionId)

    @property
    def post_id(self) -> PsaPostId:
        """The post that the path names."""
        return self._id("post", PsaPostId)

    @property
    def tree_id(self) -> TreeId:
        """The tree the path names."""
        return self._id("tree", TreeId)

    @property
    def category_id(self) -> TreeCategoryId:
        """The category of trees the path names."""
        return self._id("category", TreeCategoryId)

    @property
    def user_id(self) -> UserId:
        """The person the path names."""
        return self._id("user", UserId)

    @property
    def team_id(self) -> TeamId:
        """The team the path names."""
        return self._id("team", TeamId)

    @property
    def token(self) -> str:
        """The secret that the path ends with."""
        return str(self.scope["path_params"]["token"])

    @property
    def links(self) -> Links:
        """What makes and reads addresses that are keys."""
        return self._face.links

    def now(self) -> datetime:
        """The time."""
        return self._face.clock.now()

    @property
    def told(self) -> Mapping[str, str]:
        """The headers of another system's request, by their names in small letters; of one that came twice the last."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.scope["headers"]}

    def ours(self, path: str) -> str:
        """Where a path of ours is found from outside."""
        return f"{self._face.base_url}{path}"

    async def body(self) -> bytes:
        """All of it; where the request says that there is none, nobody waits for it."""
        if _NO_BODY in self.scope["headers"]:
            return b""
        return await super().body()

    async def read(self, kind: type[S], *, query: type[msgspec.Struct] = Nothing) -> S:
        """The body, of a request without any other query. Raises `NotFound`, else `Refused` where either cannot be read."""
        raw = await self.body()
        try:
            decoding.query(self.scope["query_string"], query)
            if raw and not _JSON.fullmatch(self._header(b"content-type") or "application/json"):
                raise Refused("unsupported_media_type", "Send `Content-Type: application/json`.")
            return decoding.body(raw, kind)
        except Refused:
            await self._require_path()
            raise

    async def read_file(self, kind: type[S]) -> S:
        """The body as JSON or YAML, as its type says. Raises `Refused` where it cannot be read."""
        if not _YAML.fullmatch(self._header(b"content-type") or ""):
            return await self.read(kind)
        decoding.query(self.scope["query_string"], Nothing)
        return await self.read_as(kind, await self.body(), yaml=True)

    async def read_as(self, kind: type[S], raw: bytes, *, yaml: bool) -> S:
        """What a file says, in YAML or else in JSON. Raises `Refused` where it cannot be read."""
        if not yaml:
            return decoding.body(raw, kind)
        try:
            data = await self.flowpilot.trees.converted(self.user, yaml_text.read, raw)
        except yaml_text.NoPlainYaml as exc:
            raise Refused("malformed", f"The file {exc}.", At("", str(exc))) from None
        return decoding.data(data, kind)

    async def file(self, kinds: Collection[str], *, most: int) -> bytes:
        """The body, which is a file of one of these media types. Raises `NotFound`, else `Refused`."""
        try:
            if (self._header(b"content-type") or "").partition(";")[0].strip().lower() not in kinds:
                raise Refused("unsupported_media_type", f"Send `Content-Type: {' or '.join(kinds)}`.")
            try:
                return await self.body()
            except RequestEntityTooLarge:
                bound = f"{most // MIB} MiB" if most >= MIB else f"{most // KIB} KiB"
                raise Refused("body_too_large", f"A file may have at most {bound} here.") from None
        except Refused:
            await self._require_path()
            raise

    async def wanted(self, kind: type[S]) -> S:
        """The query. Raises `NotFound`, else `Refused` where it cannot be read."""
        try:
            return decoding.query(self.scope["query_string"], kind)
        except Refused:
            await self._require_path()
            raise

    def looks_different(self) -> None:
        """What the account is called, or how it looks, was changed just now."""
        self._face.account_heads.forget(self.user.account_id)

    def shown(self, answer: object, *, version: int | None = None) -> Body:
        """A thing, with its version as the ETag that `If-Match` takes."""
        return Body(encode(answer), headers=() if version is None else ((b"etag", b'"%d"' % version),))

    async def changed(
        self,
        use_case: Callable[[Change], Awaitable[R]],
        answer: Callable[[R], object],
        *,
        status: int = 200,
        again: Callable[[R], object] | None = None,
    ) -> Body:
        """What a use case that changes something came to, once for each `Idempotency-Key`.

        `again`: what a repeat is answered with, where `answer` holds a secret that is to be kept nowhere.
        """
        first: list[bytes] = []

        def render(result: R) -> Answer:
            shown = (again or answer)(result)
            first[:] = [b"" if status == NO_CONTENT else encode(shown)]
            kept = first[0] if len(first[0]) <= LARGEST_KEPT else referring(shown, self._within())
            return Answer(status=status, body=kept)

        try:
            change = await self._change(render)
        except Refused:
            await self._require_path()
            raise
        try:
            result = await use_case(change)
        except AlreadyAnswered as before:
            body = await made_anew(before.answer.body, self.flowpilot, self.user)
            return Body(body, status=before.answer.status, headers=(_REPLAYED,))
        if again is not None:
            return Body(encode(answer(result)), status=status)
        if not first:
            render(result)
        return Body(first.pop(), status=status)

    async def listed(
        self,
        page: Page,
        of: str,
        kind: type[P],
        more: Callable[[P | None, int], Awaitable[Sequence[R]]],
        *,
        shown: Callable[[R], object],
        at: Callable[[R], P],
        account_id: AccountId | None = None,
        answer: Callable[..., object] = Listed,
    ) -> Body:
        """A page of the list `of`, whose filter is part of its name.

        `more` reads so many items after a position, `at` tells an item's position, `shown` what clients read of it. `account_id`: whose
        list it is, where nobody is signed in. `answer`: what a page is, where it says more than others.
        """
        account_id = account_id or self.user.account_id
        try:
            after = None if page.cursor is None else self._face.cursors.read(page.cursor, account_id, of, kind)
        except Refused:
            await self._require_path()
            raise
        items = await more(after, page.limit + 1)
        rest = len(items) > page.limit
        items = items[: page.limit]
        next_cursor = self._face.cursors.make(account_id, of, at(items[-1])) if rest else None
        return Body(encode(answer(items=[shown(item) for item in items], next_cursor=next_cursor)))

    async def listening(self, last_event_id: str | None) -> Streamed:
        """What happens in the account, from now on or after the event that this or the header `Last-Event-ID` names."""
        if self._face.push is None:
            raise Unavailable("push")
        last = self._header(b"last-event-id") or last_event_id
        after = EventIds(self._face.cursors).read(self.user.account_id, last) if last else None
        headers = [(name, value) for name, value in self.scope["headers"] if name in _SIGNING_IN]
        still = partial(self._face.door.again, headers)
        stream = await self._face.push.open(
            await still(),
            credential=sha256(repr(headers).encode()).digest(),
            signed_in=still,
            digest=self._face.door.digest(headers),
            after=after,
            lost=bool(last) and after is None,
        )
        return Streamed(self._face.push, stream)

    async def _change(self, render: Callable[[Any], Answer]) -> Change:
        """What the headers say about a change. Raises `Refused`."""
        version = None
        if (expected := self._header(b"if-match")) not in (None, "*"):
            if not (found := _VERSION.fullmatch(expected or "")):
                raise Refused("malformed", 'If-Match takes one version in quotes, such as "3".', At("", "If-Match is not a version"))
            version = int(found[1])
        request_id = self.scope["request_id"]  # type: ignore[typeddict-item]
        key = self._header(b"idempotency-key")
        if key is None:
            return Change(id=request_id, if_match=version)
        if not _KEY.fullmatch(key):
            raise Refused(
                "malformed", "An Idempotency-Key is 1 to 255 visible ASCII characters.", At("", "Idempotency-Key is not a valid key")
            )
        now = self.now()
        query = self.scope["query_string"]
        path = self.scope["path"].encode() + (b"?" + query if query else b"")
        what = b"%s %s\n%s" % (self.scope["method"].encode(), path, await self.body())
        once = Once(user_id=self.user.user_id, key=key, fingerprint=sha256(what).digest(), at=now, expired=now - KEYS_LIVE)
        return Change(id=request_id, if_match=version, once=once, render=render)

    async def _require_path(self) -> None:
        """Raises `NotFound` unless this person may know of what the path names."""
        named = self.scope["path_params"]
        for thing, known in KNOWN.items():
            if thing in named:
                await known(self)
                return

    async def require_session(self) -> None:
        """Raises `NotFound` unless this person may know of the session that the path names, and what else it names is of it."""
        named = self.scope["path_params"]
        detail = await self.flowpilot.sessions.get(self.user, self.session_id)
        if "branch_id" in named:
            detail.session.branches.get(self.branch_id)
        if "output_id" in named:
            await self.flowpilot.outputs.require(self.user, self.session_id, self.output_id)
        if "step_id" in named and self.step_id not in {step.id for step in detail.steps}:
            raise NotFound("step")
        if "picture_id" in named and self.picture_id not in {one.id for step in detail.steps for one in step.pictures}:
            raise NotFound("picture")

    async def require_subject(self) -> None:
        """Raises `NotFound` unless this person may know of what the path names in the gallery."""
        gallery = self.flowpilot.gallery
        look = gallery.require if self.scope["path"].startswith(ADMINS) else gallery.get
        await look(self.user, self.subject, self.subject_id)

    def require_open(self) -> None:
        """Raises `NotFound` or `TooManyLooks` where who is not signed in is not answered."""
        self._face.open_reads.require(self.scope)

    def _within(self) -> UUID | None:
        """The thing that what the path names belongs to."""
        named = self.scope["path_params"]
        return next((UUID(named[thing]) for thing in KNOWN if thing in named), None)

    @property
    def _face(self) -> Face:
        return cast(Face, self.app.state["face"])

    def _id(self, thing: str, kind: Callable[[UUID], Id]) -> Id:
        value = self.scope["path_params"][f"{thing}_id"]
        try:
            found = UUID(value)
        except ValueError:
            raise NotFound(thing) from None
        if str(found) != value.lower():
            raise NotFound(thing)
        return kind(found)

    def _header(self, wanted: bytes) -> str | None:
        """The one value of a header. Raises `Refused` where it comes twice."""
        values = [value for name, value in self.scope["headers"] if name == wanted]
        if len(values) > 1:
            raise Refused("malformed", f"{wanted.decode()} was sent twice.", At("", f"{wanted.decode()} was sent twice"))
        return values[0].decode("latin-1") if values else None


KNOWN: Final[Mapping[str, Callable[[Call], Awaitable[object]]]] = MappingProxyType(
    {
        "session_id": Call.require_session,
        "handoff_id": lambda call: call.flowpilot.handoffs.get(call.user, call.handoff_id),
        "template_id": lambda call: call.flowpilot.script_templates.require(call.user, call.template_id),
        "token_id": lambda call: call.flowpilot.tokens.require(call.user, call.token_id),
        "webhook_id": lambda call: call.flowpilot.webhooks.require(call.user, call.webhook_id),
        "connection_id": lambda call: call.flowpilot.psa.require_connection(call.user, call.connection_id),
        "post_id": lambda call: call.flowpilot.psa.require_post(call.user, call.post_id),
        "provider_id": lambda call: call.flowpilot.identities.require(call.user, call.provider_id),
        "schedule_id": lambda call: call.flowpilot.maintenance.get(call.user, call.schedule_id),
        "run_id": lambda call: call.flowpilot.maintenance.run(call.user, call.run_id),
        "tree_id": lambda call: call.flowpilot.trees.require(call.user, call.tree_id),
        "proposal_id": lambda call: call.flowpilot.tree_proposals.require(call.user, call.proposal_id),
        "category_id": lambda call: call.flowpilot.tree_categories.require(call.user, call.category_id),
        "user_id": lambda call: call.flowpilot.people.member(call.user, call.user_id),
        "team_id": lambda call: call.flowpilot.people.team(call.user, call.team_id),
        "subject_id": Call.require_subject,
    }
)
"""What a path can be about, by its parameter, and what raises `NotFound` for who may not know of it. The first that it names counts."""
