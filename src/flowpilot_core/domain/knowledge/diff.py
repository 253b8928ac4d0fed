"""What is different between two states of a tree, node by node."""

from collections.abc import Mapping
from typing import Final

from attrs import fields, frozen

from .content import Content, Node, NodeId, links

Link = tuple[NodeId, str, NodeId]
"""From which node, for which answer or result, and to which."""


@frozen(kw_only=True)
class ChangedNode:
    """A node that is in both, and what each field of it was and is."""

    id: NodeId
    before: Node
    after: Node

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of what differs."""
        return tuple(name for name in FIELDS if getattr(self.before, name) != getattr(self.after, name))


@frozen(kw_only=True)
class TreeDiff:
    """What was added, removed and changed, in the order of the nodes."""

    added: tuple[NodeId, ...]
    removed: tuple[NodeId, ...]
    changed: tuple[ChangedNode, ...]
    added_links: tuple[Link, ...]
    removed_links: tuple[Link, ...]


FIELDS: Final = tuple(one.name for one in fields(Node) if one.name != "id")


def difference(before: Content, after: Content) -> TreeDiff:
    """What leads from one to the other."""
    links_before, links_after = dict.fromkeys(links(before.nodes)), dict.fromkeys(links(after.nodes))
    return TreeDiff(
        added=_only_in(after.by_id, before.by_id),
        removed=_only_in(before.by_id, after.by_id),
        changed=tuple(
            ChangedNode(id=node.id, before=before.by_id[node.id], after=node)
            for node in after.by_id.values()
            if node.id in before.by_id and before.by_id[node.id] != node
        ),
        added_links=tuple(one for one in links_after if one not in links_before),
        removed_links=tuple(one for one in links_before if one not in links_after),
    )


def _only_in(these: Mapping[NodeId, Node], those: Mapping[NodeId, Node]) -> tuple[NodeId, ...]:
    return tuple(node_id for node_id in these if node_id not in those)
