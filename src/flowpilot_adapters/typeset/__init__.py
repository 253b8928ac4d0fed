"""Letters in HTML: one template, with what people wrote escaped."""

from importlib.resources import files
from typing import Final

from jinja2 import DictLoader, Environment, StrictUndefined

from flowpilot_core.ports.notifications import LOGO_ID, Letter

_LETTER: Final = "letter.html"


class HtmlLetters:
    """Sets letters in a page that reads on a narrow screen, in the dark, and with pictures and styles switched off."""

    def __init__(self) -> None:
        source = files(__package__).joinpath(_LETTER).read_text(encoding="utf-8")
        environment = Environment(
            loader=DictLoader({_LETTER: source}), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._template = environment.get_template(_LETTER)

    def __call__(self, letter: Letter) -> str:
        """As `Typesetter` says."""
        return self._template.render(letter=letter, brand=letter.worn.branding, logo=letter.worn.logo, logo_id=LOGO_ID)
