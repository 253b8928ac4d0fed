"""Everything that can be wrong with an installation, looked at."""

import stat
from collections.abc import Callable, Sequence
from typing import Final

from attrs import frozen

from flowpilot_adapters.log_notifier import LogNotifier
from flowpilot_adapters.sql import Database, SqlMarks, SqlOutbox, migrations, roles, tenancy
from flowpilot_adapters.system import SystemClock
from flowpilot_adapters.vault import AesGcmVault
from flowpilot_core.application.access.secrets import Rotation
from flowpilot_core.domain.kernel.errors import Unavailable
from flowpilot_core.ports.notifications import NotSent
from flowpilot_http.settings import Settings, Unread, variable

from .database import Urls, database_of
from .failures import CannotRun, first_line
from .keys import key_files, secret_keys
from .mail import notifier_of
from .models import speakers

BESIDE_THE_POOL: Final = 6
"""Connections of a process that serves for what it watches: its readiness, due work, restores and wake-ups."""
NOT_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@frozen
class Finding:
    """Something that was looked at: what is wrong with it and what to do, or nothing."""

    check: str
    problem: str | None = None
    remedy: str | None = None
    note: str | None = None
    """What is worth knowing all the same."""
    warning: str | None = None
    """What is probably not meant so."""


async def examine(settings: Settings, strangers: Sequence[Unread] = ()) -> list[Finding]:
    """Everything that can be wrong with an installation, looked at; what depends on what is wrong is left out.

    `strangers`: variables that nobody reads.
    """
    findings = [
        *(Finding("settings", warning=str(one)) for one in strangers),
        _examined_key(settings),
        await _examined_mail(settings),
        _found("assistant", lambda: speakers(settings)),
    ]
    try:
        with database_of(settings) as urls:
            findings += await _examined(settings, urls)
    except CannotRun as exc:
        findings.append(Finding("database", str(exc), "Fix that first; the rest of the database was not checked."))
    return findings


async def _examined(settings: Settings, urls: Urls) -> list[Finding]:
    database = Database(urls.app, pool_size=1)
    findings = []
    try:
        at_head = await database.is_at_head()
    except Unavailable as exc:
        remedy = f"Start it, or correct {variable('database_url')}."
        return [Finding("database", f"it does not answer ({first_line(exc.__cause__ or exc)})", remedy)]
    finally:
        await database.close()
    old = tenancy.unfixed(urls.app)
    findings.append(Finding("database", note=old and f"{old}; no key of ours lets it through, but updating is better"))
    try:
        tenancy.check_application(urls.app)
        findings.append(Finding("role"))
    except tenancy.UnfitRole as exc:
        findings.append(Finding("role", str(exc), f"Let {variable('database_url')} connect as {roles.APP}."))
    findings.append(_examined_role_settings(urls))
    findings.append(_examined_connections(settings, urls))
    if not at_head:
        return [*findings, Finding("schema", f"it is not at {migrations.head()}", "Run: flowpilot migrate")]
    findings.append(Finding("schema"))
    remedy = "Undo what was changed by hand, or restore a backup: one account could reach another's data."
    leaks = tenancy.findings(urls.app)
    findings += [Finding(f"tenancy, {leak.rule}", str(leak), remedy) for leak in leaks] or [Finding("tenancy")]
    if urls.relay is None:
        remedy = f"Set {variable('relay_database_url')} wherever a relay runs."
        return [*findings, Finding("relay", "it was not told how to reach the database", remedy)]
    outbox, marks = SqlOutbox(urls.relay), SqlMarks(urls.relay)
    try:
        await outbox.lag()
        resting = await marks.why_paused()
    except Unavailable as exc:
        remedy = f"Correct {variable('relay_database_url')}."
        return [*findings, Finding("relay", f"it does not reach the database ({first_line(exc.__cause__ or exc)})", remedy)]
    else:
        remedy = "When it is clear what may be sent again, run: flowpilot relay resume"
        relay = Finding("relay", f"relays are paused, and nothing is sent: {resting}", remedy) if resting else Finding("relay")
        return [*findings, relay, await _examined_secrets(settings, urls, outbox)]
    finally:
        await outbox.close()
        await marks.close()


def _examined_role_settings(urls: Urls) -> Finding:
    """Whether the roles' sessions begin as they were set up to: a role may change its own, and whoever got hold of it may have."""
    drift = roles.drift(urls.app)
    wrong, strange = ([one for one in drift if one.is_ours is ours] for ours in (True, False))
    if wrong:
        remedy = (
            "Find out who did it: a role may change its own. Then run the set-up of the roles again, as a superuser (docs/howto/deploy.md)."
        )
        return Finding("role settings", "; ".join(map(str, wrong)), remedy)
    told = [
        f"{one}, which the set-up of the roles does not say; if nobody meant it, ALTER ROLE {one.role} RESET {one.setting}"
        for one in strange
    ]
    user = roles.password_of(urls.app)
    note = (
        user and f"{user} signs in with a password, and PostgreSQL lets every role change its own; a certificate or peer cannot be changed"
    )
    return Finding("role settings", warning="; ".join(told) or None, note=note)


def _examined_connections(settings: Settings, urls: Urls) -> Finding:
    """Whether the server takes as many as the workers may open."""
    wanted, most = settings.workers * (settings.pool_size + BESIDE_THE_POOL) + settings.pool_size // 2, roles.most_connections(urls.app)
    if wanted <= most:
        return Finding("connections")
    told = f"{settings.workers} workers may open {wanted} connections to the database, which takes {most} from everybody"
    return Finding("connections", warning=f"{told}; lower {variable('workers')} or {variable('pool_size')}, or raise its max_connections")


def _examined_key(settings: Settings) -> Finding:
    """Whether there is one, and whether those that are in files are for their owner alone."""
    found = _found("secret key", lambda: secret_keys(settings))
    if found.problem:
        return found
    open_files = [file for file in key_files(settings) if file.stat().st_mode & NOT_OTHERS]
    if not open_files:
        return found
    modes = ", ".join(f"{file} (mode {stat.S_IMODE(file.stat().st_mode):04o})" for file in open_files)
    return Finding("secret key", f"not only its owner may read {modes}", f"Run: chmod 600 {' '.join(map(str, open_files))}")


async def _examined_mail(settings: Settings) -> Finding:
    """Whether the mail server takes mail from us, as far as it says so before one is sent."""
    remedy = f"Correct {variable('smtp_url')}, or fix the mail server; until then nobody gets mail."
    try:
        notifier = notifier_of(settings)
    except CannotRun as exc:
        return Finding("mail", str(exc), remedy)
    if isinstance(notifier, LogNotifier):
        return Finding("mail", warning=f"no mail server is set, so mails go to the log and to nobody; set {variable('smtp_url')}")
    try:
        await notifier.greet()
    except NotSent as exc:
        return Finding("mail", str(exc), remedy)
    finally:
        await notifier.close()
    alone = settings.mail_only_to
    return Finding("mail", note=f"only {alone} get mail ({variable('mail_only_to')})" if alone else None)


async def _examined_secrets(settings: Settings, urls: Urls, outbox: SqlOutbox) -> Finding:
    """Whether every secret can be opened, and by which key. Says nothing more where the key itself is wrong, which has its own finding."""
    try:
        vault = AesGcmVault(secret_keys(settings))
    except CannotRun:
        return Finding("secrets")
    database = Database(urls.app, pool_size=1)
    try:
        older, lost = await Rotation(begin=database.begin, accounts=outbox, vault=vault, clock=SystemClock()).outstanding()
    finally:
        await database.close()
    if lost:
        remedy = f"Put the key they were encrypted with into {variable('secret_key_previous')}, or have them entered again."
        return Finding("secrets", f"{lost} cannot be opened with any key that is set here", remedy)
    return Finding("secrets", note=f"{older} are encrypted with the previous key; run: flowpilot secrets rotate" if older else None)


def _found(check: str, look: Callable[[], object]) -> Finding:
    try:
        look()
    except CannotRun as exc:
        return Finding(check, str(exc), "Correct the setting; `flowpilot config` shows what each is for.")
    return Finding(check)
