"""The page to read the API on: made from the OpenAPI document, without a script."""

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup, escape

from flowpilot_http.responses import Header

Json = Mapping[str, Any]

_METHODS = ("get", "post", "patch", "put", "delete")


def page(document: Json) -> tuple[bytes, Header]:
    """The page for a document, and the Content-Security-Policy that lets it be shown."""
    here = files(__package__)
    style = here.joinpath("reference.css").read_text(encoding="utf-8")
    sources = {"reference.html": here.joinpath("reference.html").read_text(encoding="utf-8")}
    environment = Environment(loader=DictLoader(sources), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    reader = _Reader(document["components"]["schemas"])
    environment.filters |= {"kind": reader.kind, "prose": prose, "path": breakable}
    html = environment.get_template("reference.html").render(
        info=document["info"], tags=_by_tag(document), style=Markup(style), fields=reader.fields
    )
    allowed = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{allowed}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    return html.encode(), (b"content-security-policy", policy.encode())


def prose(text: str) -> Markup:
    """A description, with what stands in backticks marked as code."""
    parts = text.split("`")
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts))


def breakable(path: str) -> Markup:
    """A path that a line may end before a slash of, and not in the middle of a name."""
    return Markup("<wbr>/").join(path.split("/"))


def _by_tag(document: Json) -> list[tuple[str, list[Json]]]:
    groups: dict[str, list[Json]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if operation := methods.get(method):
                # What a template asks for and is not there is a mistake, so that all it may ask for is.
                whole = {"parameters": [], "requestBody": None, **operation}
                whole["parameters"] = [{"description": "", **parameter} for parameter in whole["parameters"]]
                groups[operation["tags"][0]].append({"method": method.upper(), "path": path, "operation": whole})
    return [(tag, operations) for tag, operations in groups.items() if operations]


class _Reader:
    """Says schemas in words."""

    def __init__(self, schemas: Json) -> None:
        self._schemas = schemas

    def fields(self, media: Json) -> Markup:
        """The fields of what a media type holds, and its example."""
        schema = self._followed(media["schema"])
        rows = [
            Markup("<tr><th scope=row><code>{}</code></th><td>{}</td><td>{}</td></tr>").format(
                name, self.kind(kind) + ("" if name in schema.get("required", ()) else ", optional"), prose(kind.get("description", ""))
            )
            for name, kind in schema.get("properties", {}).items()
        ]
        table = Markup("<table>{}</table>").format(Markup("").join(rows)) if rows else Markup("")
        if "example" not in media:
            return table
        example = json.dumps(media["example"], indent=2, ensure_ascii=False)
        return table + Markup("<details><summary>Example</summary><pre>{}</pre></details>").format(example)

    def kind(self, schema: Json) -> str:
        """A schema in a few words."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            target = self._schemas[name]
            return self.kind(target) if "enum" in target else str(name)
        if "anyOf" in schema:
            return " or ".join(self.kind(choice) for choice in schema["anyOf"])
        if "enum" in schema:
            return " | ".join(str(value) for value in schema["enum"])
        if schema.get("type") == "array":
            return f"list of {self.kind(schema['items'])}" if "items" in schema else "list"
        return str(schema.get("format") or schema.get("const") or schema.get("type") or "anything")

    def _followed(self, schema: Json) -> Json:
        return self._schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
