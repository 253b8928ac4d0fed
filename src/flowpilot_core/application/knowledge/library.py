"""What the product brings to the platform's account, for every account to use, and brings anew with a new version."""

from attrs import frozen

from flowpilot_core.domain.kernel.actor import System
from flowpilot_core.domain.kernel.identifiers import PLATFORM_ACCOUNT, ScriptTemplateId, TreeCategoryId, TreeId
from flowpilot_core.domain.knowledge.content import Content, TreeKind
from flowpilot_core.domain.knowledge.script import ScriptContent

PRODUCT = System(account_id=PLATFORM_ACCOUNT, cause="it came with the product")


@frozen(kw_only=True)
class LibraryCategory:
    """A category that everybody may use; one above another comes before it."""

    id: TreeCategoryId
    name: str
    parent_id: TreeCategoryId | None = None


@frozen(kw_only=True)
class LibraryTree:
    """A tree as this version of the product has it."""

    id: TreeId
    kind: TreeKind
    name: str
    description: str
    category_id: TreeCategoryId
    content: Content


@frozen(kw_only=True)
class LibraryScript:
    """A script template as this version of the product has it."""

    id: ScriptTemplateId
    name: str
    description: str
    category_id: TreeCategoryId
    content: ScriptContent


@frozen(kw_only=True)
class Library:
    """All that this version brings. Ids are the same in every version."""

    categories: tuple[LibraryCategory, ...]
    scripts: tuple[LibraryScript, ...]
    trees: tuple[LibraryTree, ...]
