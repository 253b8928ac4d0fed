"""Which accounts there are, and which one an operator means."""

from uuid import UUID

from flowpilot_adapters.sql import roles
from flowpilot_adapters.sql.access.directory import ListedAccount, SeesNotAll
from flowpilot_adapters.sql.access.directory import accounts as listed
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_http.settings import Settings, variable

from .database import database_of
from .failures import CannotRun


def accounts(settings: Settings) -> list[ListedAccount]:
    """All there are, oldest first. Raises `CannotRun`."""
    with database_of(settings) as urls:
        if urls.backup is None:
            raise CannotRun(
                f"set {variable('backup_database_url')} to the database as {roles.BACKUP}, the only role that sees more than one account"
            )
        try:
            return listed(urls.backup)
        except SeesNotAll as exc:
            raise CannotRun(
                f"let {variable('backup_database_url')} connect as {roles.BACKUP}, the only role that sees more than one account"
            ) from exc


def account_called(settings: Settings, said: str) -> AccountId:
    """The account of this id, or of this name. Raises `CannotRun` where it is none's, or more than one's."""
    try:
        return AccountId(UUID(said))
    except ValueError:
        named = [one for one in accounts(settings) if one.name.casefold() == said.casefold()]
    match named:
        case [one]:
            return AccountId(one.id)
        case []:
            raise CannotRun(f"no account is called {said!r}; `flowpilot account list` shows them all")
        case several:
            raise CannotRun(f"several accounts are called {said!r}: say which by its id, {' or '.join(str(one.id) for one in several)}")
