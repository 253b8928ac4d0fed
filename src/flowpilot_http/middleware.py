"""The outermost layer: what every request and every answer has, whatever route it is for."""

import re
import time
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

import structlog
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.routes import HTTPRoute
from litestar.types import Message, Receive, Scope, Send

from . import logs
from .metrics import Metrics
from .negotiation import PAGE
from .problems import problem_of
from .responses import Header

log = structlog.get_logger()

_SANE: Final = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

SECURITY: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
ONLY_TLS: Final[Header] = (b"strict-transport-security", b"max-age=31536000")
"""For a year, no browser that was here once comes by plain http; said where browsers find us by https."""
PRIVATE: Final[tuple[Header, ...]] = ((b"cache-control", b"private, no-store"), (b"vary", b"Authorization, Cookie"))
NO_PAGE: Final[Header] = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


class Edge:
    """The application as a server runs it: names each request, counts it, logs it, and adds what every answer carries.

    A HEAD is a GET whose answer ends with its headers.
    """

    def __init__(self, app: Litestar, *, metrics: Metrics, new_id: Callable[[], UUID], base_url: str) -> None:
        self.app = app
        # Litestar tells of the methods that it knew of when a path first got one.
        self._methods = {
            route.path_format: ", ".join(sorted(map(str, route.methods))).encode() for route in app.routes if isinstance(route, HTTPRoute)
        }
        self._negotiated = {
            route.path_format
            for route in app.routes
            if isinstance(route, HTTPRoute) and any(handler.opt.get(PAGE) for handler in route.route_handlers)
        }
        self._always = (*SECURITY, ONLY_TLS) if base_url.startswith("https://") else SECURITY
        self._metrics = metrics
        self._new_id = new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever is no HTTP goes through untouched."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        request_id = next((value for name, value in scope["headers"] if name == b"x-request-id" and _SANE.fullmatch(value)), None)
        request_id = request_id or self._new_id().hex.encode()
        method = scope["method"]
        named: Any = scope
        if method == "HEAD":
            # A copy: the server goes by its own for what it may send.
            named = scope = {**scope, "method": "GET", "extensions": {}}
        named["request_id"] = request_id.decode()
        status = 0
        ended = False

        async def answer(message: Message) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status = message["status"]
                if method == "OPTIONS" and (methods := self._methods.get(named.get("path_template"))):
                    message["headers"] = [(b"allow", methods)]
                own = dict(message["headers"])
                headers = [*message["headers"], *self._always, (b"x-request-id", request_id)]
                if b"cache-control" not in own:
                    headers += PRIVATE
                if named.get("path_template") in self._negotiated:
                    headers.append((b"vary", b"Accept"))
                if b"content-security-policy" not in own:
                    headers.append(NO_PAGE)
                message["headers"] = headers
            elif method == "HEAD" and message["type"] == "http.response.body":
                if ended:
                    return
                # Also of an answer that would go on.
                message = {"type": "http.response.body", "body": b"", "more_body": False}
                ended = True
            await send(message)

        within = logs.REQUEST_ID.set(named["request_id"])
        try:
            await self.app(scope, receive, answer)
        except Exception as exc:
            problem = problem_of(exc)
            if not status:
                await problem.body()(scope, receive, answer)
        finally:
            self._note(named, method, status, time.perf_counter() - begun)
            logs.REQUEST_ID.reset(within)

    def _note(self, scope: Any, method: str, status: int, seconds: float) -> None:
        route = scope.get("path_template") or "none"
        method = method if method in _METHODS else "other"
        self._metrics.answered(method, route, status, seconds)
        user = scope.get("user")
        log.info(
            "request",
            method=method,
            route=route,
            status=status,
            seconds=round(seconds, 6),
            account_id=user and user.account_id,
            user_id=user and user.user_id,
        )
