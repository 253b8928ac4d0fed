"""Redaction by the core's rules, with tags that nobody can guess at, in processes of its own and once for all who ask."""

import hmac
from asyncio import Lock, to_thread
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from hashlib import blake2b, sha256
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

from ahocorasick_rs import AhoCorasick, MatchKind
from attrs import define, field, frozen

from flowpilot_core.domain.assistant.case_texts import texts_in, without_secrets
from flowpilot_core.domain.assistant.redaction import Cleaner, Learned, Looked, learned, looked_through, placeholder
from flowpilot_core.domain.assistant.secrets.search import Find
from flowpilot_core.domain.assistant.secrets.span import SecretKind
from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_core.domain.kernel.events import Plain
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.assistant import Clean
from flowpilot_core.ports.kernel import Compute

SMALL: Final = 4_096
"""Characters that are looked through at once, in a few milliseconds; more of them go to a process of their own."""
MOST_BYTES: Final = 64 * 1024 * 1024
"""Of what is remembered of texts, so that all who are told of a case share it, and a change costs what changed."""
_ENTRY, _SPAN, _VALUE, _WIDEST = 600, 150, 150, 4
"""Bytes of an entry, a span, a value and a character at most."""
_TAG: Final = 3
"""Bytes of a placeholder's tag."""

_Text = tuple[AccountId, bool, bytes]
"""A text of one account: nothing is shared between accounts, even if they wrote the same."""


def search(words: Sequence[str], *, each: bool) -> Find:
    """As `Search` says, a hundred times as fast as Python."""
    automaton = AhoCorasick(words, matchkind=MatchKind.Standard if each else MatchKind.LeftmostLongest)
    return partial(automaton.find_matches_as_indexes, overlapping=each)


@frozen
class _Tags:
    """Keyed, so that nobody can try out which secret one stands for."""

    key: bytes = field(repr=False)
    within: UUID

    def __call__(self, kind: SecretKind, secret: str) -> str:
        digest = hmac.digest(self.key, self.within.bytes + secret.encode("utf-8", "surrogatepass"), sha256)
        return placeholder(kind, digest[:_TAG].hex())


@define
class SecretRedactor:
    """As `Redactor` says. One for all who ask in a process."""

    _key: bytes = field(repr=False)
    _compute: Compute
    _most_bytes: int = MOST_BYTES
    _texts: OrderedDict[_Text, Looked] = field(factory=OrderedDict, init=False, repr=False)
    """What was found in texts; those that were asked for last are last."""
    _bytes: int = field(default=0, init=False)
    _turns: WeakValueDictionary[AccountId, Lock] = field(factory=WeakValueDictionary, init=False, repr=False)
    """Who of an account asks for the same at the same time waits for it, and has it then."""

    async def cleaner(self, account_id: AccountId, texts: Iterable[str], *, within: UUID, personal: bool = False) -> Clean:
        """As `Redactor` says."""
        told = tuple(dict.fromkeys(texts))
        tags = _Tags(self._key, within)
        if sum(map(len, told)) <= SMALL:
            return Cleaner(learned(told, personal, search), tags, personal, search)
        turn = self._turns.setdefault(account_id, Lock())
        async with turn:
            looked = await self._looked(account_id, told, personal)
        if not looked:
            return Cleaner(Learned({}, {}), tags, personal, search, left=0)
        return Cleaner(Learned.of(looked), tags, personal, search)

    async def cleaned(self, account_id: AccountId, plain: Mapping[str, Plain], clean: Clean) -> dict[str, Plain]:
        """As `Redactor` says."""
        if sum(map(len, texts_in(plain))) <= SMALL:
            return without_secrets(plain, clean)
        return await self._compute(account_id, without_secrets, plain, clean)

    async def _looked(self, account_id: AccountId, texts: tuple[str, ...], personal: bool) -> Mapping[str, Looked]:
        """Nothing where it takes more time or memory than work may: then no text of the case leaves, but word of it does."""
        keys = {text: (account_id, personal, digest) for text, digest in zip(texts, await to_thread(_digests, texts), strict=True)}
        new = [text for text in texts if keys[text] not in self._texts]
        try:
            found = await self._compute(account_id, looked_through, new, personal, search) if new else []
        except Unavailable as exc:
            if isinstance(exc.__cause__, (TimeoutError, MemoryError)):
                return {}
            raise
        of_new = dict(zip(new, found, strict=True))
        looked = {text: of_new[text] if text in of_new else self._texts[keys[text]] for text in texts}
        for text, one in looked.items():
            self._remember(keys[text], one)
        return looked

    def _remember(self, key: _Text, looked: Looked) -> None:
        self._bytes -= _size(self._texts.pop(key)) if key in self._texts else 0
        if looked.found.end:
            self._texts[key] = looked
            self._bytes += _size(looked)
        while self._bytes > self._most_bytes:
            self._bytes -= _size(self._texts.popitem(last=False)[1])


def _size(looked: Looked) -> int:
    """Bytes, about: of each span, each value and what holds them."""
    return _ENTRY + _SPAN * len(looked.found.spans) + sum(_VALUE + _WIDEST * len(value) for value in looked.values)


def _digests(texts: tuple[str, ...]) -> list[bytes]:
    return [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest() for text in texts]
