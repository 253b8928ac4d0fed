"""What an operator runs besides the server: migrate, doctor, config."""

import os
import shutil
import textwrap
from typing import TYPE_CHECKING, Final

import typer

from flowpilot_http import main as composition
from flowpilot_http.settings import Settings, SettingsWrong, shown, unread

from .environment import prepared
from .outcome import COULD_NOT, Json, complain, outcome, run, say

if TYPE_CHECKING:
    from flowpilot_http.main.examining import Finding

_INDENT: Final = "    "


def migrate(json: Json = False) -> None:
    """Bring the database's schema, and the library that all accounts read, up to this version. Running it again changes nothing."""
    with outcome():
        revision, changed, library = composition.migrate(prepared())
        sentence = (
            f"The schema is {'now' if changed else 'already'} at {revision}. The library: {library.new} new, {library.changed} changed."
        )
        facts = {"revision": revision, "changed": changed, "library": {"new": library.new, "changed": library.changed}}
        say(facts, sentence, json=json)


def doctor(json: Json = False) -> None:
    """Check the installation (settings, database, roles, schema, tenancy and more), and say how to fix what is wrong."""
    with outcome():
        settings = prepared(warned=False)
        findings = run(composition.examine(settings, unread(os.environ)))
        wrong = [finding for finding in findings if finding.problem]
        if json:
            say({"ok": not wrong, "checks": [_facts(one) for one in findings]}, "", json=True)
        else:
            for one in findings:
                say({}, _said(one), json=False)
        if wrong:
            raise typer.Exit(COULD_NOT)


def _facts(one: "Finding") -> dict[str, object]:
    return {
        "check": one.check,
        "ok": not one.problem,
        "problem": one.problem,
        "remedy": one.remedy,
        "warning": one.warning,
        "note": one.note,
    }


def _said(one: "Finding") -> str:
    if one.problem:
        first = f"WRONG  {one.check}: {one.problem}"
    elif one.warning:
        first = f"WARN   {one.check}: {one.warning}"
    else:
        first = f"ok     {one.check}"
    return "\n       ".join([first, *(line for line in (one.remedy, one.note) if line)])


def config(json: Json = False) -> None:
    """Show every setting, its value and what it is for; secrets are hidden."""
    wrong: SettingsWrong | None = None
    try:
        settings = Settings.of(os.environ)
    except SettingsWrong as exc:
        wrong, settings = exc, Settings()
    strangers = unread(os.environ)
    rows = list(shown(settings))
    if json:
        facts = [{"name": one.name, "value": one.value, "explanation": one.explanation} for one in rows]
        say(
            {"settings": facts, "wrong": str(wrong).splitlines() if wrong else [], "unread": [one.name for one in strangers]}, "", json=True
        )
    else:
        width = shutil.get_terminal_size().columns
        for one in rows:
            explanation = textwrap.wrap(one.explanation, width, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False)
            typer.echo("\n".join([f"{one.name}={one.value}" if one.value else f"{one.name} is not set", *explanation]))
        for stranger in strangers:
            complain(f"flowpilot: {stranger}")
    if wrong:
        with outcome():
            raise wrong
