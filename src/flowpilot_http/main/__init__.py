"""The composition root: the one place that chooses adapters and puts the program together.

Each part is imported once somebody asks for it, so that a command that needs the database alone waits for no web framework and no client.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from flowpilot_http import late

if TYPE_CHECKING:
    from .backups import back_up as back_up
    from .backups import restore as restore
    from .database import database_of as database_of
    from .database import migrate as migrate
    from .directory import account_called as account_called
    from .directory import accounts as accounts
    from .examining import examine as examine
    from .identities import flowpilot_and_providers as flowpilot_and_providers
    from .keys import secret_key as secret_key
    from .models import speakers as speakers
    from .relaying import drain as drain
    from .relaying import relay as relay
    from .serving import serve as serve
    from .serving import serve_together as serve_together
    from .upkeep import pause_relays as pause_relays
    from .upkeep import resume_relays as resume_relays
    from .upkeep import rotate as rotate
    from .use_cases import flowpilot_of as flowpilot_of


_PARTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "account_called": ".directory",
        "accounts": ".directory",
        "back_up": ".backups",
        "database_of": ".database",
        "drain": ".relaying",
        "examine": ".examining",
        "flowpilot_and_providers": ".identities",
        "flowpilot_of": ".use_cases",
        "migrate": ".database",
        "pause_relays": ".upkeep",
        "relay": ".relaying",
        "restore": ".backups",
        "resume_relays": ".upkeep",
        "rotate": ".upkeep",
        "secret_key": ".keys",
        "serve": ".serving",
        "serve_together": ".serving",
        "speakers": ".models",
    }
)


def __getattr__(name: str) -> Any:
    if name not in _PARTS:
        raise AttributeError(f"{__name__} has no {name}")
    return late.part(_PARTS[name], name, of=__name__)
