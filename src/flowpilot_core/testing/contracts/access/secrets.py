"""Secrets: what every vault and every store of sealed secrets must do."""

from asyncio import gather
from collections.abc import Callable, Sequence

import pytest
from attrs import evolve

from flowpilot_core.application.access.secrets import AT_ONCE, Rotation, Safe
from flowpilot_core.domain.access.audit import DeedKind
from flowpilot_core.domain.access.sealed_secret import SealedSecret
from flowpilot_core.domain.kernel.errors import NotFound, SecretUnreadable
from flowpilot_core.domain.kernel.identifiers import AccountId, SecretId
from flowpilot_core.ports.access import SecretHolders, Vault
from flowpilot_core.ports.kernel import BeginWork
from flowpilot_core.ports.unit_of_work import UnitOfWork
from flowpilot_core.testing.builders import NOON, SetClock, Staff, new_id
from flowpilot_core.testing.contracts.contract import Adapter, Contract

ACME = AccountId(new_id())
GLOBEX = AccountId(new_id())

VaultOf = Callable[[Sequence[bytes]], Vault]


class VaultContract:
    """`Vault`: override the fixture with what makes a vault that knows these keys, the one of now first.

    `capabilities` names what it can do: `hides` and `rotates`, which a stand-in without a lock cannot.
    """

    capabilities: frozenset[str] = frozenset()

    @staticmethod
    def vault_of(keys: Sequence[bytes]) -> Vault:
        raise NotImplementedError("override this with a vault that knows these keys")

    @property
    def vault(self) -> Vault:
        return self.vault_of([b"k" * 32])

    @pytest.mark.parametrize("purpose", ["psa", "", "mit Umlaut: ä", "p" * 300])
    @pytest.mark.parametrize("secret", [b"hunter2", b"", b"\0\xff" * 40_000])
    def test_what_was_sealed_opens(self, secret: bytes, purpose: str) -> None:
        assert secret == self.vault.open(ACME, purpose, self.vault.seal(ACME, purpose, secret))

    @pytest.mark.parametrize(("account_id", "purpose"), [(GLOBEX, "psa"), (ACME, "webhook"), (ACME, "psa2"), (ACME, "")])
    def test_it_opens_for_its_own_account_and_purpose_alone(self, account_id: AccountId, purpose: str) -> None:
        sealed = self.vault.seal(ACME, "psa", b"hunter2")

        with pytest.raises(SecretUnreadable) as refused:
            self.vault.open(account_id, purpose, sealed)

        assert "hunter2" not in str(refused.value)

    @pytest.mark.parametrize("damage", [lambda _: b"", lambda sealed: sealed[:-1], lambda sealed: sealed[:20], lambda _: b"x" * 200])
    @pytest.mark.requires("hides")
    def test_what_is_damaged_does_not_open(self, damage: Callable[[bytes], bytes]) -> None:
        with pytest.raises(SecretUnreadable):
            self.vault.open(ACME, "psa", damage(self.vault.seal(ACME, "psa", b"hunter2")))

    @pytest.mark.requires("hides")
    def test_no_byte_of_it_can_be_changed(self) -> None:
        sealed = self.vault.seal(ACME, "psa", b"hunter2")

        for place in range(len(sealed)):
            with pytest.raises(SecretUnreadable):
                self.vault.open(ACME, "psa", sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :])

    @pytest.mark.requires("hides")
    def test_nothing_of_a_secret_can_be_seen_and_two_seals_are_never_alike(self) -> None:
        first, second = (self.vault.seal(ACME, "psa", b"hunter2 hunter2 hunter2") for _ in range(2))

        assert b"hunter2" not in first
        assert first != second
        assert first[-30:] != second[-30:]

    @pytest.mark.requires("rotates")
    def test_an_older_key_that_is_known_opens_and_one_that_is_not_does_not(self) -> None:
        old, new = b"o" * 32, b"n" * 32
        sealed = self.vault_of([old]).seal(ACME, "psa", b"hunter2")

        assert b"hunter2" == self.vault_of([new, old]).open(ACME, "psa", sealed)
        with pytest.raises(SecretUnreadable):
            self.vault_of([new]).open(ACME, "psa", sealed)

    @pytest.mark.requires("rotates")
    def test_what_was_resealed_needs_the_older_key_no_more(self) -> None:
        old, new = b"o" * 32, b"n" * 32
        sealed = self.vault_of([old]).seal(ACME, "psa", b"hunter2")

        resealed = self.vault_of([new, old]).resealed(ACME, "psa", sealed)

        assert b"hunter2" == self.vault_of([new]).open(ACME, "psa", resealed)
        with pytest.raises(SecretUnreadable):
            self.vault_of([new]).open(GLOBEX, "psa", resealed)

    @pytest.mark.requires("rotates")
    def test_keys_have_names_that_tell_them_apart_and_nothing_else(self) -> None:
        one, other = self.vault_of([b"o" * 32]), self.vault_of([b"n" * 32, b"o" * 32])

        assert one.key_id == self.vault_of([b"o" * 32]).key_id
        assert one.key_id != other.key_id


class Renamed:
    """A vault whose key goes by another name from now on; it opens what any of them sealed."""

    def __init__(self, vault: Vault, key_id: str) -> None:
        self._vault = vault
        self._prefix = f"{key_id}:".encode()
        self.key_id = key_id

    def seal(self, account_id: AccountId, purpose: str, secret: bytes) -> bytes:
        return self._prefix + self._vault.seal(account_id, purpose, secret)

    def open(self, account_id: AccountId, purpose: str, sealed: bytes) -> bytes:
        return self._vault.open(account_id, purpose, sealed.partition(b":")[2])

    def resealed(self, account_id: AccountId, purpose: str, sealed: bytes) -> bytes:
        return self._prefix + sealed.partition(b":")[2]


class _Choosy:
    """A vault that knows nothing of what has no key's name before it."""

    def __init__(self, vault: Renamed) -> None:
        self._vault = vault
        self.key_id = vault.key_id

    def seal(self, account_id: AccountId, purpose: str, secret: bytes) -> bytes:
        return self._vault.seal(account_id, purpose, secret)

    def open(self, account_id: AccountId, purpose: str, sealed: bytes) -> bytes:
        return self._vault.open(account_id, purpose, sealed)

    def resealed(self, account_id: AccountId, purpose: str, sealed: bytes) -> bytes:
        if b":" not in sealed:
            raise SecretUnreadable(purpose)
        return self._vault.resealed(account_id, purpose, sealed)


class SecretsContract(Contract):
    """`Secrets` and `SecretHolders`, whatever the vault; override `vault`."""

    @pytest.fixture
    def vault(self) -> Vault:
        raise NotImplementedError("override this fixture with a vault")

    @pytest.fixture
    def holders(self, adapter: Adapter) -> SecretHolders:
        raise NotImplementedError("override this fixture with what knows the accounts that have secrets")

    def safe(self, vault: Vault) -> Safe:
        return Safe(vault=vault, clock=SetClock(), new_id=new_id)

    async def kept(self, begin: BeginWork[UnitOfWork], staff: Staff, vault: Vault, text: str = "hunter2") -> SecretId:
        async with begin(staff.account_id) as work:
            secret_id = await self.safe(vault).put(work, staff.account_id, "psa", text)
            await work.commit()
        return secret_id

    async def stored(self, begin: BeginWork[UnitOfWork], staff: Staff, secret_id: SecretId) -> SealedSecret:
        async with begin(staff.account_id) as work:
            return await work.secrets.get(secret_id)

    async def all_of(self, holders: SecretHolders) -> list[AccountId]:
        found: list[AccountId] = []
        while page := await holders.holders(after=found[-1] if found else None, limit=2):
            found += page
        return found

    async def test_a_secret_is_had_again_as_it_was_kept(self, begin: BeginWork[UnitOfWork], acme: Staff, vault: Vault) -> None:
        secret_id = await self.kept(begin, acme, vault, "grüne Wörter")

        async with begin(acme.account_id) as work:
            assert "grüne Wörter" == await self.safe(vault).open(work, acme.account_id, "psa", secret_id)
            with pytest.raises(SecretUnreadable):
                await self.safe(vault).open(work, acme.account_id, "webhook", secret_id)

    async def test_one_kept_in_place_of_another_has_its_id(self, begin: BeginWork[UnitOfWork], acme: Staff, vault: Vault) -> None:
        secret_id = await self.kept(begin, acme, vault)

        async with begin(acme.account_id) as work:
            assert secret_id == await self.safe(vault).put(work, acme.account_id, "psa", "other", in_place_of=secret_id)
            await work.commit()

        async with begin(acme.account_id) as work:
            assert "other" == await self.safe(vault).open(work, acme.account_id, "psa", secret_id)

    async def test_what_is_rolled_back_was_never_kept(
        self, begin: BeginWork[UnitOfWork], acme: Staff, vault: Vault, holders: SecretHolders
    ) -> None:
        async with begin(acme.account_id) as work:
            secret_id = await self.safe(vault).put(work, acme.account_id, "psa", "hunter2")

        with pytest.raises(NotFound):
            await self.stored(begin, acme, secret_id)
        assert acme.account_id not in await self.all_of(holders)

    async def test_what_is_dropped_is_gone(self, begin: BeginWork[UnitOfWork], acme: Staff, vault: Vault) -> None:
        secret_id = await self.kept(begin, acme, vault)

        async with begin(acme.account_id) as work:
            await work.secrets.drop(secret_id)
            await work.commit()

        with pytest.raises(NotFound):
            await self.stored(begin, acme, secret_id)

    async def test_anothers_secret_does_not_exist(self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff, vault: Vault) -> None:
        """A27: nor can it be dropped or written over."""
        secret_id = await self.kept(begin, acme, vault)
        before = await self.stored(begin, acme, secret_id)

        with pytest.raises(NotFound):
            await self.stored(begin, globex, secret_id)
        async with begin(globex.account_id) as work:
            await work.secrets.drop(secret_id)
            await work.secrets.put(evolve(before, sealed=b"other"))
            assert secret_id in {secret.id for secret in await work.secrets.sealed_otherwise("other", limit=10)}
            await work.commit()

        assert before == await self.stored(begin, acme, secret_id)

    async def test_accounts_with_secrets_are_known_page_by_page(
        self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff, vault: Vault, holders: SecretHolders
    ) -> None:
        assert not {acme.account_id, globex.account_id} & set(await self.all_of(holders))
        for staff in (acme, globex, acme):
            await self.kept(begin, staff, vault)

        found = await self.all_of(holders)

        assert sorted(set(found)) == found
        assert {acme.account_id, globex.account_id} <= set(found)

    async def test_a_rotation_reseals_everything_once(
        self, begin: BeginWork[UnitOfWork], acme: Staff, globex: Staff, vault: Vault, holders: SecretHolders
    ) -> None:
        old, new = Renamed(vault, str(new_id())), Renamed(vault, str(new_id()))
        ids = [(staff, await self.kept(begin, staff, old, f"secret {number}")) for number in range(3) for staff in (acme, globex)]
        rotation = Rotation(begin=begin, accounts=holders, vault=new, clock=SetClock())

        first, second = await rotation.run(), await rotation.run()

        assert (new.key_id, 0) == (first.key_id, second.resealed)
        assert first.resealed >= len(ids)
        for staff in (acme, globex):
            async with begin(staff.account_id) as work:
                (entered,) = await work.audit.page(before=None, limit=10)
            assert (DeedKind.SECRETS_RESEALED, {"resealed": 3, "key_id": new.key_id}) == (
                entered.entry.deed.kind,
                entered.entry.deed.changed,
            )
        assert {new.key_id} == {(await self.stored(begin, staff, secret_id)).key_id for staff, secret_id in ids}
        for number, (staff, secret_id) in enumerate(ids):
            async with begin(staff.account_id) as work:
                assert f"secret {number // 2}" == await self.safe(new).open(work, staff.account_id, "psa", secret_id)

    async def test_a_rotation_in_the_middle_of_traffic_loses_nothing(
        self, begin: BeginWork[UnitOfWork], acme: Staff, vault: Vault, holders: SecretHolders
    ) -> None:
        """What is written meanwhile, under the old key or the new one, is what is read in the end."""
        old, new = Renamed(vault, str(new_id())), Renamed(vault, str(new_id()))
        ids = [await self.kept(begin, acme, old) for _ in range(5)]

        async def change(number: int, secret_id: SecretId) -> None:
            for turn in range(5):
                async with begin(acme.account_id) as work:
                    using = self.safe(old if (number + turn) % 2 else new)
                    await using.put(work, acme.account_id, "psa", f"{number} {turn}", in_place_of=secret_id)
                    await work.commit()

        async def rotate() -> None:
            for _ in range(5):
                await Rotation(begin=begin, accounts=holders, vault=new, clock=SetClock()).run()

        await gather(rotate(), *(change(number, secret_id) for number, secret_id in enumerate(ids)))
        await rotate()

        async with begin(acme.account_id) as work:
            assert [] == list(await work.secrets.sealed_otherwise(new.key_id, limit=10))
            assert [f"{number} 4" for number in range(5)] == [
                await self.safe(new).open(work, acme.account_id, "psa", secret_id) for secret_id in ids
            ]

    async def test_what_cannot_be_opened_keeps_nothing_behind_it_back(
        self, begin: BeginWork[UnitOfWork], acme: Staff, vault: Vault, holders: SecretHolders
    ) -> None:
        lost = [
            SealedSecret(id=SecretId(new_id()), purpose="psa", sealed=b"nonsense", key_id="lost", created_at=NOON) for _ in range(AT_ONCE)
        ]
        async with begin(acme.account_id) as work:
            for secret in lost:
                await work.secrets.put(secret)
            await work.commit()
        old, new = Renamed(vault, str(new_id())), Renamed(vault, str(new_id()))
        secret_id = await self.kept(begin, acme, old)

        await Rotation(begin=begin, accounts=holders, vault=_Choosy(new), clock=SetClock()).run()

        assert new.key_id == (await self.stored(begin, acme, secret_id)).key_id

    async def test_what_cannot_be_opened_stays_and_is_counted(
        self, begin: BeginWork[UnitOfWork], acme: Staff, vault: Vault, holders: SecretHolders
    ) -> None:
        lost = SealedSecret(id=SecretId(new_id()), purpose="psa", sealed=b"nonsense", key_id="lost", created_at=NOON)
        async with begin(acme.account_id) as work:
            await work.secrets.put(lost)
            await work.commit()

        rotated = await Rotation(begin=begin, accounts=holders, vault=vault, clock=SetClock()).run()

        assert rotated.unreadable >= 1
        assert lost == await self.stored(begin, acme, lost.id)
