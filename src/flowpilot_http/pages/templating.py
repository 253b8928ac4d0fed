"""How pages are made from the templates beside this file."""

from importlib.resources import files
from typing import Final

from jinja2 import DictLoader, Environment, StrictUndefined

from flowpilot_http.responses import Header

from .words import FILTERS

_TEMPLATES = files(__package__).joinpath("templates")

environment: Final = Environment(
    loader=DictLoader({file.name: file.read_text(encoding="utf-8") for file in _TEMPLATES.iterdir() if file.name.endswith(".html")}),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

environment.filters.update(FILTERS)

STYLE: Final = files(__package__).joinpath("static", "pages.css").read_bytes()
"""What `/static/pages.css` answers."""

POLICY: Final[Header] = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
)
"""No script, nothing from elsewhere, no form that leads elsewhere."""
