"""The first library: every tree can be published and is walked to its ends, every script reads in its language."""

import subprocess
from collections.abc import Iterator
from uuid import UUID

import pytest

from flowpilot_adapters.patterns import matches
from flowpilot_adapters.scripts.reading import read_script
from flowpilot_core.application.knowledge.library import LibraryScript, LibraryTree
from flowpilot_core.domain.knowledge.content import Content, NodeId, NodeKind, TreeKind, checked_content
from flowpilot_core.domain.knowledge.literals import Language
from flowpilot_core.domain.knowledge.parameter import Parameter, ParameterType, Value, given
from flowpilot_core.domain.knowledge.placeholders import filled, names_in
from flowpilot_core.domain.knowledge.problems import problems
from flowpilot_core.domain.knowledge.script import checked_script, rendered, script_problems
from flowpilot_core.domain.sessions.walk import TreeOutcome
from flowpilot_http.library import library

LIBRARY = library()
SCRIPTS = {script.id: script for script in LIBRARY.scripts}
TEXTS = ('it\'s $(id) `x` "Ö" %PATH%', "server.example.test", r"\\server\share")
"""The first that a parameter takes is given to it."""

each_tree = pytest.mark.parametrize("tree", LIBRARY.trees, ids=lambda tree: tree.name)
each_script = pytest.mark.parametrize("script", LIBRARY.scripts, ids=lambda script: script.name)


def ways_through(content: Content) -> Iterator[tuple[NodeId, ...]]:
    """Every way from the root for as long as it goes on."""

    def onward(way: tuple[NodeId, ...]) -> Iterator[tuple[NodeId, ...]]:
        next_ones = dict.fromkeys(edge.to for edge in content.by_id[way[-1]].edges)
        if not next_ones:
            yield way
        for to in next_ones:
            assert to is not None
            yield from onward((*way, to))

    assert content.root is not None
    return onward((content.root,))


def a_value(of: Parameter) -> Value:
    match of.type:
        case ParameterType.YES_NO:
            return True
        case ParameterType.INTEGER | ParameterType.NUMBER:
            return int(of.min or 0)
        case ParameterType.CHOICE:
            return of.choices[-1]
    return next(text for text in TEXTS if of.pattern is None or matches(of.pattern, text))


def test_the_library_has_at_least_25_trees_and_15_script_templates() -> None:
    assert 25 <= len(LIBRARY.trees)
    assert 15 <= len(LIBRARY.scripts)
    assert set(TreeKind) == {tree.kind for tree in LIBRARY.trees}
    assert set(Language) == {script.content.language for script in LIBRARY.scripts}


def test_names_in_the_library_are_told_from_each_other() -> None:
    assert len(LIBRARY.trees) == len({tree.name.casefold() for tree in LIBRARY.trees})
    assert len(LIBRARY.scripts) == len({script.name.casefold() for script in LIBRARY.scripts})


def test_what_the_library_has_keeps_its_id_from_version_to_version() -> None:
    ids: list[UUID] = [one.id for one in LIBRARY.categories]
    ids += [one.id for one in LIBRARY.scripts]
    ids += [one.id for one in LIBRARY.trees]

    assert len(ids) == len(set(ids))
    assert ["019b76da-a800-78f8-915c-6553194c8a5c"] == [str(one.id) for one in LIBRARY.categories if one.name == "Printing"]
    assert ["019b76da-a800-779c-bbad-b896784da021"] == [str(one.id) for one in LIBRARY.scripts if one.name == "Clear a stuck print spooler"]
    assert ["019b76da-a800-7c8f-9fa3-ac962337e542"] == [str(one.id) for one in LIBRARY.trees if one.name == "A printer prints nothing"]


def test_everything_in_the_library_is_in_a_category_of_the_second_level() -> None:
    below = {one.id: one.parent_id for one in LIBRARY.categories if one.parent_id is not None}

    assert set(below) == {one.category_id for one in LIBRARY.trees} | {one.category_id for one in LIBRARY.scripts}
    assert {one.id for one in LIBRARY.categories if one.parent_id is None} == set(below.values())


@each_tree
def test_a_tree_of_the_library_has_no_problem(tree: LibraryTree) -> None:
    checked_content(tree.content, matches)

    assert () == problems(tree.content, tree.kind, dict.fromkeys(SCRIPTS, 1))


@each_tree
def test_a_tree_of_the_library_is_no_empty_show(tree: LibraryTree) -> None:
    outcomes = {node.outcome for node in tree.content.nodes if node.kind is NodeKind.OUTCOME}

    assert 10 <= len(tree.content.nodes)
    assert TreeOutcome.SOLVED in outcomes
    assert tree.kind is TreeKind.PROCEDURE or TreeOutcome.ESCALATE in outcomes
    assert any(node.help for node in tree.content.nodes)
    assert all(len(node.answers) <= 6 for node in tree.content.nodes)


@each_tree
def test_a_tree_of_the_library_is_walked_to_every_outcome(tree: LibraryTree) -> None:
    ways = list(ways_through(tree.content))

    assert {node.id for node in tree.content.nodes if node.kind is NodeKind.OUTCOME} == {way[-1] for way in ways}
    assert tree.content.by_id.keys() == {node_id for way in ways for node_id in way}


@each_tree
def test_all_that_a_tree_of_the_library_says_is_filled_in(tree: LibraryTree) -> None:
    parameters = tree.content.parameters
    values = given(parameters, {one.name: a_value(one) for one in parameters if one.required}, matches)

    said = [filled(text, lambda name: str(values[name])) for node in tree.content.nodes for _, text in node.asking]

    assert set() == {name for text in said for name in names_in(text)}


@each_tree
def test_a_tree_of_the_library_gives_scripts_what_they_take(tree: LibraryTree) -> None:
    for node in tree.content.nodes:
        if node.script:
            takes = {one.name: one for one in SCRIPTS[node.script.id].content.parameters}
            # What a person must confirm is asked of them, and never said for them.
            asked = {name for name, one in takes.items() if one.required and one.type is not ParameterType.YES_NO}
            assert asked <= node.parameters.keys() <= takes.keys()


@each_script
def test_a_script_of_the_library_has_no_problem(script: LibraryScript) -> None:
    content = checked_script(script.content, matches)
    reading = read_script(content.language, content.body, content.parameters)

    assert () == script_problems(content, reading)
    assert {one.name for one in content.parameters} == {place.name for place in reading.places}


@each_script
@pytest.mark.parametrize("all_of_them", [True, False], ids=["all given", "the required ones given"])
def test_a_script_of_the_library_reads_in_its_language_with_values_in_it(script: LibraryScript, all_of_them: bool) -> None:
    content = script.content
    asked = [one for one in content.parameters if (all_of_them or one.required) and one.type is not ParameterType.SECRET]

    text = rendered(content, given(content.parameters, {one.name: a_value(one) for one in asked}, matches)).text

    assert set() == names_in(text)
    match content.language:
        case Language.BASH:
            assert "" == subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=True).stderr
        case Language.PYTHON:
            compile(text, script.name, "exec")
        case Language.POWERSHELL:
            assert None is read_script(content.language, text, ()).broken_at
