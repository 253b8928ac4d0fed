"""Brings htmx into the package while it is built: from the wheel of `django-htmx`, which is needed by the build alone."""

from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INTO = "src/flowpilot_http/pages/static/htmx"
WANTED = {
    "django_htmx/static/django_htmx/htmx-4.min.js": "htmx.js",
    "licenses/LICENSE": "LICENSE",
}
"""What is taken, by the end of its path in the wheel: the script, and the licence that goes with it."""


class HtmxHook(BuildHookInterface[Any]):
    """Runs before a wheel, an editable one too, is put together."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Copy it beside our own files."""
        into = Path(self.root, INTO)
        into.mkdir(exist_ok=True)
        found = distribution("django-htmx").files or []
        for end, name in WANTED.items():
            source = next(file for file in found if str(file).endswith(end))
            (into / name).write_bytes(Path(str(source.locate())).read_bytes())
