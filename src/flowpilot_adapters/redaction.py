"""Redaction by the core's rules and by what detect-secrets knows of keys."""

import hmac
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from hashlib import sha256
from typing import Final
from uuid import UUID

from attrs import field, frozen
from detect_secrets.plugins.artifactory import ArtifactoryDetector
from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import RegexBasedDetector
from detect_secrets.plugins.cloudant import CloudantDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.ibm_cloud_iam import IbmCloudIamDetector
from detect_secrets.plugins.ibm_cos_hmac import IbmCosHmacDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.softlayer import SoftlayerDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

from flowpilot_core.domain.assistant.redaction import SecretKind, Span, cleaner, placeholder, spans
from flowpilot_core.ports.assistant import Clean

# Its guesses by entropy and by the words around are left out: what an engineer pastes is full of digests and ids, and for words
# the core's own rules know more of what stands on a ticket.
_DETECTORS: Final[tuple[RegexBasedDetector, ...]] = (
    ArtifactoryDetector(),
    AWSKeyDetector(),
    AzureStorageKeyDetector(),
    CloudantDetector(),
    DiscordBotTokenDetector(),
    GitHubTokenDetector(),
    GitLabTokenDetector(),
    IbmCloudIamDetector(),
    IbmCosHmacDetector(),
    MailchimpDetector(),
    NpmDetector(),
    OpenAIDetector(),
    PypiTokenDetector(),
    SendGridDetector(),
    SlackDetector(),
    SoftlayerDetector(),
    SquareOAuthDetector(),
    StripeDetector(),
    TelegramBotTokenDetector(),
    TwilioKeyDetector(),
)
LONGEST_PIECE: Final = 1_000
OVERLAP: Final = 200
"""Characters of a line that are looked at together, and of those how many once more with what comes next: no key is longer."""
MOST_CASES: Final = 32
"""Cases that are remembered as they were told last, since many are told of one at once."""
_TAG: Final = 3
"""Bytes of a placeholder's tag."""


@frozen
class SecretRedactor:
    """As `Redactor` says. Tags are keyed, so that nobody can try out which secret one stands for."""

    _key: bytes = field(repr=False)

    def __call__(self, texts: Iterable[str], *, within: UUID, personal: bool = False) -> Clean:
        """As `Redactor` says."""
        return _cleaner(self._key, within, personal, tuple(texts))


@lru_cache(maxsize=MOST_CASES)
def _cleaner(key: bytes, within: UUID, personal: bool, texts: tuple[str, ...]) -> Clean:
    def tagged(kind: SecretKind, secret: str) -> str:
        digest = hmac.digest(key, within.bytes + secret.encode("utf-8", "surrogatepass"), sha256)
        return placeholder(kind, digest[:_TAG].hex())

    return cleaner(texts, partial(_spans, personal=personal), tagged)


def _spans(text: str, *, personal: bool) -> Iterator[Span]:
    yield from spans(text, personal=personal)
    for at, piece in _pieces(text):
        for detector in _DETECTORS:
            for pattern in detector.denylist:
                for match in pattern.finditer(piece):
                    # As the library itself reads its patterns: what their groups hold, or all.
                    start, end = next((match.span(number) for number in range(1, len(match.groups()) + 1) if match[number]), match.span())
                    yield Span(at + start, at + end, SecretKind.KEY)


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a text, which is what the library is made for; a line without end in pieces, since some patterns look far ahead."""
    at = 0
    for line in text.splitlines(keepends=True):
        for start in range(0, len(line), LONGEST_PIECE - OVERLAP):
            yield at + start, line[start : start + LONGEST_PIECE]
        at += len(line)
