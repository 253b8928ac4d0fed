"""The facade: every use case, put together from the ports."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from attrs import frozen

from flowpilot_core.domain.identifiers import AccountId
from flowpilot_core.ports.clock import Clock, NewId, NewSecret
from flowpilot_core.ports.identity import OpenId
from flowpilot_core.ports.persistence import BeginWork, ViewOf
from flowpilot_core.ports.psa import Psa
from flowpilot_core.ports.redactor import Redactor
from flowpilot_core.ports.secrets import Vault

from .accounts import Accounts
from .api_tokens import ApiTokens
from .assessments import Assessments
from .auditing import Auditing
from .escalation import Escalation
from .handoffs import Handoffs
from .identities import Identities, NoOpenId
from .invitations import Invitations
from .outputs import Outputs
from .own_account import OwnAccount
from .people import People
from .psa_access import Psas
from .psa_connections import PsaConnections
from .psa_webhooks import PsaWebhooks
from .reactions import reactions
from .redacting import redact_by_rules
from .replay import Replay
from .secrets import NoVault, Safe
from .sessions import Sessions
from .sign_in_codes import SignInCodes
from .signing_in import SigningIn
from .suggesting import Suggestions
from .tickets import Tickets
from .units import Units
from .webhooks import Webhooks


def wake_nobody(_: AccountId) -> None:
    """There is nobody here to wake."""


@frozen(kw_only=True)
class FlowPilot:
    """What the product does, for an edge or an embedding program to call; every use case takes the actor first."""

    sessions: Sessions
    handoffs: Handoffs
    assessments: Assessments
    suggestions: Suggestions
    outputs: Outputs
    escalation: Escalation
    accounts: Accounts
    account: OwnAccount
    auditing: Auditing
    tokens: ApiTokens
    webhooks: Webhooks
    psa: PsaConnections
    tickets: Tickets
    psa_webhooks: PsaWebhooks
    people: People
    invitations: Invitations
    replay: Replay
    signing_in: SigningIn
    sign_in_codes: SignInCodes
    identities: Identities

    @classmethod
    def of(
        cls,
        *,
        begin: BeginWork,
        view: ViewOf,
        clock: Clock,
        new_id: NewId,
        new_secret: NewSecret,
        tell: bool = True,
        assess: bool = True,
        vault: Vault | None = None,
        openid: OpenId | None = None,
        models: bool = False,
        redact: Redactor = redact_by_rules,
        psas: Mapping[str, Psa] = MappingProxyType({}),
        committed: Callable[[AccountId], None] = wake_nobody,
    ) -> "FlowPilot":
        """All use cases over these ports.

        `tell`: whether anybody is told of an escalation; `assess`: whether it is assessed; `models`: whether a model is asked for
        suggestions and outputs too. `redact` takes secrets out of suggestions and resolution outputs. `vault` seals what accounts keep
        secret; without one there are no webhooks and no PSAs; `psas` are those that can be connected, by system. `openid` speaks with
        identity providers, where accounts may have some. `committed` is called after every commit with its account, to wake a relay and
        whoever waits for news: it must return at once, and losing the call costs nothing but time.
        """
        units = Units(begin=begin, committed=committed, new_id=new_id, reactions=reactions(new_id))
        safe = Safe(vault=vault or NoVault(), clock=clock, new_id=new_id)
        connectable = Psas(vendors=psas, safe=safe)
        signing_in = SigningIn(begin=begin, view=view, clock=clock, new_id=new_id, new_secret=new_secret)
        speaking = openid or NoOpenId()
        return cls(
            handoffs=Handoffs(units=units, view=view, clock=clock, new_id=new_id, tell=tell, assess=assess),
            suggestions=Suggestions(units=units, view=view, clock=clock, new_id=new_id, redact=redact, models=models),
            outputs=Outputs(units=units, clock=clock, new_id=new_id, redact=redact, models=models),
            assessments=Assessments(units=units, view=view, clock=clock, new_id=new_id),
            sessions=Sessions(units=units, view=view, clock=clock, new_id=new_id, tell=tell),
            escalation=Escalation(units=units, clock=clock),
            accounts=Accounts(begin=begin, view=view, clock=clock, new_id=new_id, new_secret=new_secret),
            account=OwnAccount(units=units, clock=clock),
            auditing=Auditing(begin=begin),
            tokens=ApiTokens(units=units, clock=clock, new_id=new_id, new_secret=new_secret),
            signing_in=signing_in,
            sign_in_codes=SignInCodes(begin=begin, signing_in=signing_in, committed=committed),
            identities=Identities(units=units, openid=speaking, safe=safe, clock=clock, new_id=new_id, new_secret=new_secret),
            psa=PsaConnections(units=units, view=view, clock=clock, new_id=new_id, psas=connectable),
            tickets=Tickets(begin=begin, clock=clock, psas=connectable),
            psa_webhooks=PsaWebhooks(units=units, clock=clock, new_id=new_id, new_secret=new_secret, psas=connectable),
            webhooks=Webhooks(units=units, clock=clock, new_id=new_id, new_secret=new_secret, safe=safe),
            people=People(units=units, view=view, clock=clock, new_id=new_id),
            invitations=Invitations(begin=begin, clock=clock),
            replay=Replay(begin=begin, view=view, new_id=new_id),
        )
