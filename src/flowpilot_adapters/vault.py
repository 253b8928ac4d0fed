"""The vault: AES-GCM by envelope, under a key that the environment or a file names."""

import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from flowpilot_core.domain.kernel.errors import SecretUnreadable
from flowpilot_core.domain.kernel.identifiers import AccountId

_VERSION: Final = b"\x01"
_ID: Final = 8
_NONCE: Final = 12
_KEY: Final = 32
_TAG: Final = 16
_WRAPPED: Final = _NONCE + _KEY + _TAG
_HEAD: Final = len(_VERSION) + _ID


class AesGcmVault:
    """As `Vault` says. Each secret has a key of its own, which is wrapped by one that is derived from `keys`.

    What is stored is a version, the wrapping key's name, the wrapped key, and the secret. Account and purpose are bound to both parts,
    so that neither opens elsewhere, and another wrapping key changes the first part alone.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        """The key of now first, then older ones that may still open what they sealed. Raises `ValueError` for none."""
        if not keys:
            raise ValueError("a vault needs a key")
        named = [(_derived(key, b"name", _ID), AESGCM(_derived(key, b"wrap", _KEY))) for key in keys]
        self._current = named[0][0]
        # Of two with one name they are the same.
        self._keys = dict(reversed(named))

    @property
    def key_id(self) -> str:
        """As `Vault.key_id` says."""
        return self._current.hex()

    def seal(self, account_id: AccountId, purpose: str, secret: bytes) -> bytes:
        """As `Vault.seal` says."""
        key = AESGCM.generate_key(_KEY * 8)
        return self._head(key, account_id, purpose) + _encrypted(AESGCM(key), secret, _bound(b"secret", account_id, purpose))

    def open(self, account_id: AccountId, purpose: str, sealed: bytes) -> bytes:
        """As `Vault.open` says."""
        key = AESGCM(self._unwrapped(account_id, purpose, sealed))
        return _decrypted(key, sealed[_HEAD + _WRAPPED :], _bound(b"secret", account_id, purpose), purpose)

    def resealed(self, account_id: AccountId, purpose: str, sealed: bytes) -> bytes:
        """As `Vault.resealed` says: its own key is wrapped anew, and the secret itself is not looked at."""
        return self._head(self._unwrapped(account_id, purpose, sealed), account_id, purpose) + sealed[_HEAD + _WRAPPED :]

    def _head(self, key: bytes, account_id: AccountId, purpose: str) -> bytes:
        name = self._current
        return _VERSION + name + _encrypted(self._keys[name], key, _bound(b"key " + name, account_id, purpose))

    def _unwrapped(self, account_id: AccountId, purpose: str, sealed: bytes) -> bytes:
        name = sealed[len(_VERSION) : _HEAD]
        wrapping = self._keys.get(name)
        if wrapping is None or not sealed.startswith(_VERSION):
            raise SecretUnreadable(purpose)
        return _decrypted(wrapping, sealed[_HEAD : _HEAD + _WRAPPED], _bound(b"key " + name, account_id, purpose), purpose)


def _derived(key: bytes, use: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=b"flowpilot vault, version 1, " + use).derive(key)


def _bound(part: bytes, account_id: AccountId, purpose: str) -> bytes:
    """What a part is bound to; lengths keep two purposes from reading alike."""
    name = purpose.encode()
    return _VERSION + account_id.bytes + len(name).to_bytes(4) + name + part


def _encrypted(key: AESGCM, data: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + key.encrypt(nonce, data, bound)


def _decrypted(key: AESGCM, data: bytes, bound: bytes, purpose: str) -> bytes:
    try:
        return key.decrypt(data[:_NONCE], data[_NONCE:], bound)
    except (InvalidTag, ValueError):
        raise SecretUnreadable(purpose) from None
