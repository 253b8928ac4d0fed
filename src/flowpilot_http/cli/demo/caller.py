"""Somebody who calls the API over HTTP."""

import json
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPResponse
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


@frozen
class Listening:
    """An open stream of events."""

    connection: HTTPConnection
    response: HTTPResponse

    def hears(self, kind: str) -> Any:
        """What the next event of this kind says; None where none comes."""
        event, until = "", time.monotonic() + PATIENCE
        try:
            # A comment comes now and then even where nothing happens.
            while time.monotonic() < until and (line := self.response.readline()):
                name, _, value = line.decode().strip().partition(": ")
                event = value if name == "event" else event
                if name == "data" and event == kind:
                    return json.loads(value)
        except TimeoutError:
            pass  # It never came.
        return None

    def close(self) -> None:
        """Look away."""
        self.connection.close()


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

    def put(self, path: str, **body: object) -> Answer:
        """Set."""
        return self._call("PUT", path, body)

    def listen(self) -> "Listening":
        """Have the stream of events open, as somebody has who looks at the queue."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("GET", "/events", headers={"Authorization": f"Bearer {self.token}"})
        return Listening(connection, connection.getresponse())

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
