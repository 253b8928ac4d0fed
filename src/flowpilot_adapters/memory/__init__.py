"""The in-memory peer: everything the ports promise, kept in plain dicts, for tests, embedding and trying things out."""

from flowpilot_adapters.memory.access.openid import MemoryOpenId
from flowpilot_adapters.memory.access.vault import MemoryVault
from flowpilot_adapters.memory.assistant.assistant import MemoryAssistant
from flowpilot_adapters.memory.notifications.event_stream import MemoryEventStream
from flowpilot_adapters.memory.notifications.notifier import MemoryNotifier
from flowpilot_adapters.memory.psa.vendor import MemoryPsa, MemoryTicket
from flowpilot_adapters.memory.relay.outbox import MemoryOutbox
from flowpilot_adapters.memory.relay.restore_marks import MemoryMarks

from .store import MemoryStore, MemoryView
from .unit_of_work import MemoryUnitOfWork

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
