"""YAML from outside, read as the plain data that JSON could say too.

No aliases, whose data may be a thousand times as large as their text; no tags, which make objects; no depth and no number of things that
JSON of a body's size could not have either. Reading takes long for its size: it is work for a `Compute`.
"""

from typing import Any, Final

import yaml

MOST_DEEP: Final = 32
MOST_THINGS: Final = 200_000
LEAST_NUMBER: Final = -(2**63)
GREATEST_NUMBER: Final = 2**64 - 1
"""As JSON is read here."""
_OPENS: Final = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSES: Final = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


class NoPlainYaml(ValueError):
    """The text is no YAML, or says more than plain data."""


def read(raw: bytes) -> Any:
    """What one document says. Raises `NoPlainYaml`."""
    try:
        text = raw.decode()
        _require_plain(text)
        data = yaml.load(text, Loader=yaml.CSafeLoader)
    except UnicodeDecodeError:
        raise NoPlainYaml("is not UTF-8") from None
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise exc if isinstance(exc, NoPlainYaml) else NoPlainYaml("is not YAML") from None
    _require_numbers(data)
    return data


def write(data: Any) -> str:
    """Plain data as YAML, in the order it has."""
    written: str = yaml.dump(data, Dumper=yaml.CSafeDumper, allow_unicode=True, sort_keys=False, width=100)
    return written


def _require_numbers(data: Any) -> None:
    if isinstance(data, int) and not LEAST_NUMBER <= data <= GREATEST_NUMBER:
        raise NoPlainYaml("has a number that is out of range")
    inner = (*data.keys(), *data.values()) if isinstance(data, dict) else data if isinstance(data, list) else ()
    for one in inner:
        _require_numbers(one)


def _require_plain(text: str) -> None:
    depth = 0
    for things, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        depth += isinstance(event, _OPENS) - isinstance(event, _CLOSES)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise NoPlainYaml("has an anchor or an alias, which is not read here")
        if getattr(event, "tag", None):
            raise NoPlainYaml("has a tag, which is not read here")
        if depth > MOST_DEEP or things > MOST_THINGS:
            raise NoPlainYaml("is deeper or has more in it than a tree")
