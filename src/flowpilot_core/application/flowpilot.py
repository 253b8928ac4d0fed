"""The facade: every use case, put together from the ports."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from attrs import frozen

from flowpilot_core.application.access.accounts import Accounts
from flowpilot_core.application.access.api_tokens import ApiTokens
from flowpilot_core.application.access.audit import Auditing
from flowpilot_core.application.access.identity_providers import Identities, NoOpenId
from flowpilot_core.application.access.invitations import Invitations
from flowpilot_core.application.access.own_account import OwnAccount
from flowpilot_core.application.access.own_branding import OwnBranding
from flowpilot_core.application.access.people import People
from flowpilot_core.application.access.secrets import NoVault, Safe
from flowpilot_core.application.access.sign_in_codes import SignInCodes
from flowpilot_core.application.access.sign_ins import SigningIn
from flowpilot_core.application.assistant.assessments import AssessEscalations, Assessments
from flowpilot_core.application.assistant.redaction import redact_by_rules
from flowpilot_core.application.assistant.suggestions import Suggestions
from flowpilot_core.application.handoffs.frozen_pictures import FrozenPictures
from flowpilot_core.application.handoffs.handoffs import Handoffs
from flowpilot_core.application.handoffs.parks import Parks
from flowpilot_core.application.handoffs.quiet_claims import watch_claims
from flowpilot_core.application.insights.analytics import Analytics
from flowpilot_core.application.insights.search import Search
from flowpilot_core.application.insights.weekly_digests import WeeklyDigests
from flowpilot_core.application.kernel.computing import compute_here
from flowpilot_core.application.kernel.units import Reaction, Units
from flowpilot_core.application.knowledge.gallery import Gallery
from flowpilot_core.application.knowledge.parsing import NO_PARSERS, Parsers
from flowpilot_core.application.knowledge.proposals import TreeProposals, propose_trees
from flowpilot_core.application.knowledge.ratings import Ratings
from flowpilot_core.application.knowledge.saving import SaveAsTree
from flowpilot_core.application.knowledge.script_templates import ScriptTemplates
from flowpilot_core.application.knowledge.tree_categories import TreeCategories
from flowpilot_core.application.knowledge.trees import Trees
from flowpilot_core.application.knowledge.walks import Walks
from flowpilot_core.application.maintenance.schedules import Schedules, no_recurrence
from flowpilot_core.application.notifications.deliveries import Deliveries
from flowpilot_core.application.notifications.escalation_policy import Escalation
from flowpilot_core.application.notifications.telling import Telling
from flowpilot_core.application.notifications.webhooks import Webhooks, tell_webhooks
from flowpilot_core.application.outputs.outputs import Outputs
from flowpilot_core.application.psa.access import Psas
from flowpilot_core.application.psa.connections import PsaConnections
from flowpilot_core.application.psa.posting import note_on_ticket
from flowpilot_core.application.psa.tickets import Tickets, read_ticket
from flowpilot_core.application.psa.webhooks import PsaWebhooks
from flowpilot_core.application.replay.replay import Replay
from flowpilot_core.application.sessions.pictures import NoPictures, Pictures
from flowpilot_core.application.sessions.sessions import Sessions
from flowpilot_core.domain.kernel.identifiers import AccountId
from flowpilot_core.domain.maintenance.schedule import Recurrence
from flowpilot_core.domain.sessions.bounds import BOUNDS, Bounds
from flowpilot_core.ports.access import OpenId, Vault
from flowpilot_core.ports.assistant import Redactor
from flowpilot_core.ports.kernel import BeginWork, Clock, Compute, NewId, NewSecret, PictureReader, ViewOf
from flowpilot_core.ports.psa import Psa
from flowpilot_core.ports.unit_of_work import UnitOfWork, View


def reactions(new_id: NewId) -> tuple[Reaction[UnitOfWork], ...]:
    """What follows from events, whatever made them happen: for the use cases, and for a relay that makes some happen itself."""
    return watch_claims(new_id), tell_webhooks, note_on_ticket(new_id), read_ticket, propose_trees(new_id)


def wake_nobody(_: AccountId) -> None:
    """There is nobody here to wake."""


@frozen(kw_only=True)
class FlowPilot:
    """What the product does, for an edge or an embedding program to call; every use case takes the actor first."""

    sessions: Sessions[UnitOfWork]
    pictures: Pictures[UnitOfWork]
    handoffs: Handoffs[UnitOfWork]
    frozen_pictures: FrozenPictures
    deliveries: Deliveries
    assessments: Assessments
    suggestions: Suggestions[UnitOfWork]
    outputs: Outputs
    trees: Trees
    tree_categories: TreeCategories
    saving: SaveAsTree
    walks: Walks
    escalation: Escalation
    accounts: Accounts
    account: OwnAccount
    branding: OwnBranding
    auditing: Auditing
    tokens: ApiTokens
    webhooks: Webhooks
    psa: PsaConnections
    tickets: Tickets
    psa_webhooks: PsaWebhooks
    script_templates: ScriptTemplates
    ratings: Ratings
    gallery: Gallery
    tree_proposals: TreeProposals
    maintenance: Schedules
    people: People
    invitations: Invitations
    replay: Replay
    analytics: Analytics
    search: Search
    weekly_digests: WeeklyDigests
    signing_in: SigningIn
    sign_in_codes: SignInCodes
    identities: Identities

    @classmethod
    def of(
        cls,
        *,
        begin: BeginWork[UnitOfWork],
        view: ViewOf[View],
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
        bounds: Bounds = BOUNDS,
        pictures: PictureReader | None = None,
        compute: Compute = compute_here,
        parsers: Parsers = NO_PARSERS,
        recurrence: Recurrence = no_recurrence,
        committed: Callable[[AccountId], None] = wake_nobody,
        base_url: str = "",
    ) -> "FlowPilot":
        """All use cases over these ports.

        `tell`: whether anybody is told of an escalation; `assess`: whether it is assessed; `models`: whether a model is asked for
        suggestions and outputs too. `redact` takes secrets out of suggestions and resolution outputs. `vault` seals what accounts keep
        secret; without one there are no webhooks and no PSAs; `psas` are those that can be connected, by system. `openid` speaks with
        identity providers, where accounts may have some. `bounds` say how much a session may hold. `pictures` reads those that are added to
        steps, and logos; without it none can be. `compute` works out what may take long. `parsers` read the scripts and patterns that
        people write; without them none is kept. `recurrence` works out when maintenance comes back; without it, it comes once.
        `committed` is called after every commit with its account, to wake a relay and whoever waits for news: it must return at once,
        and losing the call costs nothing but time. `base_url` is where the pages are, for what leads to them from elsewhere.
        """
        telling = (Telling(new_id=new_id),) if tell else ()
        assessing = (AssessEscalations(new_id=new_id),) if assess else ()
        units = Units(begin=begin, committed=committed, new_id=new_id, reactions=reactions(new_id))
        safe = Safe(vault=vault or NoVault(), clock=clock, new_id=new_id)
        connectable = Psas(vendors=psas, safe=safe)
        signing_in = SigningIn(begin=begin, view=view, clock=clock, new_id=new_id, new_secret=new_secret)
        speaking = openid or NoOpenId()
        trees = Trees(units=units, view=view, clock=clock, new_id=new_id, matches=parsers.matches, compute=compute)
        sessions = Sessions(units=units, view=view, clock=clock, new_id=new_id, followers=(Parks(), *telling), bounds=bounds)
        reader = pictures or NoPictures()
        reading = Pictures(units=units, view=view, clock=clock, new_id=new_id, reader=reader, bounds=bounds)
        scripts = ScriptTemplates(units=units, sessions=sessions, clock=clock, new_id=new_id, parsers=parsers, compute=compute)
        walks = Walks(units=units, view=view, sessions=sessions, clock=clock, new_id=new_id, matches=parsers.matches)
        suggestions = Suggestions(
            units=units,
            view=view,
            clock=clock,
            new_id=new_id,
            redact=redact,
            models=models,
            bounds=bounds,
            compute=compute,
            take_node=walks.take_node,
        )
        return cls(
            pictures=reading,
            frozen_pictures=FrozenPictures(view=view, pictures=reading),
            handoffs=Handoffs(units=units, view=view, clock=clock, new_id=new_id, followers=(*telling, *assessing)),
            deliveries=Deliveries(units=units, view=view, clock=clock),
            suggestions=suggestions,
            outputs=Outputs(units=units, clock=clock, new_id=new_id, redact=redact, models=models, compute=compute, base_url=base_url),
            trees=trees,
            saving=SaveAsTree(units=units, trees=trees, clock=clock, new_id=new_id, redact=redact, compute=compute),
            tree_categories=TreeCategories(units=units, view=view, clock=clock, new_id=new_id),
            assessments=Assessments(units=units, view=view, clock=clock, new_id=new_id),
            sessions=sessions,
            ratings=Ratings(units=units, clock=clock, new_id=new_id),
            script_templates=scripts,
            gallery=Gallery(units=units, view=view, trees=trees, script_templates=scripts, clock=clock),
            tree_proposals=TreeProposals(units=units, clock=clock, new_id=new_id),
            walks=walks,
            escalation=Escalation(units=units, clock=clock),
            accounts=Accounts(begin=begin, view=view, clock=clock, new_id=new_id, new_secret=new_secret),
            account=OwnAccount(units=units, clock=clock),
            branding=OwnBranding(units=units, view=view, clock=clock, reader=reader),
            auditing=Auditing(begin=begin),
            tokens=ApiTokens(units=units, clock=clock, new_id=new_id, new_secret=new_secret),
            signing_in=signing_in,
            sign_in_codes=SignInCodes(begin=begin, signing_in=signing_in, committed=committed),
            identities=Identities(
                units=units, openid=speaking, safe=safe, signing_in=signing_in, clock=clock, new_id=new_id, new_secret=new_secret
            ),
            psa=PsaConnections(units=units, view=view, clock=clock, new_id=new_id, psas=connectable),
            tickets=Tickets(begin=begin, view=view, clock=clock, psas=connectable),
            psa_webhooks=PsaWebhooks(units=units, clock=clock, new_id=new_id, new_secret=new_secret, psas=connectable),
            webhooks=Webhooks(units=units, clock=clock, new_id=new_id, new_secret=new_secret, safe=safe),
            maintenance=Schedules(units=units, clock=clock, new_id=new_id, recurrence=recurrence, compute=compute, matches=parsers.matches),
            people=People(units=units, view=view, clock=clock, new_id=new_id),
            invitations=Invitations(begin=begin, signing_in=signing_in, clock=clock),
            replay=Replay(begin=begin, view=view, new_id=new_id),
            analytics=Analytics(begin=begin, view=view, clock=clock, compute=compute),
            search=Search(view=view),
            weekly_digests=WeeklyDigests(units=units, clock=clock),
        )
