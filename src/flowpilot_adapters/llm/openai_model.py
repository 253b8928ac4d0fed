"""OpenAI's models, and whatever else speaks its protocol, by OpenAI's own SDK."""

from collections.abc import Sequence
from typing import Any, Final

import openai

from flowpilot_core.ports.kernel import Clock

from .answer import Malformed
from .asking import MOST_TOKENS, PATIENCE, Reply, Stumbled, Turn
from .prompt import SCHEMA
from .wire import count, read, refused

_CUT: Final = "length"
_FILTERED: Final = "content_filter"


class OpenAIModel:
    """Speaks over chat completions, which every such endpoint knows; the SDK is left no retries of its own."""

    provider = "openai"

    def __init__(self, model: str, *, api_key: str, clock: Clock, base_url: str | None = None) -> None:
        self.model = model
        self._clock = clock
        self._client = openai.AsyncOpenAI(api_key=api_key, base_url=base_url, max_retries=0, timeout=PATIENCE)
        # Elsewhere the older name is the one that is known.
        self._bound = {"max_completion_tokens" if base_url is None else "max_tokens": MOST_TOKENS}

    async def say(self, turns: Sequence[Turn], *, system: str, on_behalf_of: str) -> Reply:
        """As `Speaks.say` says."""
        messages: list[Any] = [{"role": "system", "content": system}]
        messages += [{"role": "user" if turn.ours else "assistant", "content": turn.text} for turn in turns]
        try:
            async with self._client.chat.completions.with_streaming_response.create(
                model=self.model,
                messages=messages,
                response_format={"type": "json_schema", "json_schema": {"name": "assessment", "strict": True, "schema": SCHEMA}},
                user=on_behalf_of,
                extra_body=self._bound,
            ) as response:
                told = await read(response.iter_bytes())
        except openai.APIStatusError as exc:
            raise refused(exc.status_code, exc.response.headers.get("retry-after"), self._clock) from exc
        except openai.APIError as exc:
            raise Stumbled("it cannot be reached, or hung up", again=True) from exc
        choices = told.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
        message = choice.get("message")
        if not isinstance(message, dict):
            raise Malformed("there is no message in it")
        if message.get("refusal") or choice.get("finish_reason") == _FILTERED:
            raise Stumbled("it declines to answer", again=False)
        content, usage = message.get("content"), told.get("usage")
        text = content if isinstance(content, str) and choice.get("finish_reason") != _CUT else ""
        return Reply(text=text, tokens_in=count(usage, "prompt_tokens"), tokens_out=count(usage, "completion_tokens"))

    async def close(self) -> None:
        """Close its connections."""
        await self._client.close()
