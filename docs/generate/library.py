"""The page of what the first library holds, from its files."""

from flowpilot_http.library import library as first_library

from .markdown import page, table


def library() -> str:
    """Each tree and each script template, by category."""
    held = first_library()
    names = {one.id: one.name for one in held.categories}
    paths = {one.id: f"{names[one.parent_id]}: {one.name}" for one in held.categories if one.parent_id}
    trees = [(paths[one.category_id], one.name, one.kind, str(len(one.content.nodes)), one.description) for one in held.trees]
    scripts = [(paths[one.category_id], one.name, one.content.language, one.description) for one in held.scripts]
    return page(
        "What the library holds",
        "Every installation begins with these trees and script templates, and every account reads them. What they are for and how they are"
        " kept stands in [the library](../explanation/library.md).",
        f"## {len(trees)} trees",
        table(["category", "tree", "kind", "nodes", "about"], sorted(trees)),
        f"## {len(scripts)} script templates",
        table(["category", "script template", "language", "about"], sorted(scripts)),
    )
