"""A connection that does any number of statements in one network round trip.

psycopg connects and reads values; what it has no fast public call for, sending a list of prepared statements with one sync and reading
all their results at one wake-up, is done here on its public `pgconn`. Rows are read by `psycopg.adapt.Transformer`, whose methods are
those of the protocol in `psycopg.abc`.
"""

import asyncio
import select
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import AdaptersMap, Loader, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.rows import AsyncRowFactory, TupleRow, tuple_row

from .statement import Call


class Result(NamedTuple):
    """What one call came to."""

    rows: list[Any]
    """Named tuples with the columns' names. UUID, datetime (UTC), int, float, bool, str, bytes; JSON as its bytes, arrays as lists."""

    row_count: int
    """How many rows it returned, inserted, updated or deleted."""

    @property
    def first(self) -> Any | None:
        """The first row, or `None` where there is none."""
        return self.rows[0] if self.rows else None


# As its own way to be made, without the function that a named tuple has for it.
_result: Final[Callable[[tuple[list[Any], int]], Result]] = partial(tuple.__new__, Result)

_recorded: ContextVar[list[tuple[str, ...]] | None] = ContextVar("recorded", default=None)


@contextmanager
def recorded_round_trips() -> Iterator[list[tuple[str, ...]]]:
    """Each round trip made inside, by this task and those it starts, as the names of its statements; never a value."""
    trips: list[tuple[str, ...]] = []
    token = _recorded.set(trips)
    try:
        yield trips
    finally:
        _recorded.reset(token)


class Connection(psycopg.AsyncConnection[TupleRow]):
    """A connection for one task at a time.

    `reusable` turns false once the server says that what was prepared here is no longer so (a migration changed a result, somebody
    deallocated it); such a connection serves its transaction to the end and is then thrown away.
    """

    reusable = True

    def __init__(self, pgconn: PGconn, row_factory: AsyncRowFactory[TupleRow] = tuple_row) -> None:
        super().__init__(pgconn, row_factory)
        self._readers: dict[bytes, _Reader] = {}
        self._trip: _Trip | None = None
        self._watching: tuple[asyncio.AbstractEventLoop, int] | None = None
        """The loop that calls whenever the server says something, and the socket: from the first trip on, since to begin and end that takes
        as long as to send. libpq forgets its socket once it is lost."""

    @property
    def idle(self) -> bool:
        """Whether it is open, outside any transaction, and no result is on its way."""
        return self._trip is None and self.pgconn.transaction_status == _IDLE

    async def round_trip(self, calls: Sequence[Call]) -> list[Result]:
        """The results of `calls`, in their order, sent at once and with one sync.

        Outside `BEGIN` and `COMMIT` the calls are one transaction of their own: all are committed when this returns, none when it raises.
        Inside, an error leaves the transaction failed, to be rolled back by the caller; the calls after the failed one are not done.

        Raises the `psycopg.errors` class of the first error's SQLSTATE; `psycopg.OperationalError` where the connection is lost, and then
        whether a commit among the calls was done is unknown; `psycopg.InterfaceError` while another round trip is on its way. When the
        task is cancelled the statements go on, and their results are read and dropped: `settled` says when.
        """
        if not calls:
            return []
        if self._trip or self.pgconn.pipeline_status != _OFF:
            raise psycopg.InterfaceError("a round trip is on its way already")
        if (trips := _recorded.get()) is not None:
            trips.append(tuple([call.statement.name for call in calls]))
        self._trip = trip = _Trip(self, calls)
        trip.start()
        await trip.over()
        return trip.results()

    def send(self, calls: Sequence[Call], over: Callable[[], None]) -> None:
        """Have `calls` done in a round trip that no task waits for; `over` is called at its end, or once the connection is lost.

        What came of them shows by the connection alone. Raises as `round_trip` does for what cannot be sent.
        """
        self._trip = trip = _Trip(self, calls, over)
        trip.start()

    @property
    def answering(self) -> bool:
        """Whether results of a round trip are on their way."""
        return self._trip is not None

    async def settled(self) -> None:
        """Return once the results of a cancelled round trip are read, or the connection is lost."""
        if self._trip:
            await self._trip.over()

    @property
    def silent(self) -> bool:
        """Whether the server has said nothing since the last round trip, which is how an idle connection that still works looks.

        What it says unasked is nearly always that it hangs up. Asks nothing of the network.
        """
        if self.closed:
            return False
        poll = select.poll()
        poll.register(self.pgconn.socket, select.POLLIN)
        return not poll.poll(0)

    def drop(self) -> None:
        """Close it at once, whatever it is doing."""
        if self._trip:
            self._trip.stop(psycopg.OperationalError("the connection was closed"))
        self._unwatch()
        self.pgconn.finish()

    async def close(self) -> None:
        """As `drop`."""
        self.drop()

    async def wait(self, *args: Any, **options: Any) -> Any:
        """As psycopg waits, which watches the socket itself."""
        self._unwatch()
        return await super().wait(*args, **options)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._watching is None:
            self._watching = loop, self.pgconn.socket
            loop.add_reader(self.pgconn.socket, self._readable)

    def _unwatch(self) -> None:
        if self._watching is not None:
            loop, socket = self._watching
            loop.remove_reader(socket)
            self._watching = None

    def _readable(self) -> None:
        if self._trip:
            self._trip.receive()
        else:
            # What is said unasked stays where `silent` finds it.
            self._unwatch()


class _Trip:
    """The calls of one round trip and what came back; lives on in the event loop when its task is cancelled."""

    __slots__ = ("_calls", "_connection", "_error", "_loop", "_over", "_prepared", "_received", "_socket", "_waiter", "_writing")

    def __init__(self, connection: Connection, calls: Sequence[Call], over: Callable[[], None] | None = None) -> None:
        self._connection = connection
        self._over = over
        self._calls = calls
        self._prepared: list[bytes | None] = []
        """For each result the server will send: the name of what was prepared, or `None` for a call's own."""
        self._received: list[PGresult] = []
        self._error: psycopg.Error | None = None
        self._loop = asyncio.get_running_loop()
        self._socket = connection.pgconn.socket
        self._waiter: asyncio.Future[None] | None = None
        self._writing = False

    def start(self) -> None:
        pgconn, known, prepared = self._connection.pgconn, self._connection._readers, self._prepared
        try:
            pgconn.enter_pipeline_mode()
            for statement, values in self._calls:
                name = statement.prepared_name
                if name not in known and name not in prepared:
                    pgconn.send_prepare(name, statement.text, statement.oids)
                    prepared.append(name)
                pgconn.send_query_prepared(name, values, statement.formats, Format.BINARY)
                prepared.append(None)
            pgconn.pipeline_sync()
            unsent = pgconn.flush()
        except BaseException:
            # Half a list may have gone out: nothing that is read from here on could be told apart.
            self._connection._trip = None
            self._connection.drop()
            raise
        self._connection._watch(self._loop)
        if unsent:
            self._writing = True
            self._loop.add_writer(self._socket, self._writable)

    async def over(self) -> None:
        if self._connection._trip is self:
            self._waiter = self._loop.create_future()
            await self._waiter

    def stop(self, error: psycopg.Error | None = None) -> None:
        """Be over, and wake who waits; with `error`, that is what came of the trip."""
        if self._writing:
            self._loop.remove_writer(self._socket)
        self._error = self._error or error
        self._connection._trip = None
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
        if self._over:
            self._over()

    def results(self) -> list[Result]:
        if self._error:
            raise self._error
        readers = self._connection._readers
        own = self._received
        if len(own) > len(self._calls):
            own = [result for name, result in zip(self._prepared, own, strict=True) if name is None]
        return [readers[call.statement.prepared_name].read(result) for call, result in zip(self._calls, own, strict=True)]

    def _writable(self) -> None:
        # Where the server would rather send than receive, flush reads too: libpq sees to it that neither waits for the other.
        try:
            unsent = self._connection.pgconn.flush()
        except psycopg.OperationalError as lost:
            self._lose(lost)
        else:
            if not unsent:
                self._writing = False
                self._loop.remove_writer(self._socket)

    def receive(self) -> None:
        """Read what the server says."""
        connection = self._connection
        try:
            self._receive()
            # uvloop calls once for a socket in error and then watches it no longer: whatever it has left to say, that it hangs up above
            # all, is read now or never.
            while connection._trip is self and not connection.silent:
                self._receive()
        except psycopg.Error as lost:
            self._lose(lost)

    def _receive(self) -> None:
        pgconn = self._connection.pgconn
        between = False
        pgconn.consume_input()
        while not pgconn.is_busy():
            result = pgconn.get_result()
            if result is None:
                # One `None` ends each call's results; a second one says that nothing more has come.
                if between:
                    return
                between = True
                continue
            between = False
            status = result.status
            if status == _SYNC:
                self._finish()
                return
            if status == _ERROR:
                self._error = error_from_result(result)
            elif status in _COPY:
                self._lose(psycopg.NotSupportedError("COPY cannot be done in a round trip"))
                return
            self._received.append(result)

    def _finish(self) -> None:
        connection = self._connection
        if len(self._prepared) > len(self._calls):
            for name, result in zip(self._prepared, self._received, strict=False):
                if name is not None and result.status == _DONE:
                    connection._readers[name] = _Reader()
        if self._error and self._error.sqlstate in _PREPARED_IN_VAIN:
            connection.reusable = False
        connection.pgconn.exit_pipeline_mode()
        self.stop()

    def _lose(self, error: psycopg.Error) -> None:
        # A server that is told to stop says so before it hangs up; what it said is better than that it is gone.
        if self._error and not isinstance(self._error, psycopg.OperationalError):
            error.__cause__, self._error = self._error, None
        self.stop(error)
        self._connection.drop()


# Plain numbers: a comparison with an enum costs five times as much.
_IDLE: Final = int(TransactionStatus.IDLE)
_OFF: Final = int(PipelineStatus.OFF)
_SYNC: Final = int(ExecStatus.PIPELINE_SYNC)
_ERROR: Final = int(ExecStatus.FATAL_ERROR)
_DONE: Final = int(ExecStatus.COMMAND_OK)
_COPY: Final = frozenset({int(ExecStatus.COPY_IN), int(ExecStatus.COPY_OUT), int(ExecStatus.COPY_BOTH)})
_PREPARED_IN_VAIN: Final = frozenset({"0A000", "26000"})


class _JsonLoader(Loader):
    format = Format.BINARY

    def load(self, data: Buffer) -> bytes:
        # A byte 1 for the version of the format, and the text.
        return bytes(data)[1:]


_ADAPTERS: Final = AdaptersMap(psycopg.adapters)
_ADAPTERS.register_loader("jsonb", _JsonLoader)


@cache
def _row_maker(columns: tuple[str, ...]) -> Callable[[Sequence[Any]], Any]:
    row = namedtuple("Row", columns, rename=True)  # type: ignore[misc]  # the names are known only now
    # What `row._make` does, without a Python frame for each row.
    return partial(tuple.__new__, row)


class _Reader:
    """Reads the results of one prepared statement of one connection."""

    __slots__ = ("_make_row", "_values")

    def __init__(self) -> None:
        # Bound to no connection, so that times are in UTC whatever the server's zone.
        self._values = Transformer(_ADAPTERS)
        self._make_row: Callable[[Sequence[Any]], Any] | None = None

    def read(self, result: PGresult) -> Result:
        if result.status == _DONE:
            return _result(([], result.command_tuples or 0))
        if not result.ntuples:
            return _result(([], 0))
        self._values.set_pgresult(result)
        if self._make_row is None:
            self._make_row = _row_maker(tuple([(result.fname(column) or b"").decode() for column in range(result.nfields)]))
        rows = self._values.load_rows(0, result.ntuples, self._make_row)
        self._values.set_pgresult(None)
        return _result((rows, len(rows)))
