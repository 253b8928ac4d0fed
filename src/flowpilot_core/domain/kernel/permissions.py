"""The one table of who may do what, and how a refusal is told."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType

from attrs import frozen

from .actor import Actor, Person, Role, Scope, System
from .errors import NotAssignee, RoleForbidden, ScopeForbidden
from .identifiers import SessionId, UserId


class Permission(StrEnum):
    """A move that somebody may or may not make, in the words a refusal uses."""

    START = "start a session"
    READ_PARKED = "read a parked session"
    WORK = "work on a session"
    ADD_STEP = "add a step"
    SET_RESULT = "set the result of a step"
    ADD_PICTURE = "add a picture to a step"
    JOIN = "join a session"
    LEAVE = "leave a session"
    RATE_STEP = "rate a step"
    HAND_OFF = "hand a session off"
    RESUME = "resume a session"
    RESOLVE = "resolve a session"
    ABANDON = "abandon a session"
    REOPEN = "reopen a session"
    REASSIGN = "reassign a session"
    CLAIM = "claim an escalation"
    UNCLAIM = "give a claim back"
    LAPSE = "let a claim lapse"
    REROUTE = "reroute an escalation"
    WITHDRAW = "withdraw an escalation"
    READ_PROVIDERS = "see identity providers"
    MANAGE_PROVIDERS = "manage identity providers"
    RETRY_DELIVERY = "retry a delivery"
    CONNECT_PSA = "connect a PSA"
    READ_POSTS = "read what was posted to a PSA"
    RETRY_POST = "retry a post"
    MANAGE_PEOPLE = "manage people"
    MANAGE_OWNERS = "make or demote account owners"
    DEACTIVATE = "deactivate a person"
    SEE = "say that a handoff was seen"
    JUDGE = "judge an escalation"
    PREVIEW = "see who would be told"
    PREFER = "say how they want to be told"
    SET_POLICY = "set the escalation policy"
    REMIND = "remind people of an escalation"
    ASSESS = "ask for an assessment"
    DOCUMENT = "document a resolution"
    FEEDBACK = "give feedback on an assessment"
    MANAGE_WEBHOOKS = "manage webhooks"
    SET_ACCOUNT = "set how the account works"
    READ_AUDIT_LOG = "read the audit log"
    READ_PERSONAL_FIGURES = "read figures of each person"
    HAVE_WEEKLY_DIGEST = "have the weekly digest"
    KEEP_TOKENS = "make and revoke API tokens"
    READ_TREE_DRAFTS = "read the draft of a tree"
    WRITE_TREES = "write trees"
    PUBLISH_TREES = "publish trees"
    MANAGE_CATEGORIES = "manage categories"
    RATE_TREES = "rate trees and script templates"
    READ_PROPOSALS = "see proposed trees"
    DECIDE_PROPOSALS = "decide on proposed trees"
    MANAGE_GALLERY = "decide what the gallery shows"
    MANAGE_MAINTENANCE = "manage maintenance"


class Relation(StrEnum):
    """What a person must be to the thing, where the role alone is not enough."""

    ASSIGNEE = "its assignee"
    HELPER = "its helper"
    AT_WORK = "its assignee or helper"
    OF_STEP = "its assignee, or a helper who added the step"
    PARKED_WITH = "its assignee while it was parked"
    ESCALATOR = "its escalator"
    CLAIMER = "its claimer"
    THEMSELVES = "that person"
    AUTHOR = "its author"


OWNERS_AND_ADMINS = frozenset({Role.OWNER, Role.ADMIN})


ENGINEERS = OWNERS_AND_ADMINS | {Role.ENGINEER}


@frozen(kw_only=True)
class Rule:
    """Who may make one move: a role of `roles` that stands in `relation` to the thing, or one of `always`."""

    roles: frozenset[Role] = ENGINEERS
    relation: Relation | None = None
    always: frozenset[Role] = frozenset()
    system: bool = False
    """Whether time, webhooks and policies may do it."""


PERMISSIONS: Mapping[Permission, Rule] = MappingProxyType(
    {
        Permission.START: Rule(),
        Permission.READ_PARKED: Rule(roles=ENGINEERS | {Role.VIEWER}, relation=Relation.PARKED_WITH, always=OWNERS_AND_ADMINS),
        Permission.WORK: Rule(relation=Relation.ASSIGNEE),
        Permission.ADD_STEP: Rule(relation=Relation.AT_WORK),
        Permission.SET_RESULT: Rule(relation=Relation.OF_STEP),
        Permission.ADD_PICTURE: Rule(relation=Relation.OF_STEP),
        Permission.JOIN: Rule(),
        Permission.LEAVE: Rule(relation=Relation.HELPER),
        Permission.RATE_STEP: Rule(),
        Permission.HAND_OFF: Rule(relation=Relation.ASSIGNEE),
        Permission.RESUME: Rule(relation=Relation.ASSIGNEE, system=True),
        Permission.RESOLVE: Rule(relation=Relation.ASSIGNEE, system=True),
        Permission.ABANDON: Rule(relation=Relation.ASSIGNEE),
        Permission.REOPEN: Rule(),
        Permission.REASSIGN: Rule(relation=Relation.ASSIGNEE, always=OWNERS_AND_ADMINS),
        Permission.CLAIM: Rule(),
        Permission.UNCLAIM: Rule(relation=Relation.CLAIMER),
        Permission.LAPSE: Rule(roles=frozenset(), system=True),
        Permission.REROUTE: Rule(),
        Permission.WITHDRAW: Rule(relation=Relation.ESCALATOR, always=OWNERS_AND_ADMINS, system=True),
        Permission.RETRY_DELIVERY: Rule(roles=OWNERS_AND_ADMINS, system=True),
        Permission.CONNECT_PSA: Rule(roles=OWNERS_AND_ADMINS),
        Permission.READ_POSTS: Rule(roles=OWNERS_AND_ADMINS),
        Permission.RETRY_POST: Rule(roles=OWNERS_AND_ADMINS),
        Permission.MANAGE_PEOPLE: Rule(roles=OWNERS_AND_ADMINS),
        Permission.MANAGE_OWNERS: Rule(roles=frozenset({Role.OWNER})),
        Permission.DEACTIVATE: Rule(roles=frozenset(Role), relation=Relation.THEMSELVES, always=OWNERS_AND_ADMINS),
        Permission.READ_PROVIDERS: Rule(roles=OWNERS_AND_ADMINS, system=True),
        # Whoever runs a provider is whomever it vouches for, the account owner too.
        Permission.MANAGE_PROVIDERS: Rule(roles=frozenset({Role.OWNER}), system=True),
        Permission.SEE: Rule(roles=frozenset(Role)),
        Permission.JUDGE: Rule(relation=Relation.CLAIMER),
        Permission.PREVIEW: Rule(),
        Permission.PREFER: Rule(roles=frozenset(Role)),
        Permission.SET_POLICY: Rule(roles=OWNERS_AND_ADMINS),
        Permission.REMIND: Rule(roles=frozenset(), system=True),
        Permission.ASSESS: Rule(),
        Permission.DOCUMENT: Rule(),
        Permission.FEEDBACK: Rule(),
        Permission.MANAGE_WEBHOOKS: Rule(roles=OWNERS_AND_ADMINS),
        Permission.SET_ACCOUNT: Rule(roles=OWNERS_AND_ADMINS),
        Permission.READ_AUDIT_LOG: Rule(roles=OWNERS_AND_ADMINS, system=True),
        Permission.READ_PERSONAL_FIGURES: Rule(roles=OWNERS_AND_ADMINS),
        Permission.HAVE_WEEKLY_DIGEST: Rule(roles=OWNERS_AND_ADMINS),
        Permission.KEEP_TOKENS: Rule(roles=frozenset(Role), relation=Relation.THEMSELVES, always=OWNERS_AND_ADMINS),
        Permission.READ_TREE_DRAFTS: Rule(relation=Relation.AUTHOR, always=OWNERS_AND_ADMINS, system=True),
        # The system writes what a new version of the product brings to the platform.
        Permission.WRITE_TREES: Rule(system=True),
        Permission.PUBLISH_TREES: Rule(roles=OWNERS_AND_ADMINS, system=True),
        Permission.RATE_TREES: Rule(),
        Permission.MANAGE_CATEGORIES: Rule(roles=OWNERS_AND_ADMINS, system=True),
        Permission.READ_PROPOSALS: Rule(roles=OWNERS_AND_ADMINS),
        Permission.DECIDE_PROPOSALS: Rule(roles=OWNERS_AND_ADMINS),
        Permission.MANAGE_GALLERY: Rule(roles=OWNERS_AND_ADMINS, system=True),
        Permission.MANAGE_MAINTENANCE: Rule(roles=OWNERS_AND_ADMINS),
    }
)


_READING = frozenset(
    {
        Permission.READ_PARKED,
        Permission.READ_POSTS,
        Permission.READ_PROVIDERS,
        Permission.PREVIEW,
        Permission.READ_TREE_DRAFTS,
        Permission.READ_PROPOSALS,
        Permission.READ_PERSONAL_FIGURES,
    }
)


_MANAGING = frozenset(
    {permission for permission, rule in PERMISSIONS.items() if rule.roles and rule.roles <= OWNERS_AND_ADMINS}
    | {Permission.DEACTIVATE, Permission.PREFER, Permission.KEEP_TOKENS}
)


SCOPES: Mapping[Scope, frozenset[Permission]] = MappingProxyType(
    {Scope.READ: _READING, Scope.WORK: frozenset(Permission) - _MANAGING | _READING, Scope.ALL: frozenset(Permission)}
)


def require_role(actor: Actor, permission: Permission) -> None:
    """Raises `RoleForbidden` where the actor's role can never do this, whatever it stands in to the thing; or `ScopeForbidden`."""
    rule = PERMISSIONS[permission]
    if isinstance(actor, System):
        if not rule.system:
            raise RoleForbidden("system", permission)
    elif actor.role not in rule.roles:
        raise RoleForbidden(actor.role, permission)
    else:
        require_scope(actor, permission)


def require_scope(actor: Person, permission: Permission) -> None:
    """Raises `ScopeForbidden` where what the actor signed in with is not good for this, whoever they are."""
    if permission not in SCOPES[actor.scope]:
        raise ScopeForbidden(actor.scope, permission)


def permits(actor: Actor, permission: Permission, related: Collection[UserId]) -> bool:
    """Whether the table lets the actor do this to a thing whose people in the rule's relation are `related`."""
    rule = PERMISSIONS[permission]
    if isinstance(actor, System):
        return rule.system
    if permission not in SCOPES[actor.scope]:
        return False
    return actor.role in rule.roles and (rule.relation is None or actor.role in rule.always or actor.user_id in related)


def require(actor: Actor, permission: Permission, session_id: SessionId, *related: UserId) -> None:
    """Raises `RoleForbidden`, or `NotAssignee` where the role would do and the person is not one of `related`."""
    require_role(actor, permission)
    if not permits(actor, permission, related):
        raise NotAssignee(session_id)


def person(actor: Actor, permission: Permission) -> Person:
    """The actor, where a move needs somebody. Raises `RoleForbidden` for the system, or `ScopeForbidden`."""
    if not isinstance(actor, Person):
        raise RoleForbidden("system", permission)
    require_scope(actor, permission)
    return actor
