"""The secret key: where it comes from, and what is sealed with it."""

import logging
import os
from functools import cached_property
from pathlib import Path
from typing import Final

from flowpilot_adapters.system import new_id, new_secret
from flowpilot_adapters.vault import AesGcmVault
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.ports.access import Vault
from flowpilot_http.settings import SHORTEST_KEY, Settings, variable

from .failures import CannotRun

log = logging.getLogger("flowpilot.keys")

KEY_FILE: Final = "secret_key"


def secret_keys(settings: Settings) -> tuple[bytes, ...]:
    """The secret key, and the one before it where one is named. Raises `CannotRun`."""
    previous = settings.secret_key_previous
    if settings.secret_key_previous_file is not None:
        return secret_key(settings), _key_in(settings.secret_key_previous_file)
    return (secret_key(settings), previous.encode()) if previous is not None else (secret_key(settings),)


def secret_key(settings: Settings) -> bytes:
    """What secrets are sealed and cursors signed with; beside an embedded database one is made on first use. Raises `CannotRun`."""
    if settings.secret_key is not None:
        return settings.secret_key.encode()
    file = settings.secret_key_file
    if file is None:
        if not settings.embedded:
            raise CannotRun(
                f"set {variable('secret_key')} or {variable('secret_key_file')}: with a database server every process needs the same key; "
                "make one with: openssl rand -hex 32"
            )
        file = settings.data_dir / KEY_FILE
        _make_key(file)
    return _key_in(file)


def key_files(settings: Settings) -> list[Path]:
    """The files that the secret key and the one before it are kept in."""
    made = settings.data_dir / KEY_FILE if settings.embedded and settings.secret_key is None else None
    return [file for file in (settings.secret_key_file or made, settings.secret_key_previous_file) if file is not None]


def _key_in(file: Path) -> bytes:
    try:
        key = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise CannotRun(f"the secret key in {file} cannot be read: {exc}") from exc
    if len(key) < SHORTEST_KEY:
        raise CannotRun(f"the secret key in {file} is shorter than {SHORTEST_KEY} characters; make one with: openssl rand -hex 32")
    return key.encode()


def _make_key(file: Path) -> None:
    """Unless it is there: whole at once, so that two processes that start together end up with one key."""
    if file.exists():
        return
    made = file.with_name(f"{file.name}.{new_id()}")
    made.touch(mode=0o600)
    made.write_text(new_secret().hex() + "\n", encoding="utf-8")
    try:
        os.link(made, file)
    except FileExistsError:
        log.debug("another process made the secret key first")
    finally:
        made.unlink()


def vault_of(settings: Settings) -> Vault:
    """The vault, which asks for the key when it is first used. That raises `CannotRun` without one."""
    return _VaultOnDemand(settings)


class _VaultOnDemand:
    """The vault, for commands of which most keep no secret: the key is asked for by whoever needs it. Each raises `CannotRun` without."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _vault(self) -> AesGcmVault:
        return AesGcmVault(secret_keys(self._settings))

    @property
    def key_id(self) -> str:
        return self._vault.key_id

    def seal(self, account_id: AccountId, purpose: str, secret: bytes) -> bytes:
        return self._vault.seal(account_id, purpose, secret)

    def open(self, account_id: AccountId, purpose: str, sealed: bytes) -> bytes:
        return self._vault.open(account_id, purpose, sealed)

    def resealed(self, account_id: AccountId, purpose: str, sealed: bytes) -> bytes:
        return self._vault.resealed(account_id, purpose, sealed)
