"""Values that are kept whole, as JSON documents: their schema is the domain's."""

import json
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from cattrs import Converter
from cattrs.strategies import configure_union_passthrough

T = TypeVar("T")

_converter = Converter(omit_if_default=True, detailed_validation=False)
_converter.register_unstructure_hook(UUID, str)
_converter.register_structure_hook(UUID, lambda value, _: UUID(value))
_converter.register_unstructure_hook(date, date.isoformat)
_converter.register_structure_hook(date, lambda value, _: date.fromisoformat(value))
_converter.register_unstructure_hook(datetime, datetime.isoformat)
_converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))
_converter.register_unstructure_hook(timedelta, lambda value: value // timedelta(seconds=1))
_converter.register_structure_hook(timedelta, lambda value, _: timedelta(seconds=value))
# What JSON says by itself stays as it says it.
configure_union_passthrough(str | int | float | bool | None, _converter)


def written(value: Any) -> str:
    """A value as a document; what is as it is from the start is left out."""
    return json.dumps(_converter.unstructure(value), ensure_ascii=False)


def read(document: str | bytes, kind: type[T]) -> T:
    """The value that a document says."""
    return _converter.structure(json.loads(document), kind)
