"""Anthropic's models, by their own SDK."""

from collections.abc import Sequence
from typing import Any, Final

import anthropic

from flowpilot_core.ports.kernel import Clock

from .answer import Malformed
from .asking import MOST_TOKENS, PATIENCE, Reply, Stumbled, Turn
from .prompt import SCHEMA
from .wire import count, read, refused

_REFUSED: Final = "refusal"
_CUT: Final = ("max_tokens", "model_context_window_exceeded")


class AnthropicModel:
    """Speaks over the Messages API; the SDK is left no retries of its own."""

    provider = "anthropic"

    def __init__(self, model: str, *, api_key: str, clock: Clock, base_url: str | None = None) -> None:
        self.model = model
        self._clock = clock
        self._client = anthropic.AsyncAnthropic(api_key=api_key, base_url=base_url, max_retries=0, timeout=PATIENCE)

    async def say(self, turns: Sequence[Turn], *, system: str, on_behalf_of: str) -> Reply:
        """As `Speaks.say` says."""
        messages: list[Any] = [{"role": "user" if turn.ours else "assistant", "content": turn.text} for turn in turns]
        try:
            async with self._client.messages.with_streaming_response.create(
                model=self.model,
                max_tokens=MOST_TOKENS,
                system=system,
                messages=messages,
                output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
                metadata={"user_id": on_behalf_of},
            ) as response:
                told = await read(response.iter_bytes())
        except anthropic.APIStatusError as exc:
            raise refused(exc.status_code, exc.response.headers.get("retry-after"), self._clock) from exc
        except anthropic.APIError as exc:
            raise Stumbled("it cannot be reached, or hung up", again=True) from exc
        if told.get("stop_reason") == _REFUSED:
            raise Stumbled("it declines to answer", again=False)
        content = told.get("content")
        if not isinstance(content, list):
            raise Malformed("there is no text in it")
        text = "".join(block["text"] for block in content if isinstance(block, dict) and isinstance(block.get("text"), str))
        usage = told.get("usage")
        tokens_in = sum(count(usage, name) for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"))
        return Reply(text="" if told.get("stop_reason") in _CUT else text, tokens_in=tokens_in, tokens_out=count(usage, "output_tokens"))

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()
