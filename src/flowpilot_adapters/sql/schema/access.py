"""Accounts, who is in them, and how they come in."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Index, LargeBinary, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from flowpilot_core.domain.kernel.actor import Role, Scope, Way
from flowpilot_core.domain.kernel.sending import DeliveryState

from .columns import foreign_key, integer_column, metadata, of_account, one_of, primary_key, text_column, time_column, uuid_column

account = Table(
    "account",
    metadata,
    uuid_column("account_id"),
    text_column("name"),
    time_column("created_at"),
    Column("redacts_personal", Boolean, nullable=False),
    integer_column("mails_a_minute"),
    Column("time_zone", Text, nullable=False, server_default=text("'UTC'")),
    time_column("closed_at", null=True),
    primary_key("account"),
)


branding = Table(
    "branding",
    metadata,
    uuid_column("account_id"),
    integer_column("version"),
    text_column("display_name", null=True),
    text_column("colour", null=True),
    text_column("website", null=True),
    text_column("footer", null=True),
    text_column("mail_sender_name", null=True),
    Column("logo", JSONB, nullable=True),
    Column("logo_whole", LargeBinary, nullable=True),
    Column("logo_worn", LargeBinary, nullable=True),
    primary_key("branding"),
    of_account("branding"),
    CheckConstraint("num_nulls(logo, logo_whole, logo_worn) IN (0, 3)", name="ck_branding_logo"),
)
"""What an account shows of itself; without a row, nothing."""


team = Table(
    "team",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    text_column("name"),
    time_column("archived_at", null=True),
    primary_key("team", "id"),
    UniqueConstraint("account_id", "name", name="uq_team_name"),
    of_account("team"),
)


person = Table(
    "person",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    text_column("email"),
    text_column("folded_email"),
    text_column("name"),
    text_column("role"),
    time_column("deactivated_at", null=True),
    Column("invited", Boolean, nullable=False),
    time_column("created_at"),
    primary_key("person", "id"),
    UniqueConstraint("account_id", "folded_email", name="uq_person_email"),
    of_account("person"),
    one_of("person", "role", Role),
    CheckConstraint("deactivated_at IS NOT NULL OR NOT invited", name="ck_person_invited"),
)
"""The users of an account, under a name that needs no quotes."""


team_membership = Table(
    "team_membership",
    metadata,
    uuid_column("account_id"),
    uuid_column("user_id"),
    uuid_column("team_id"),
    primary_key("team_membership", "user_id", "team_id"),
    foreign_key("team_membership", "user", ("user_id",), "person", ("id",)),
    foreign_key("team_membership", "team", ("team_id",), "team", ("id",)),
)


invitation = Table(
    "invitation",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    uuid_column("user_id"),
    uuid_column("invited_by"),
    text_column("mail"),
    integer_column("attempts"),
    text_column("last_error", null=True),
    Column("digests", ARRAY(LargeBinary), nullable=False),
    time_column("created_at"),
    time_column("expires_at"),
    primary_key("invitation", "id"),
    UniqueConstraint("account_id", "user_id", name="uq_invitation_user"),
    foreign_key("invitation", "user", ("user_id",), "person", ("id",)),
    foreign_key("invitation", "inviter", ("invited_by",), "person", ("id",)),
    one_of("invitation", "mail", DeliveryState),
)
"""What somebody has yet to accept, with the digests of the links that were mailed."""


api_token = Table(
    "api_token",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    uuid_column("user_id"),
    text_column("name"),
    text_column("scope"),
    Column("digest", LargeBinary, nullable=False),
    time_column("created_at"),
    time_column("expires_at", null=True),
    time_column("revoked_at", null=True),
    time_column("last_used_at", null=True),
    primary_key("api_token", "id"),
    one_of("api_token", "scope", Scope),
    Index("ix_api_token_user", "account_id", "user_id", "id"),
    UniqueConstraint("account_id", "digest", name="uq_api_token_digest"),
    foreign_key("api_token", "user", ("user_id",), "person", ("id",)),
)


sign_in = Table(
    "sign_in",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    uuid_column("user_id"),
    Column("digest", LargeBinary, nullable=False),
    time_column("created_at"),
    time_column("expires_at"),
    text_column("way", null=True),
    uuid_column("way_id", null=True),
    primary_key("sign_in", "id"),
    one_of("sign_in", "way", Way),
    UniqueConstraint("account_id", "digest", name="uq_sign_in_digest"),
    foreign_key("sign_in", "user", ("user_id",), "person", ("id",)),
)
"""The browsers that people are signed in with."""


sign_in_link = Table(
    "sign_in_link",
    metadata,
    uuid_column("account_id"),
    Column("digest", LargeBinary, nullable=False),
    uuid_column("user_id"),
    time_column("expires_at"),
    primary_key("sign_in_link", "digest"),
    foreign_key("sign_in_link", "user", ("user_id",), "person", ("id",)),
)


sign_in_code = Table(
    "sign_in_code",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    Column("browser", LargeBinary, nullable=False),
    text_column("email"),
    text_column("back_to"),
    Column("digests", ARRAY(LargeBinary), nullable=False),
    integer_column("tries"),
    time_column("created_at"),
    time_column("expires_at"),
    primary_key("sign_in_code", "id"),
    UniqueConstraint("account_id", "browser", name="uq_sign_in_code_browser"),
    of_account("sign_in_code"),
    Index("ix_sign_in_code_email", "account_id", "email"),
)
"""Codes that browsers asked for; nothing says whether anybody has the address."""


identity_provider = Table(
    "identity_provider",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    text_column("name"),
    text_column("issuer"),
    text_column("client_id"),
    uuid_column("secret_id", null=True),
    time_column("created_at"),
    primary_key("identity_provider", "id"),
    UniqueConstraint("account_id", "issuer", name="uq_identity_provider_issuer"),
    of_account("identity_provider"),
    foreign_key("identity_provider", "secret", ("secret_id",), "secret", ("id",)),
)


identity_link = Table(
    "identity_link",
    metadata,
    uuid_column("account_id"),
    uuid_column("provider_id"),
    text_column("subject"),
    uuid_column("user_id"),
    primary_key("identity_link", "provider_id", "subject"),
    foreign_key("identity_link", "provider", ("provider_id",), "identity_provider", ("id",)),
    foreign_key("identity_link", "user", ("user_id",), "person", ("id",)),
)


sign_in_attempt = Table(
    "sign_in_attempt",
    metadata,
    uuid_column("account_id"),
    Column("digest", LargeBinary, nullable=False),
    uuid_column("provider_id"),
    text_column("back_to"),
    time_column("expires_at"),
    primary_key("sign_in_attempt", "digest"),
    foreign_key("sign_in_attempt", "provider", ("provider_id",), "identity_provider", ("id",)),
)
"""Browsers that are at their identity provider's."""


audit_head = Table(
    "audit_head",
    metadata,
    uuid_column("account_id"),
    Column("number", BigInteger, nullable=False),
    text_column("digest"),
    primary_key("audit_head"),
    of_account("audit_head"),
)
"""The end of the account's audit log; whoever enters something holds it."""


audit_entry = Table(
    "audit_entry",
    metadata,
    uuid_column("account_id"),
    Column("number", BigInteger, nullable=False),
    text_column("kind"),
    time_column("at"),
    uuid_column("by_user_id", null=True),
    text_column("cause", null=True),
    uuid_column("thing_id", null=True),
    Column("changed", JSONB, nullable=False),
    text_column("request_id", null=True),
    text_column("previous"),
    text_column("digest"),
    text_column("way", null=True),
    uuid_column("way_id", null=True),
    primary_key("audit_entry", "number"),
    of_account("audit_entry"),
    foreign_key("audit_entry", "by", ("by_user_id",), "person", ("id",)),
)


secret = Table(
    "secret",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    text_column("purpose"),
    Column("sealed", LargeBinary, nullable=False),
    text_column("key_id"),
    time_column("created_at"),
    primary_key("secret", "id"),
    of_account("secret"),
)
"""What only the holder of the key can read, sealed by the application."""
