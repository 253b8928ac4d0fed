"""Values become literals that their language reads back as exactly the value: by the real bash and Python, and PowerShell's own rules."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowpilot_core.domain.knowledge.literals import Language, asking, literal
from flowpilot_core.domain.knowledge.parameter import LARGEST, Parameter, ParameterType, Value
from flowpilot_core.domain.knowledge.script import Rendered, ScriptContent, rendered

QUOTES = "'\u2018\u2019\u201a\u201b"
"""What PowerShell takes for a single quote, by its specification."""
NASTY = st.sampled_from(
    [*QUOTES, '"', "\\", "$(id)", "`id`", "\n", "\r\n", "${x}", "\u201c", "Ò", "😀", "'@", "'''", "#>", "--", "!", "%", "{{ v }}"]
)
TEXTS = st.lists(NASTY | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=6).map("".join)
VALUES = TEXTS | st.booleans() | st.integers(-LARGEST, LARGEST) | st.floats(-LARGEST, LARGEST)
FEW = settings(max_examples=25, deadline=None)
"""Each example starts a process."""


def a_script(language: Language, body: str, values: Sequence[Value]) -> Rendered:
    """A script that is given these values where its body says PLACES."""
    kinds = {str: ParameterType.TEXT, bool: ParameterType.YES_NO, int: ParameterType.INTEGER, float: ParameterType.NUMBER}
    parameters = [Parameter(name=f"v{number}", label="V", type=kinds[type(value)]) for number, value in enumerate(values)]
    between = {Language.BASH: " ", Language.PYTHON: ", ", Language.POWERSHELL: ", "}[language]
    places = between.join(f"{{{{ {one.name} }}}}" for one in parameters)
    content = ScriptContent(language=language, body=body.replace("PLACES", places), parameters=tuple(parameters))
    return rendered(content, {f"v{number}": value for number, value in enumerate(values)})


@FEW
@given(st.lists(VALUES, min_size=1, max_size=20))
def test_bash_reads_every_value_back(values: list[Value]) -> None:
    """A62: whatever a parameter is given, bash takes it for that one word."""
    script = a_script(Language.BASH, "printf '%s\\0' PLACES", values)

    said = subprocess.run(["bash", "-s"], input=script.text.encode(), capture_output=True, check=True)

    written = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    assert (written, b"") == (said.stdout.decode().split("\0")[:-1], said.stderr)


@FEW
@given(st.lists(VALUES, min_size=1, max_size=20))
def test_python_reads_every_value_back(values: list[Value]) -> None:
    """A62: whatever a parameter is given, Python takes it for that one value."""
    script = a_script(Language.PYTHON, "import json\nprint(json.dumps([PLACES]))\n", values)

    said = subprocess.run([sys.executable, "-I", "-"], input=script.text.encode(), capture_output=True, check=True)

    assert (repr(values), b"") == (repr(json.loads(said.stdout)), said.stderr)
    assert script.text.isascii()


@given(TEXTS)
def test_powershell_reads_every_text_back(value: str) -> None:
    """A62: by its lexical rules, and in every encoding that a tool may guess."""
    written = literal(Language.POWERSHELL, value)

    assert written.isascii()
    assert value == read_by_powershell(written)


@pytest.mark.skipif(shutil.which("pwsh") is None, reason="pwsh is not installed here")
@FEW
@given(st.lists(TEXTS, min_size=1, max_size=20))
def test_pwsh_reads_every_value_back(values: list[Value]) -> None:
    """A62: whatever a parameter is given, PowerShell itself takes it for that one value."""
    script = a_script(Language.POWERSHELL, "ConvertTo-Json -Compress @(PLACES)", values)

    said = subprocess.run(["pwsh", "-NoProfile", "-Command", script.text], capture_output=True, check=True)

    assert values == json.loads(said.stdout)


def read_by_powershell(written: str) -> str:
    """The text that an expression of verbatim strings, characters and `+` is, by the lexical grammar of PowerShell's specification."""
    if written.startswith("("):
        assert written.endswith(")")
        written = written[1:-1]
        assert written[0] in QUOTES, "a character comes first, to which numbers would be added"
    said = list[str]()
    at = 0
    while at < len(written):
        if said:
            assert " + " == written[at : at + 3]
            at += 3
        if character := re.compile(r"\[char\]0x([0-9a-f]{1,4})").match(written, at):
            said.append(chr(int(character[1], 16)))
            at = character.end()
            continue
        assert written[at] in QUOTES
        at, part = at + 1, ""
        while written[at] not in QUOTES or (at + 1 < len(written) and written[at + 1] in QUOTES):
            at += 2 if written[at] in QUOTES else 1
            part += written[at - 1]
        said.append(part)
        at += 1
    return "".join(said).encode("utf-16", "surrogatepass").decode("utf-16")


@pytest.mark.parametrize(
    ("language", "value", "written"),
    [
        (Language.BASH, "it's", "'it'\\''s'"),
        (Language.BASH, "", "''"),
        (Language.BASH, True, "true"),
        (Language.BASH, -5, "-5"),
        (Language.POWERSHELL, "it's $x `n", "'it''s $x `n'"),
        (Language.POWERSHELL, "", "''"),
        (Language.POWERSHELL, "aÒb", "('a' + [char]0xd2 + 'b')"),
        (Language.POWERSHELL, "Ò", "('' + [char]0xd2)"),
        (Language.POWERSHELL, "😀", "('' + [char]0xd83d + [char]0xde00)"),
        (Language.POWERSHELL, False, "$false"),
        (Language.POWERSHELL, 0.5, "0.5"),
        (Language.PYTHON, "it's Ò", '"it\'s \\xd2"'),
        (Language.PYTHON, True, "True"),
        (Language.PYTHON, 12, "12"),
    ],
)
def test_a_value_is_written_as_its_language_writes_it(language: Language, value: Value, written: str) -> None:
    assert written == literal(language, value)


def test_bash_asks_for_a_secret_and_keeps_every_character_of_it() -> None:
    secret = "a'b\\c $x  "
    script = ScriptContent(
        language=Language.BASH,
        body="#!/bin/bash\nprintf '%s' {{ password }}",
        parameters=(Parameter(name="password", label="It's a password", type=ParameterType.SECRET),),
    )

    asked = rendered(script, {})
    said = subprocess.run(["bash", "-c", asked.text], input=f"{secret}\n".encode(), capture_output=True, check=True)

    assert secret.encode() == said.stdout
    assert asked.text.startswith("#!/bin/bash\n")
    assert ("password",) == asked.asks


def test_python_asks_for_a_secret() -> None:
    value = eval(asking(Language.PYTHON, "It's a pässword"), {"__import__": lambda name: Getpass if name == "getpass" else None})

    assert "asked: It's a pässword: " == value


class Getpass:
    @staticmethod
    def getpass(prompt: str) -> str:
        return f"asked: {prompt}"


def test_powershell_asks_for_a_secret_that_it_does_not_show() -> None:
    assert "(Read-Host -AsSecureString -Prompt ('Kennw' + [char]0xf6 + 'rt'))" == asking(Language.POWERSHELL, "Kennwört")
