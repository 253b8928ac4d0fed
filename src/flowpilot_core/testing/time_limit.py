"""A limit of time for what waits, so that an adapter that locks for ever fails a test and does not hold the run."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, ismethod
from pathlib import Path
from traceback import extract_tb
from types import MethodType
from typing import Any

import pytest

_WAITING = Path(asyncio.__file__).parent


def limited(function: Callable[..., Any], *, seconds: float, what: str) -> Callable[..., Any]:
    """`function`, failing with a word on `what` hung and where once it has waited for so long; one that awaits nothing stays as it is."""
    if ismethod(function):
        return MethodType(limited(function.__func__, seconds=seconds, what=what), function.__self__)
    if iscoroutinefunction(function):
        return _awaited(function, seconds, what)
    return _generated(function, seconds, what) if isasyncgenfunction(function) else function


def _awaited(function: Callable[..., Awaitable[Any]], seconds: float, what: str) -> Callable[..., Awaitable[Any]]:
    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        async with _within(seconds, what):
            return await function(*args, **kwargs)

    return call


def _generated(function: Callable[..., AsyncIterator[Any]], seconds: float, what: str) -> Callable[..., AsyncIterator[Any]]:
    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        values = function(*args, **kwargs)
        while True:
            try:
                async with _within(seconds, what):
                    value = await anext(values)
            except StopAsyncIteration:
                return
            yield value

    return call


@asynccontextmanager
async def _within(seconds: float, what: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds) as time:
            yield
    except TimeoutError as exc:
        if not time.expired():
            raise
        raise pytest.fail.Exception(f"{what} hung: after {seconds:g} s it was still waiting in {_place(exc)}") from exc


def _place(exc: TimeoutError) -> str:
    """Where somebody's own code was when it was told to stop."""
    frames = extract_tb(exc.__cause__.__traceback__ if exc.__cause__ else None)
    own = [frame for frame in frames if _WAITING not in Path(frame.filename).parents]
    return f"{own[-1].name} ({own[-1].filename}:{own[-1].lineno})"
