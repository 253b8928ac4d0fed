"""Telling people by mail: `SmtpNotifier` hands messages to a mail server over SMTP."""

from .message import domain_of
from .notifier import SmtpNotifier
from .server import MailServer

__all__ = ["MailServer", "SmtpNotifier", "domain_of"]
