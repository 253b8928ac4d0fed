"""The first library: what the platform's account has on a fresh installation, one file for each tree and each script template.

A file says what an export of it says, with the two levels of its category, and names script templates by the names of their files.
"""

import hashlib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, Final
from uuid import UUID

import msgspec

from flowpilot_core.application.knowledge.library import Library, LibraryCategory, LibraryScript, LibraryTree
from flowpilot_core.domain.kernel.identifiers import ScriptTemplateId, TreeCategoryId, TreeId
from flowpilot_core.domain.knowledge.content import TreeKind
from flowpilot_http import yaml_text
from flowpilot_http.schemas.kernel import Closed
from flowpilot_http.schemas.knowledge.content import ContentIO
from flowpilot_http.schemas.knowledge.script_templates import ScriptContentIO

_HERE: Final = files(__package__)
_BEGAN: Final = 1_767_225_600_000
"""Milliseconds since 1970 of the instant in every id: they sort before all that an installation makes."""


class _TreeFile(Closed, kw_only=True, frozen=True):
    name: str
    kind: TreeKind
    description: str
    category: tuple[str, str]
    content: ContentIO


class _ScriptFile(Closed, kw_only=True, frozen=True):
    name: str
    description: str
    category: tuple[str, str]
    content: ScriptContentIO


def library() -> Library:
    """All of it, each part by the names of its files."""
    scripts = {name: msgspec.convert(said, _ScriptFile) for name, said in _said("scripts")}
    trees = {name: msgspec.convert(_with_script_ids(said), _TreeFile) for name, said in _said("trees")}
    paths = sorted({file.category for file in scripts.values()} | {file.category for file in trees.values()})
    tops = [LibraryCategory(id=_category_id(top), name=top) for top in sorted({top for top, _ in paths})]
    below = [LibraryCategory(id=_category_id(*path), name=path[1], parent_id=_category_id(path[0])) for path in paths]
    return Library(
        categories=(*tops, *below),
        scripts=tuple(
            LibraryScript(
                id=_script_id(name),
                name=file.name,
                description=file.description,
                category_id=_category_id(*file.category),
                content=file.content.content(),
            )
            for name, file in scripts.items()
        ),
        trees=tuple(
            LibraryTree(
                id=TreeId(_id("tree", name)),
                kind=file.kind,
                name=file.name,
                description=file.description,
                category_id=_category_id(*file.category),
                content=file.content.content(),
            )
            for name, file in trees.items()
        ),
    )


def _said(kind: str) -> Iterator[tuple[str, Any]]:
    """What the files of a kind say, each with its name."""
    for file in sorted(_HERE.joinpath(kind).iterdir(), key=lambda one: one.name):
        yield file.name.removesuffix(".yaml"), yaml_text.read(file.read_bytes())


def _with_script_ids(said: Mapping[str, Any]) -> Mapping[str, Any]:
    for node in said["content"]["nodes"]:
        if "script" in node:
            node["script"] = {"id": str(_script_id(node["script"]))}
    return said


def _script_id(name: str) -> ScriptTemplateId:
    return ScriptTemplateId(_id("script", name))


def _category_id(*path: str) -> TreeCategoryId:
    return TreeCategoryId(_id("category", *path))


def _id(*said: str) -> UUID:
    """The same for the same words in every installation and version, in the form of a UUIDv7."""
    chance = int.from_bytes(hashlib.sha256("/".join(said).encode()).digest()[:10])
    return UUID(int=_BEGAN << 80 | 0x7 << 76 | (chance >> 62 & 0xFFF) << 64 | 0b10 << 62 | chance & (1 << 62) - 1)
