"""Trees: what they are called, their drafts and revisions, their categories, and what is proposed.

A row may refer to one of its own account's rows, or to one of the platform's, which every account may read: `to_own_or_platform`.
"""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, SmallInteger, Table, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT
from flowpilot_core.domain.knowledge.content import TreeKind
from flowpilot_core.domain.knowledge.proposal import ProposalKind, ProposalState
from flowpilot_core.domain.knowledge.rating import Subject
from flowpilot_core.domain.knowledge.template import TemplateState

from .columns import (
    foreign_key,
    integer_column,
    metadata,
    of_account,
    one_of,
    primary_key,
    text_column,
    time_column,
    to_own_or_platform,
    uuid_column,
)

tree_category = Table(
    "tree_category",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    text_column("name"),
    uuid_column("parent_id", null=True),
    primary_key("tree_category", "id"),
    of_account("tree_category"),
    foreign_key("tree_category", "parent", ("parent_id",), "tree_category", ("id",)),
    CheckConstraint("parent_id <> id", name="ck_tree_category_parent"),
)


def _draft_of(table: str, called: str) -> Table:
    """The drafts of what `table` holds, one at most each; it is named there by `<called>_id`."""
    name, key = f"{table}_draft", f"{called}_id"
    return Table(
        name,
        metadata,
        uuid_column("account_id"),
        uuid_column(key),
        Column("content", JSONB, nullable=False),
        uuid_column("by_user_id", null=True),
        time_column("updated_at"),
        primary_key(name, key),
        foreign_key(name, called, (key,), table, ("id",)),
        foreign_key(name, "by", ("by_user_id",), "person", ("id",)),
    )


def _revision_of(table: str, called: str) -> Table:
    """What was published of what `table` holds, by number; it is named there by `<called>_id`."""
    name, key = f"{table}_revision", f"{called}_id"
    return Table(
        name,
        metadata,
        uuid_column("account_id"),
        uuid_column(key),
        integer_column("number"),
        Column("content", JSONB, nullable=False),
        text_column("note", null=True),
        uuid_column("by_user_id", null=True),
        time_column("at"),
        primary_key(name, key, "number"),
        foreign_key(name, called, (key,), table, ("id",)),
        foreign_key(name, "by", ("by_user_id",), "person", ("id",)),
        CheckConstraint("number > 0", name=f"ck_{name}_number"),
    )


tree = Table(
    "tree",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    integer_column("version"),
    text_column("kind"),
    text_column("name"),
    text_column("description", null=True),
    uuid_column("category_account_id", null=True),
    uuid_column("category_id", null=True),
    text_column("state"),
    integer_column("revision", null=True),
    Column("words", ARRAY(Text), nullable=False),
    uuid_column("copied_account_id", null=True),
    uuid_column("copied_id", null=True),
    integer_column("copied_revision", null=True),
    uuid_column("from_session_id", null=True),
    uuid_column("created_by", null=True),
    time_column("created_at"),
    time_column("updated_at"),
    time_column("published_at", null=True),
    primary_key("tree", "id"),
    of_account("tree"),
    foreign_key("tree", "from_session", ("from_session_id",), "session", ("id",)),
    foreign_key("tree", "created_by", ("created_by",), "person", ("id",)),
    *to_own_or_platform("tree", "category", "tree_category"),
    *to_own_or_platform("tree", "copied", "tree_revision", ("copied_revision", "number"), circular=True),
    one_of("tree", "kind", TreeKind),
    one_of("tree", "state", TemplateState),
    CheckConstraint("(state = 'draft') = (revision IS NULL) AND (revision IS NULL) = (published_at IS NULL)", name="ck_tree_revision"),
    CheckConstraint("(copied_id IS NULL) = (copied_revision IS NULL)", name="ck_tree_copied_revision"),
    Index("ix_tree_category", "account_id", "category_account_id", "category_id"),
    Index("ix_tree_copied", "account_id", "copied_account_id", "copied_id"),
)
"""`words` are what the newest revision is about, to find what fits a session."""


tree_draft = _draft_of("tree", "tree")
tree_revision = _revision_of("tree", "tree")


script_template = Table(
    "script_template",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    integer_column("version"),
    text_column("name"),
    text_column("description", null=True),
    uuid_column("category_account_id", null=True),
    uuid_column("category_id", null=True),
    text_column("state"),
    integer_column("revision", null=True),
    uuid_column("copied_account_id", null=True),
    uuid_column("copied_id", null=True),
    integer_column("copied_revision", null=True),
    uuid_column("created_by", null=True),
    time_column("created_at"),
    time_column("updated_at"),
    time_column("published_at", null=True),
    primary_key("script_template", "id"),
    of_account("script_template"),
    foreign_key("script_template", "created_by", ("created_by",), "person", ("id",)),
    *to_own_or_platform("script_template", "category", "tree_category"),
    *to_own_or_platform("script_template", "copied", "script_template_revision", ("copied_revision", "number"), circular=True),
    one_of("script_template", "state", TemplateState),
    CheckConstraint(
        "(state = 'draft') = (revision IS NULL) AND (revision IS NULL) = (published_at IS NULL)", name="ck_script_template_revision"
    ),
    CheckConstraint("(copied_id IS NULL) = (copied_revision IS NULL)", name="ck_script_template_copied_revision"),
    Index("ix_script_template_category", "account_id", "category_account_id", "category_id"),
    Index("ix_script_template_copied", "account_id", "copied_account_id", "copied_id"),
)


script_template_draft = _draft_of("script_template", "template")
script_template_revision = _revision_of("script_template", "template")


template_rating = Table(
    "template_rating",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    uuid_column("tree_account_id", null=True),
    uuid_column("tree_id", null=True),
    uuid_column("script_account_id", null=True),
    uuid_column("script_id", null=True),
    uuid_column("user_id"),
    Column("stars", SmallInteger, nullable=False),
    text_column("comment", null=True),
    time_column("given_at"),
    primary_key("template_rating", "id"),
    foreign_key("template_rating", "user", ("user_id",), "person", ("id",)),
    *to_own_or_platform("template_rating", "tree", "tree"),
    *to_own_or_platform("template_rating", "script", "script_template"),
    UniqueConstraint("account_id", "tree_account_id", "tree_id", "user_id", name="uq_template_rating_tree"),
    UniqueConstraint("account_id", "script_account_id", "script_id", "user_id", name="uq_template_rating_script"),
    CheckConstraint("(tree_id IS NULL) <> (script_id IS NULL)", name="ck_template_rating_subject"),
    CheckConstraint("stars BETWEEN 1 AND 5", name="ck_template_rating_stars"),
)
"""Of a tree or of a script template."""


gallery_entry = Table(
    "gallery_entry",
    metadata,
    uuid_column("account_id"),
    text_column("subject"),
    uuid_column("id"),
    uuid_column("tree_id", null=True),
    uuid_column("script_id", null=True),
    Column("listed", Boolean, nullable=False),
    Column("featured", Boolean, nullable=False),
    integer_column("position"),
    integer_column("uses"),
    integer_column("votes"),
    integer_column("stars"),
    primary_key("gallery_entry", "subject", "id"),
    foreign_key("gallery_entry", "tree", ("tree_id",), "tree", ("id",)),
    foreign_key("gallery_entry", "script", ("script_id",), "script_template", ("id",)),
    one_of("gallery_entry", "subject", Subject),
    CheckConstraint(
        f"CASE subject WHEN '{Subject.TREE}' THEN tree_id = id AND script_id IS NULL ELSE script_id = id AND tree_id IS NULL END",
        name="ck_gallery_entry_subject_id",
    ),
    CheckConstraint(f"account_id = '{PLATFORM_ACCOUNT}'", name="ck_gallery_entry_platform"),
)
"""What is listed every account reads: it holds no figure that tells of one of them."""


gallery_tally = Table(
    "gallery_tally",
    metadata,
    uuid_column("account_id"),
    text_column("subject"),
    uuid_column("id"),
    uuid_column("of_account"),
    integer_column("uses"),
    integer_column("votes"),
    integer_column("stars"),
    primary_key("gallery_tally", "subject", "id", "of_account"),
    foreign_key("gallery_tally", "entry", ("subject", "id"), "gallery_entry", ("subject", "id")),
)
"""How each account uses something of the platform's: for the platform's account alone, and shown to nobody."""


tree_proposal = Table(
    "tree_proposal",
    metadata,
    uuid_column("account_id"),
    uuid_column("id"),
    text_column("kind"),
    uuid_column("session_id"),
    uuid_column("tree_account_id", null=True),
    uuid_column("tree_id", null=True),
    text_column("at_node_id", null=True),
    text_column("answer", null=True),
    text_column("name"),
    Column("content", JSONB, nullable=False),
    text_column("state"),
    text_column("reason", null=True),
    uuid_column("draft_tree_id", null=True),
    time_column("created_at"),
    uuid_column("decided_by", null=True),
    time_column("decided_at", null=True),
    primary_key("tree_proposal", "id"),
    foreign_key("tree_proposal", "session", ("session_id",), "session", ("id",)),
    *to_own_or_platform("tree_proposal", "tree", "tree"),
    foreign_key("tree_proposal", "draft", ("draft_tree_id",), "tree", ("id",)),
    foreign_key("tree_proposal", "decided_by", ("decided_by",), "person", ("id",)),
    one_of("tree_proposal", "kind", ProposalKind),
    one_of("tree_proposal", "state", ProposalState),
    UniqueConstraint("account_id", "tree_account_id", "tree_id", "at_node_id", name="uq_tree_proposal_node"),
    UniqueConstraint("account_id", "id", "kind", name="uq_tree_proposal_kind"),
    CheckConstraint(
        f"(kind = '{ProposalKind.NEW_BRANCH}') = (tree_id IS NOT NULL)"
        " AND (tree_id IS NULL) = (at_node_id IS NULL) AND (tree_id IS NULL) = (answer IS NULL)",
        name="ck_tree_proposal_node",
    ),
    CheckConstraint(f"(state = '{ProposalState.OPEN}') = (decided_at IS NULL)", name="ck_tree_proposal_decided"),
)
"""What is proposed, whatever was decided: a row is never deleted, so that the same is not proposed again."""


tree_proposal_session = Table(
    "tree_proposal_session",
    metadata,
    uuid_column("account_id"),
    uuid_column("proposal_id"),
    uuid_column("session_id"),
    text_column("kind"),
    primary_key("tree_proposal_session", "proposal_id", "session_id"),
    foreign_key("tree_proposal_session", "proposal", ("proposal_id", "kind"), "tree_proposal", ("id", "kind")),
    foreign_key("tree_proposal_session", "session", ("session_id",), "session", ("id",)),
    Index(
        "uq_tree_proposal_session_tree",
        "account_id",
        "session_id",
        unique=True,
        postgresql_where=text(f"kind = '{ProposalKind.NEW_TREE}'"),
    ),
)
"""Which sessions lead to a proposal: of a new tree, each session to one at most."""
