"""What the database refuses, in the core's words."""

from typing import Final

import psycopg

from flowpilot_core.domain.kernel.errors import (
    ConnectionExists,
    FlowPilotError,
    InvalidValue,
    KeyInProgress,
    NotFound,
    OutcomeUnknown,
    Stale,
    Unauthenticated,
    Unavailable,
)

from .schema import metadata

STALE: Final = "FP001"
"""The SQLSTATE of a save that found another version."""
NOBODY: Final = "FP002"
"""The SQLSTATE of an event by somebody who is not active here."""

_TAKEN: Final = {
    "uq_person_email": ("email", "is already used by somebody in this account"),
    "uq_identity_provider_issuer": ("issuer", "is already trusted by this account"),
    "uq_team_name": ("name", "is already the name of a team"),
}
_EXISTS: Final = "uq_psa_connection_system"
_LOST_RACES: Final = frozenset(
    {"uq_step_number", "uq_invitation_user", "pk_branch", "pk_fork_point", "pk_due_work", "pk_idempotency_key", "pk_imported_row"}
    # A category that was there a moment ago, or was empty.
    | {"fk_tree_category", "fk_tree_category_parent"}
    # A relay that died and another one start the same thing.
    | {"uq_maintenance_run_occurrence", "pk_maintenance_session", "uq_maintenance_notice_user"}
    # What the product brings has the same ids wherever it is brought.
    | {"pk_tree", "pk_tree_category", "pk_script_template"}
    # Two sessions that were resolved at once taught the same.
    | {"uq_tree_proposal_node", "uq_tree_proposal_session_tree"}
)
"""Keys that two units of work can only both want where one of them acts on what is no longer so."""

_THINGS: Final = {
    "person": "user",
    "fork_point": "fork point",
    "identity_provider": "identity provider",
    "tree_revision": "tree",
    "maintenance_schedule": "schedule",
}
_MISSING: Final = {
    key.name: _THINGS.get(key.referred_table.name, key.referred_table.name)
    for table in metadata.tables.values()
    for key in table.foreign_key_constraints
}

_TRY_AGAIN: Final = frozenset({STALE, "40001", "40P01"})
_LOCK_TIMEOUT: Final = "55P03"
_OUTSIDE: Final = ("08", "25006", "25P03", "53", "55P03", "57", "58")
"""Beginnings of the SQLSTATEs that are about the server and its load rather than about what was asked."""


def translated(error: psycopg.Error, *, committing: bool = False, keyed: bool = False, lost: bool = False) -> Exception:
    """What to raise for an error of a round trip; one that says that the program is wrong stays what it is.

    `committing`: the trip was to commit. `keyed`: it waited for an idempotency key. `lost`: the connection is gone.
    """
    state = error.sqlstate or ""
    if lost and committing:
        return OutcomeUnknown()
    if state in _TRY_AGAIN:
        return Stale()
    if state == NOBODY:
        return Unauthenticated()
    if state == _LOCK_TIMEOUT and keyed:
        return KeyInProgress()
    if isinstance(error, psycopg.errors.UniqueViolation | psycopg.errors.ForeignKeyViolation):
        return _of_constraint(error) or error
    if lost or state.startswith(_OUTSIDE) or (isinstance(error, psycopg.OperationalError) and not state):
        return Unavailable("database")
    return error


def _of_constraint(error: psycopg.IntegrityError) -> FlowPilotError | None:
    constraint = error.diag.constraint_name
    if constraint in _TAKEN:
        return InvalidValue(*_TAKEN[constraint])
    if constraint == _EXISTS:
        return ConnectionExists("this PSA")
    if constraint in _LOST_RACES:
        return Stale()
    if constraint in _MISSING:
        return NotFound(_MISSING[constraint])
    return None
