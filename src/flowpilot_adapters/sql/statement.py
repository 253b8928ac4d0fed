"""SQL texts with typed parameters, written once and sent many times.

A `Statement` is made at import time, from a text or from a SQLAlchemy Core expression; calling it with values makes a `Call`, which a
connection sends (`connection.Connection.round_trip`). Values become Postgres' binary format here: measured, it costs less than text for
every type we use, and a text with a NUL is refused by the server rather than cut short at it.
"""

import struct
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Final, NamedTuple

from attrs import frozen
from psycopg import DataError
from psycopg.pq import Format
from sqlalchemy import BigInteger, Boolean, DateTime, Double, Integer, LargeBinary, SmallInteger, String, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql.psycopg import PGCompiler_psycopg, PGDialect_psycopg
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import BindParameter, ClauseElement
from sqlalchemy.types import TypeEngine


@frozen
class Type:
    """A type of Postgres: its name, its number in the catalogue, that of its arrays, and how a Python value is written in it.

    `encode` raises `TypeError`, `KeyError` or `AttributeError` for a value of the wrong Python type, `OverflowError` or `UnicodeError`
    for one out of range.
    """

    name: str
    oid: int
    array_oid: int
    encode: Callable[[Any], bytes]


_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_BOOLEANS: Final = {True: b"\x01", False: b"\x00"}
_FLOAT8: Final = struct.Struct("!d").pack
_ARRAY: Final = struct.Struct("!iIIii").pack
_EMPTY_ARRAY: Final = struct.Struct("!iII").pack
_NULL: Final = b"\xff\xff\xff\xff"


def _int(width: int) -> Callable[[int], bytes]:
    def encode(value: int) -> bytes:
        if not isinstance(value, int):
            raise TypeError("not an integer")
        return value.to_bytes(width, signed=True)

    return encode


def _float8(value: float) -> bytes:
    try:
        return _FLOAT8(value)
    except struct.error:
        raise TypeError("not a number") from None


def _uuid(value: uuid.UUID) -> bytes:
    # What `value.bytes` does, without another call for each of the many ids.
    return value.int.to_bytes(16)


def _bool(value: bool) -> bytes:
    return _BOOLEANS[value]


def _bytea(value: bytes) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError("not bytes")
    return bytes(value)


def _timestamptz(value: datetime) -> bytes:
    # A datetime without a zone is refused by the subtraction.
    return ((value - _EPOCH) // _MICROSECOND).to_bytes(8, signed=True)


def _jsonb(value: bytes | str) -> bytes:
    # Version 1 of the binary format is a byte 1 and the text.
    return b"\x01" + (value.encode() if isinstance(value, str) else value)


UUID: Final = Type("uuid", 2950, 2951, _uuid)
TEXT: Final = Type("text", 25, 1009, str.encode)
INT2: Final = Type("int2", 21, 1005, _int(2))
INT4: Final = Type("int4", 23, 1007, _int(4))
INT8: Final = Type("int8", 20, 1016, _int(8))
FLOAT8: Final = Type("float8", 701, 1022, _float8)
BOOL: Final = Type("bool", 16, 1000, _bool)
TIMESTAMPTZ: Final = Type("timestamptz", 1184, 1185, _timestamptz)
BYTEA: Final = Type("bytea", 17, 1001, _bytea)
JSON_TEXT: Final = Type("jsonb", 3802, 3807, _jsonb)
"""A document as the JSON text (`str`) or its UTF-8 bytes; the way back is bytes too, so that whoever wants an object parses it once."""


def array_of(item: Type) -> Type:
    """One-dimensional arrays of `item`, from a list or tuple; an item may be `None`."""
    oid, encode_item = item.oid, item.encode

    def encode(values: list[Any] | tuple[Any, ...]) -> bytes:
        if not isinstance(values, list | tuple):
            raise TypeError("not a list")
        if not values:
            return _EMPTY_ARRAY(0, 0, oid)
        items = [_NULL if value is None else encode_item(value) for value in values]
        parts = [one if one is _NULL else len(one).to_bytes(4) + one for one in items]
        # Whether some are NULL the server sees for itself: here it says that some may be.
        return _ARRAY(1, 1, oid, len(values), 1) + b"".join(parts)

    return Type(f"{item.name}[]", item.array_oid, 0, encode)


class Call(NamedTuple):
    """A statement with its values, ready to be sent."""

    statement: "Statement"
    values: list[bytes | None]


# As its own way to be made, without the function that a named tuple has for it.
_call: Final[Callable[[tuple["Statement", list[bytes | None]]], Call]] = partial(tuple.__new__, Call)


class Statement:
    """One SQL text with `$1` … `$n`, prepared once on each connection.

    `parameters` stand in the order of their numbers. `name` is for people and shows in recorded round trips; `prepared_name` is what the
    server knows the text by, and differs where the text or a type does, so that two versions of the program can share a server.
    """

    __slots__ = ("_encoders", "_kinds", "formats", "name", "oids", "prepared_name", "text")

    def __init__(self, name: str, sql: str, /, **parameters: Type) -> None:
        self.name = name
        self.text = sql.encode()
        self.oids = [kind.oid for kind in parameters.values()]
        self.formats = [Format.BINARY] * len(parameters)
        self._encoders = [(parameter, kind.encode) for parameter, kind in parameters.items()]
        self._kinds = {parameter: kind.name for parameter, kind in parameters.items()}
        # The server cuts names at 63 bytes.
        self.prepared_name = f"{name[:40]}_{sha256(self.text + repr(self.oids).encode()).hexdigest()[:16]}".encode()

    def __call__(self, /, **values: Any) -> Call:
        """Bind `values`, one for each parameter; `None` is NULL.

        Raises `TypeError` for a missing, unknown or wrongly typed value, and `psycopg.DataError` for one that Postgres cannot hold. Neither
        tells the value.
        """
        try:
            encoded = [None if (value := values[parameter]) is None else encode(value) for parameter, encode in self._encoders]
        except (AttributeError, KeyError, TypeError, OverflowError, UnicodeError):
            raise self._refusal(values) from None
        if len(values) != len(encoded):
            raise TypeError(f"{self.name} has no parameter {', '.join(sorted(values.keys() - self._kinds.keys()))}")
        return _call((self, encoded))

    def _refusal(self, values: dict[str, Any]) -> Exception:
        """What is wrong with the first of the values that is."""
        for parameter, encode in self._encoders:
            try:
                if values[parameter] is not None:
                    encode(values[parameter])
            except (OverflowError, UnicodeError):
                return DataError(f"{self.name}: {parameter} is out of the range of {self._kinds[parameter]}")
            except (AttributeError, KeyError, TypeError):
                break
        return TypeError(f"{self.name}: {parameter} is missing, or no {self._kinds[parameter]}")

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """What its parameters are called, with the Postgres type of each, in the order of their numbers."""
        return [*self._kinds.items()]

    def __repr__(self) -> str:
        return f"<Statement {self.name}>"


class _Compiler(PGCompiler_psycopg):
    """Writes values that are known now into the text: only `bindparam`s without a value become parameters.

    A partial index on `state = 'open'` is of no use to a generic plan that is told the state by a parameter.
    """

    def visit_bindparam(self, bindparam: BindParameter[Any], *args: Any, **options: Any) -> Any:
        if not bindparam.required:
            options["literal_binds"] = True
        return super().visit_bindparam(bindparam, *args, **options)  # type: ignore[no-untyped-call]


class _Dialect(PGDialect_psycopg):
    statement_compiler = _Compiler
    supports_statement_cache = True


_DIALECT: Final = _Dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]


def compiled(name: str, expression: ClauseElement) -> Statement:
    """The statement that `expression` says, compiled now and never again: for module constants.

    Each `bindparam` without a value is a parameter, typed by the column it meets; every other value is part of the text, so none may come
    from a caller. Raises `TypeError` for a type that is not in this module, and for `IN` with a parameter (say `column ==
    any_(bindparam(…))`).
    """
    # Inline: an insert says itself what it returns.
    expression = expression.inline() if isinstance(expression, Insert) else expression
    text = expression.compile(dialect=_DIALECT)
    if not isinstance(text, SQLCompiler):
        raise TypeError(f"{name} is no query")
    if text.post_compile_params:
        raise TypeError(f"{name}: the length of a list changes the text; say `= any(…)` of an array")
    return Statement(name, text.string, **{bound: _kind(text.binds[bound].type) for bound in text.positiontup or ()})


_KINDS: Final[tuple[tuple[type[TypeEngine[Any]], Type], ...]] = (
    (Uuid, UUID),
    (BigInteger, INT8),
    (SmallInteger, INT2),
    (Integer, INT4),
    (Double, FLOAT8),
    (String, TEXT),
    (Boolean, BOOL),
    (LargeBinary, BYTEA),
    (JSONB, JSON_TEXT),
)


def _kind(type_: TypeEngine[Any]) -> Type:
    if isinstance(type_, ARRAY):
        return array_of(_kind(type_.item_type))
    if isinstance(type_, DateTime) and type_.timezone:
        return TIMESTAMPTZ
    for known, kind in _KINDS:
        if isinstance(type_, known):
            return kind
    raise TypeError(f"no parameter can be of {type_!r}; give the bindparam a type")
