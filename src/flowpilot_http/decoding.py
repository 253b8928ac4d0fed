"""From bytes to typed requests: what cannot be read is refused with a pointer to where.

The happy path is one call into msgspec. Only once that has failed does anybody look closer.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import inspect

from flowpilot_core.domain.kernel.text import mended, one_of

from .problems import At, Refused

T = TypeVar("T", bound=msgspec.Struct)

_WHERE: Final = re.compile(r"\A(?P<what>.*?)(?: - at `\$(?P<path>[^`]*)`)?\Z", re.DOTALL)
_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_NAME: Final = re.compile(r"`(.*)`", re.DOTALL)
_FLOAT: Final = "got `float`"
_LONGEST_NAME: Final = 100
MOST_PARAMETERS: Final = 20


@cache
def _decoder(kind: type) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def body(raw: bytes, kind: type[T]) -> T:
    """The request that `raw` says as JSON; an empty body is an empty object.

    Raises `Refused` with `malformed`, `unknown_field` or `validation_failed`.
    """
    try:
        request: T = _read(raw or b"{}", kind)
    except msgspec.ValidationError as exc:
        raise _refusal(str(exc), kind) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        for pointer in _lone_surrogates(raw):
            raise _invalid(pointer, "must not contain a lone surrogate") from None
        raise Refused("malformed", "The body is not JSON.", At("", "is not JSON")) from None
    return request


def data(plain: Any, kind: type[T]) -> T:
    """The request that plain data says, read from something else than JSON. Raises `Refused` as `body` does."""
    try:
        return _converted(plain, kind)
    except msgspec.ValidationError as exc:
        raise _refusal(str(exc), kind) from None


def _read(raw: bytes, kind: type[T]) -> T:
    try:
        request: T = _decoder(kind).decode(raw)
    except msgspec.ValidationError as exc:
        if _FLOAT not in str(exc):
            raise
        return _converted(msgspec.json.decode(raw), kind)
    return request


def _converted(plain: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as exc:
        if _FLOAT not in str(exc):
            raise
        return msgspec.convert(_whole(plain), kind)


def _whole(value: Any) -> Any:
    """With 3 for 3.0: to JSON Schema both are integers, and some languages write every number with a point."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {name: _whole(inner) for name, inner in value.items()}
    return [_whole(inner) for inner in value] if isinstance(value, list) else value


def query(raw: bytes, kind: type[T], *, most: int = MOST_PARAMETERS) -> T:
    """The parameters of a query string; one without a value counts as left out.

    A list is named once for each of its values. Raises `Refused` as `body` does.
    """
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=most)
    except ValueError:
        raise Refused("malformed", "The query cannot be read.", At("", "is not a query string")) from None
    lists = _lists(kind)
    values: dict[str, str | list[str]] = {}
    for name, said in pairs:
        # Nothing that is kept has a NUL, and a database takes none to look for.
        value = mended(said)
        if name in lists:
            values[name] = [*values.get(name, ()), value]
        elif name in values:
            raise _malformed(f"/{_escaped(name)}", "must be given once")
        else:
            values[name] = value
    known = _names(kind)
    given = {name: value for name, value in values.items() if value or name not in known}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as exc:
        raise _refusal(str(exc), kind) from None


@cache
def _names(kind: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(field.encode_name for field in msgspec.structs.fields(kind))


@cache
def _lists(kind: type[msgspec.Struct]) -> frozenset[str]:
    info = inspect.type_info(kind)
    return frozenset(
        field.name for field in (info.fields if isinstance(info, inspect.StructType) else ()) if isinstance(field.type, inspect.ListType)
    )


def explained(message: str, kind: type[msgspec.Struct]) -> str:
    """What msgspec says of a value that does not fit `kind`, with what would, where it is one of several."""
    found = _WHERE.match(message)
    if found is None or not found["what"].startswith("Invalid enum value"):
        return message
    pointer = "".join(f"/{_escaped(name or index)}" for name, index in _STEP.findall(found["path"] or ""))
    return f"{found['what']}: {one_of(_allowed(kind, pointer))} - at `${found['path'] or ''}`"


def _refusal(message: str, kind: type[msgspec.Struct]) -> Refused:
    found = _WHERE.match(message)
    what, path = (found["what"], found["path"] or "") if found else (message, "")
    pointer = "".join(f"/{_escaped(name or index)}" for name, index in _STEP.findall(path))
    name = _NAME.search(what)
    if "unknown field" in what and name:
        pointer = f"{pointer}/{_escaped(name[1])}"
        return Refused("unknown_field", f"There is no field {pointer} here.", At(pointer, "is not a field of this request"))
    if "missing required field" in what and name:
        return _malformed(f"{pointer}/{_escaped(name[1])}", "is required")
    if what.startswith("Invalid enum value"):
        return _invalid(pointer, one_of(_allowed(kind, pointer)))
    plain = what.replace("`", "").replace("Expected", "must be").replace("str", "string")
    if ", got" in what or what.startswith("Invalid"):
        return _malformed(pointer, plain.replace("Invalid", "is not a"))
    return _invalid(pointer, plain)


def _malformed(pointer: str, detail: str) -> Refused:
    return Refused("malformed", f"{pointer or 'The body'} {detail}.", At(pointer, detail))


def _invalid(pointer: str, detail: str) -> Refused:
    return Refused("validation_failed", f"{pointer} {detail}.", At(pointer, detail))


def _escaped(name: str) -> str:
    """A name as a part of a JSON pointer (RFC 6901), cut where somebody made it silly."""
    return name[:_LONGEST_NAME].replace("~", "~0").replace("/", "~1")


def _allowed(kind: type[msgspec.Struct], pointer: str) -> Iterator[str]:
    """The values of the enumeration that `pointer` points to."""
    at: inspect.Type = inspect.type_info(kind)
    for part in pointer.split("/")[1:]:
        at = _choices(at, inspect.StructType, inspect.ListType)[0]
        if isinstance(at, inspect.StructType):
            at = next(field.type for field in at.fields if field.encode_name == part)
        elif isinstance(at, inspect.ListType):
            at = at.item_type
    for choice in _choices(at, inspect.EnumType, inspect.LiteralType):
        if isinstance(choice, inspect.EnumType):
            yield from (str(member.value) for member in choice.cls)
        elif isinstance(choice, inspect.LiteralType):
            yield from map(str, choice.values)


def _choices(at: inspect.Type, *kinds: type[inspect.Type]) -> list[inspect.Type]:
    at = _bare(at)
    types = [_bare(one) for one in (at.types if isinstance(at, inspect.UnionType) else (at,))]
    return [one for one in types if isinstance(one, kinds)] or types


def _bare(at: inspect.Type) -> inspect.Type:
    """Without its description; and of a table what stands under its names, since no pointer says which."""
    while isinstance(at, inspect.Metadata | inspect.DictType):
        at = at.type if isinstance(at, inspect.Metadata) else at.value_type
    return at


def _lone_surrogates(raw: bytes) -> Iterator[str]:
    """Pointers to texts that no UTF-8 can hold, in JSON that is otherwise well-formed."""
    if b"\\u" not in raw:
        return
    try:
        yield from _unstorable("", json.loads(raw))
    except (ValueError, RecursionError):
        return


def _unstorable(pointer: str, value: object) -> Iterator[str]:
    if isinstance(value, str):
        if _lone(value):
            yield pointer
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if not _lone(name):
                yield from _unstorable(f"{pointer}/{_escaped(name)}", inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unstorable(f"{pointer}/{index}", inner)


def _lone(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)
