"""A machine that answers as the vendors of models do, and as they fail."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from attrs import define, field, frozen


@frozen(kw_only=True)
class Said:
    """One answer: a status with headers and a body, sent whole, cut off after some bytes, or never."""

    status: int = 200
    body: bytes = b"{}"
    headers: tuple[str, ...] = ()
    cut_after: int | None = None
    """Bytes of the body after which it hangs up."""
    silent: bool = False
    """Whether it stops in the middle and neither goes on nor hangs up."""


@define
class ModelServer:
    """Speaks the protocols of both vendors; `requests` are what it was asked, as JSON."""

    port: int = 0
    requests: list[dict[str, Any]] = field(factory=list)
    paths: list[str] = field(factory=list)
    script: deque[Said | dict[str, Any] | str] = field(factory=deque)
    """What the next requests come to, one each: a `Said`, or the model's own words. Without one: a refusal of the server's."""

    _writers: list[asyncio.StreamWriter] = field(factory=list, init=False)

    @property
    def anthropic(self) -> str:
        """Where Anthropic's SDK finds it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def openai(self) -> str:
        """Where OpenAI's SDK finds it."""
        return f"http://127.0.0.1:{self.port}/v1"

    @asynccontextmanager
    async def running(self) -> AsyncIterator["ModelServer"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self._writers:
                writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            while line := await reader.readline():
                headers = {}
                while (header := (await reader.readline()).strip()) != b"":
                    name, _, value = header.partition(b":")
                    headers[name.lower()] = value.strip()
                body = json.loads(await reader.readexactly(int(headers.get(b"content-length", b"0"))))
                self.requests.append(body)
                self.paths.append(line.split()[1].decode())
                said = self.script.popleft() if self.script else Said(status=500)
                answer = said if isinstance(said, Said) else Said(body=json.dumps(self._reply(said)).encode())
                head = [f"HTTP/1.1 {answer.status} X", "content-type: application/json", f"content-length: {len(answer.body)}"]
                writer.write("\r\n".join([*head, *answer.headers, "", ""]).encode() + answer.body[: answer.cut_after])
                await writer.drain()
                if answer.silent:
                    await reader.read()
                if answer.silent or answer.cut_after is not None:
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _reply(self, said: dict[str, Any] | str) -> dict[str, Any]:
        text = said if isinstance(said, str) else json.dumps(said)
        if self.paths[-1].startswith("/v1/messages"):
            return {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": "a-model",
                "content": [{"type": "text", "text": text}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 100, "output_tokens": 50},
            }
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": "a-model",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150},
        }

    def heard(self, number: int = -1) -> str:
        """All that a request says, whoever's protocol it is in."""
        return json.dumps(self.requests[number], ensure_ascii=False)
