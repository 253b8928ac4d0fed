"""Somebody who calls the API over HTTP."""

import json
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Any

from attrs import field, frozen

PATIENCE = 30.0
"""Seconds for one answer."""


@frozen(kw_only=True)
class Answer:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    raw: bytes

    @property
    def body(self) -> Any:
        """The JSON in it."""
        return json.loads(self.raw)


@frozen(kw_only=True)
class Caller:
    """One person with a token, calling a server on this machine."""

    name: str
    port: int
    token: str = field(repr=False)

    def get(self, path: str) -> Answer:
        """Read."""
        return self._call("GET", path, None)

    def post(self, path: str, **body: object) -> Answer:
        """Do."""
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: Mapping[str, object] | None) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            return Answer(
                status=response.status, headers={name.lower(): value for name, value in response.getheaders()}, raw=response.read()
            )
        finally:
            connection.close()
