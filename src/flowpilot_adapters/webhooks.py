"""Webhooks over HTTP, signed as the Standard Webhooks specification says."""

from typing import Final

import httpx
from attrs import field, frozen
from standardwebhooks import Webhook as Signer

from flowpilot_core.domain.kernel.retry_after import retry_after
from flowpilot_core.ports.kernel import Clock
from flowpilot_core.ports.notifications import NotSent, WebhookAnswer, WebhookCall

_LONGEST: Final = 4_000
"""Characters of an answer that are looked at."""


@frozen
class HttpWebhooks:
    """Over a client that sees to where it may go and how long it may take."""

    _client: httpx.AsyncClient = field(repr=False)
    clock: Clock = field(kw_only=True)

    async def call(self, call: WebhookCall) -> WebhookAnswer:
        """As `WebhookCaller.call` says."""
        headers = {
            "content-type": "application/json",
            "webhook-id": call.message_id,
            "webhook-timestamp": str(int(call.at.timestamp())),
            "webhook-signature": " ".join(Signer(secret).sign(call.message_id, call.at, call.body) for secret in call.secrets),
        }
        try:
            answer = await self._client.post(call.url, content=call.body.encode(), headers=headers, follow_redirects=False)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as exc:
            raise NotSent(f"the address cannot be asked: {exc}", permanent=True, logged="the address cannot be asked") from exc
        except httpx.TimeoutException as exc:
            raise NotSent("the address did not answer in time", unknown=True) from exc
        except httpx.HTTPError as exc:
            # Its words are our guard's, or the network's; none holds the address, but a certificate's may name its host.
            what, kind = "the address could not be asked", type(exc).__name__
            raise NotSent(f"{what}: {str(exc) or kind}", unknown=isinstance(exc, httpx.ReadError), logged=f"{what}: {kind}") from exc
        # By no charset that it names: some of those that Python knows can read nothing.
        body = answer.content.decode("utf-8", "replace")[:_LONGEST].replace("\0", "")
        pause = retry_after(answer.headers.get("retry-after"), now=self.clock.now())
        return WebhookAnswer(status=answer.status_code, body=body, retry_after=pause)
