"""The way to mail people."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from flowpilot_adapters.log_notifier import LogNotifier
from flowpilot_adapters.smtp import MailServer, SmtpNotifier, domain_of
from flowpilot_adapters.system import SystemClock
from flowpilot_core.application.notifications.mail_allowlist import MailOnlyTo
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.ports.notifications import Notifier
from flowpilot_http.settings import Settings, variable

from .failures import CannotRun


@asynccontextmanager
async def notifying(settings: Settings) -> AsyncIterator[Notifier]:
    """The way to mail people, closed in an orderly manner. Raises `CannotRun`."""
    notifier = notifier_of(settings)
    try:
        yield MailOnlyTo(notifier, settings.recipients) if settings.recipients is not None else notifier
    finally:
        await notifier.close()


def notifier_of(settings: Settings) -> LogNotifier | SmtpNotifier:
    """Raises `CannotRun` for a mail server that cannot be one."""
    if settings.smtp_url is None:
        return LogNotifier()
    try:
        domain_of(settings.mail_from)
        return SmtpNotifier(server=MailServer.of(settings.smtp_url), sender=settings.mail_from, clock=SystemClock())
    except (ValueError, InvalidValue) as exc:
        raise CannotRun(f"{variable('smtp_url')} or {variable('mail_from')}: {exc}") from exc
