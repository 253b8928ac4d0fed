"""A secret of an account as it is stored: sealed."""

from datetime import datetime

from attrs import frozen

from flowpilot_core.domain.kernel.identifiers import SecretId


@frozen(kw_only=True)
class SealedSecret:
    """A password, a key or an address that is one, which nobody can read who has the database alone."""

    id: SecretId
    purpose: str
    """What it is for, in a word of the program, such as `psa`: it opens for nothing else."""
    sealed: bytes
    key_id: str
    """Which key it is sealed under."""
    created_at: datetime
