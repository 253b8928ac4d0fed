"""The in-memory peer: everything the ports promise, kept in plain dicts, for tests, embedding and trying things out."""

from .assistant import MemoryAssistant
from .event_stream import MemoryEventStream
from .marks import MemoryMarks
from .notifier import MemoryNotifier
from .openid import MemoryOpenId
from .outbox import MemoryOutbox
from .psa import MemoryPsa, MemoryTicket
from .store import MemoryStore
from .unit_of_work import MemoryUnitOfWork
from .vault import MemoryVault
from .view import MemoryView

__all__ = [
    "MemoryAssistant",
    "MemoryEventStream",
    "MemoryMarks",
    "MemoryNotifier",
    "MemoryOpenId",
    "MemoryOutbox",
    "MemoryPsa",
    "MemoryStore",
    "MemoryTicket",
    "MemoryUnitOfWork",
    "MemoryVault",
    "MemoryView",
]
