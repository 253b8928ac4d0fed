"""How pages are made from the templates beside this file."""

from importlib.resources import files
from typing import Final

from jinja2 import DictLoader, Environment, StrictUndefined

from flowpilot_http.responses import Header

from .assets import ASSETS
from .words import FILTERS, PLACES

_TEMPLATES = files(__package__).joinpath("templates")

environment: Final = Environment(
    loader=DictLoader({file.name: file.read_text(encoding="utf-8") for file in _TEMPLATES.iterdir() if file.name.endswith(".html")}),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

environment.filters.update(FILTERS)

environment.globals["places"] = PLACES
environment.globals["kit"] = environment.get_template("_kit.html").module
environment.globals["asset"] = {name: asset.path for name, asset in ASSETS.items()}

POLICY: Final[Header] = (
    b"content-security-policy",
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    b"form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
)
"""Our own files alone: nothing inline, nothing evaluated, nothing from elsewhere, no form that leads elsewhere."""
