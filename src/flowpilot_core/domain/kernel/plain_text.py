"""Text from outside that is to be shown as text, and as nothing else: no link, no markup, no picture, no trick of direction."""

import re
from typing import Final

LINK: Final = "[link]"
"""What stands in place of an address."""

_PICTURE_OR_LINK: Final = re.compile(r"!?\[([^\[\]]*+)\]\([^()]*+\)")
_REFERENCE: Final = re.compile(r"!\[([^\[\]]*+)\](?:\[[^\[\]]*+\])?")
_ADDRESS: Final = re.compile(
    r"(?:[a-z][a-z0-9+.-]{1,30}:/{0,2}/\S+|\b(?:javascript|data|vbscript|mailto|tel):\S+|\bwww\.\S+)", re.IGNORECASE
)
_COMMENT: Final = re.compile(r"<!--.*?(?:-->|(\Z))", re.DOTALL)
"""One that nothing closes is found too, so that its end is looked for once; it is none."""
_TAG: Final = re.compile(r"</?[a-z!?][^<>]*+>", re.IGNORECASE)
_OPENING: Final = re.compile(r"<(?=[a-z/!?])", re.IGNORECASE)
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
_SPACE: Final = re.compile(r"\s+")


def plain_text(text: str, *, most: int) -> str:
    """`text` on one line of at most `most` characters, without anything that a page, a mail or a chat could follow, load or run."""
    text = _INVISIBLE.sub("", text[: most * 8])
    text = _COMMENT.sub(lambda found: "" if found[1] is None else found[0], text)
    # Twice: what is taken out of the middle may leave a whole one behind.
    for _ in range(2):
        text = _REFERENCE.sub(r"\1", _PICTURE_OR_LINK.sub(r"\1", text))
        text = _TAG.sub("", text)
    text = _OPENING.sub("\u2039", _ADDRESS.sub(LINK, text)).replace("](", "] (")
    text = _SPACE.sub(" ", text).strip()
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
