"""All areas together: the unit of work and the view of an account that the whole product is put together over."""

from typing import Protocol

from .access import AccessView, AccessWork
from .assistant import AssistantView, AssistantWork
from .handoffs import HandoffView, HandoffWork
from .insights import InsightsView, InsightsWork
from .kernel import KernelView
from .knowledge import KnowledgeView, KnowledgeWork
from .maintenance import MaintenanceWork
from .notifications import NotificationView, NotificationWork
from .outputs import OutputWork
from .psa import PsaView, PsaWork
from .relay import RelayWork
from .replay import ReplayView, ReplayWork
from .sessions import SessionView, SessionWork


class UnitOfWork(
    InsightsWork,
    ReplayWork,
    MaintenanceWork,
    OutputWork,
    KnowledgeWork,
    PsaWork,
    NotificationWork,
    AssistantWork,
    HandoffWork,
    SessionWork,
    AccessWork,
    RelayWork,
    Protocol,
):
    """All or nothing, in one account, over everything there is."""


class View(
    InsightsView,
    ReplayView,
    KnowledgeView,
    PsaView,
    NotificationView,
    AssistantView,
    HandoffView,
    SessionView,
    AccessView,
    KernelView,
    Protocol,
):
    """What there is to see in one account."""
