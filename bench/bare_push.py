"""The least there is to push with: an ASGI application that sends every stream what is put into its memory."""

import asyncio
import socket
import sys
from typing import Any

import uvicorn

TEXT = b"event: handoff.rerouted\nid: %024d\ndata: {" + b"x" * 200 + b"}\n\n"
open_now: set["asyncio.Queue[bytes]"] = set()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """`GET /events` is a stream; `POST /` puts one event into all of them."""
    if scope["type"] != "http":
        return
    if scope["method"] == "POST":
        for one in open_now:
            one.put_nowait(TEXT % len(open_now))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b'"id"'})
        return
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    open_now.add(queue)
    leaving = asyncio.create_task(_left(receive, queue))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    await send({"type": "http.response.body", "body": b": welcome\n\n", "more_body": True})
    while text := await queue.get():
        await send({"type": "http.response.body", "body": text, "more_body": True})
    open_now.discard(queue)
    await leaving


async def _left(receive: Any, queue: "asyncio.Queue[bytes]") -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    queue.put_nowait(b"")


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(app, http="httptools", loop="uvloop", ws="none", lifespan="off", log_level="error", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])
    sys.exit(0)
