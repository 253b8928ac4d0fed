"""What an operator runs besides the server: migrate, doctor, config."""

import os

import typer
from rich.console import Console
from rich.table import Column, Table

from flowpilot_http import main as composition
from flowpilot_http.settings import Settings, SettingsWrong, shown, unread

from .environment import prepared
from .outcome import COULD_NOT, Json, complain, outcome, run, say


def migrate(json: Json = False) -> None:
    """Bring the database's schema to what this version of the program wants. Running it again changes nothing."""
    with outcome():
        revision, changed = composition.migrate(prepared())
        sentence = f"The schema is at {revision}{' now' if changed else '; there was nothing to do'}."
        say({"revision": revision, "changed": changed}, sentence, json=json)


def doctor(json: Json = False) -> None:
    """Look for what is wrong with this installation, and say what to do: settings, database, roles, schema, tenancy."""
    with outcome():
        findings = run(composition.examine(prepared()))
        wrong = [finding for finding in findings if finding.problem]
        if json:
            checks = [
                {"check": one.check, "ok": not one.problem, "problem": one.problem, "remedy": one.remedy, "note": one.note}
                for one in findings
            ]
            say({"ok": not wrong, "checks": checks}, "", json=True)
        else:
            for one in findings:
                said = f"WRONG  {one.check}: {one.problem}\n       {one.remedy}" if one.problem else f"ok     {one.check}"
                said += f"\n       {one.note}" if one.note else ""
                Console(soft_wrap=True, highlight=False).print(said, markup=False)
        if wrong:
            raise typer.Exit(COULD_NOT)


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
        say({"settings": facts, "wrong": str(wrong).splitlines() if wrong else [], "unread": strangers}, "", json=True)
    else:
        table = Table(Column("Variable", no_wrap=True), Column("Value", overflow="fold"), Column("What it is for", overflow="fold"))
        for one in rows:
            table.add_row(one.name, one.value or "—", one.explanation)
        Console().print(table)
        for stranger in strangers:
            complain(f"{stranger} is set, but nothing reads it")
    if wrong:
        with outcome():
            raise wrong
