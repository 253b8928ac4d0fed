"""Script templates: what their parameters may be given, what is wrong with them, and what they become."""

import hashlib

import pytest
from attrs import evolve
from hypothesis import given as examples
from hypothesis import strategies as st

from flowpilot_adapters.patterns import matches
from flowpilot_adapters.scripts.reading import read_script
from flowpilot_core.domain.kernel.errors import InvalidValue, InvalidValues
from flowpilot_core.domain.knowledge.evaluating import reads_code, runs
from flowpilot_core.domain.knowledge.literals import Language
from flowpilot_core.domain.knowledge.parameter import Parameter, ParameterType, Value, given
from flowpilot_core.domain.knowledge.script import (
    LONGEST_BODY,
    MOST_PLACES,
    Platform,
    ScriptContent,
    ScriptProblemCode,
    checked_script,
    rendered,
    script_problems,
)

HOST = Parameter(name="host", label="Host", type=ParameterType.TEXT, pattern="[a-z.]+")
COUNT = Parameter(name="count", label="How often", type=ParameterType.INTEGER, required=False, default=3, min=1, max=9)
PASSWORD = Parameter(name="password", label="Password", type=ParameterType.SECRET)
PING = ScriptContent(language=Language.BASH, body="ping -c {{ count }} {{host}}\n", parameters=(HOST, COUNT))


def codes(content: ScriptContent) -> list[str]:
    return [problem.code for problem in script_problems(content, read_script(content.language, content.body, content.parameters))]


def test_a_script_has_its_values_where_its_placeholders_were() -> None:
    script = rendered(PING, given(PING.parameters, {"host": "mail.example"}, matches))

    assert "ping -c 3 'mail.example'\n" == script.text
    assert hashlib.sha256(script.text.encode()).hexdigest() == script.sha256
    assert () == script.asks


def test_a_placeholder_in_a_value_stays_a_value() -> None:
    """A62: values are put in once; none is looked through for placeholders."""
    content = ScriptContent(
        language=Language.BASH,
        body="echo {{ a }} {{ b }}",
        parameters=tuple(Parameter(name=name, label=name, type=ParameterType.TEXT) for name in "ab"),
    )

    assert "echo '{{ b }}' '; id'" == rendered(content, {"a": "{{ b }}", "b": "; id"}).text


@pytest.mark.parametrize(("language", "nothing"), [(Language.BASH, "''"), (Language.POWERSHELL, "$null"), (Language.PYTHON, "None")])
def test_what_nobody_gave_is_nothing(language: Language, nothing: str) -> None:
    content = ScriptContent(language=language, body="x={{ host }}", parameters=(evolve(HOST, required=False),))

    assert f"x={nothing}" == rendered(content, given(content.parameters, {}, matches)).text


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({}, ["parameters.host"]),
        ({"host": "UPPER"}, ["parameters.host"]),
        ({"host": "a\0b"}, ["parameters.host"]),
        ({"host": "a\nB", "count": 10}, ["parameters.host", "parameters.count"]),
        ({"host": 5, "count": "5"}, ["parameters.host", "parameters.count"]),
        ({"host": "a", "count": 2.5}, ["parameters.count"]),
        ({"host": "a", "count": True}, ["parameters.count"]),
        ({"host": "a", "password": "hunter2"}, ["parameters.password"]),
        ({"host": "a", "other": 1}, ["parameters.other"]),
    ],
)
def test_each_value_that_does_not_fit_is_named(values: dict[str, Value], wrong: list[str]) -> None:
    with pytest.raises(InvalidValues) as refused:
        given((HOST, COUNT, PASSWORD), values, matches)

    assert wrong == [problem.field for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("ping {{ host }}", []),
        ("ping {{ other }}", ["unknown_parameter"]),
        ('ping "{{ host }}"', ["placeholder_in_text"]),
        ("{{ host }} --help", ["placeholder_as_command"]),
        ("eval '{{ host }}'; {{ host }}", ["placeholder_in_text", "placeholder_as_command"]),
        ("if true", ["invalid_script"]),
        (" \n", ["invalid_script"]),
    ],
)
def test_what_keeps_a_script_from_being_published_is_said(body: str, expected: list[str]) -> None:
    assert expected == codes(evolve(PING, body=body))


def test_a_problem_says_where_it_is() -> None:
    content = evolve(PING, body="# ü\n  echo '{{ host }}'")
    [problem] = script_problems(content, read_script(content.language, content.body, content.parameters))

    assert ScriptProblemCode.PLACEHOLDER_IN_TEXT == problem.code
    assert "{{ host }} in line 2, column 9 stands inside quotes, a comment or another word" == problem.detail


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (evolve(PING, body="x" * (LONGEST_BODY + 1)), "content.body"),
        (evolve(PING, body="{{ host }}" * (MOST_PLACES + 1)), "content.body"),
        (evolve(PING, parameters=(HOST, HOST)), "content.parameters.1.name"),
        (evolve(PING, parameters=(evolve(HOST, pattern="(?=x)"),)), "content.parameters.0.pattern"),
        (evolve(PING, parameters=(evolve(HOST, pattern="((a{100}){100}){100}"),)), "content.parameters.0.pattern"),
        (evolve(PING, parameters=(evolve(PASSWORD, default="hunter2"),)), "content.parameters.0.default"),
        (evolve(PING, platforms=(Platform.LINUX, Platform.LINUX)), "content.platforms"),
        (evolve(PING, timeout_seconds=0), "content.timeout_seconds"),
    ],
)
def test_a_script_that_is_none_is_not_kept(content: ScriptContent, field: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        checked_script(content, matches)

    assert field == refused.value.field


def test_a_script_that_is_not_finished_is_kept() -> None:
    content = evolve(PING, body='eval "{{ nothing }}')

    assert content == checked_script(content, matches)


def test_a_pattern_matches_the_whole_value() -> None:
    assert matches("a|ab", "ab")
    assert not matches("a", "a\n")
    assert not matches("^a$", "ba")


def test_a_pattern_takes_time_in_proportion_to_the_value() -> None:
    """A57: what would take a backtracking matcher for ever is matched at once."""
    assert not matches("(a*)*b", "a" * 10_000)


@examples(st.lists(st.none() | st.sampled_from(["sudo", "env", "-u", "bash", "-c", "find", "-exec", "xargs", "a=b", "--", ""]), min_size=1))
def test_whatever_a_command_is_made_of_is_judged(words: list[str | None]) -> None:
    assert all(isinstance(runs(words, place), bool) for place in range(len(words)))
    assert isinstance(reads_code(words), bool)
