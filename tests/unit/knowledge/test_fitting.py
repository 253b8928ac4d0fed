"""Which trees fit a session: by words that say what it is about, and by no others."""

from attrs import frozen

from flowpilot_core.domain.kernel.words import stem
from flowpilot_core.domain.knowledge.fitting import asked, fitting


@frozen
class A:
    """A tree as it is searched by."""

    name: str
    words: tuple[str, ...]
    description: str | None = None

    @classmethod
    def tree(cls, name: str, nodes: str) -> "A":
        return cls(name=name, words=tuple(map(stem, (*asked(name).values(), *nodes.split()))))


PRINTER = A.tree("Printer prints nothing", "spooler queue law password driver")
LEAVER = A.tree("Offboard a person who leaves", "law archive mailbox morning machine password printer")


def offered(title: str, problem: str = "", *, client_name: str | None = None) -> dict[str, tuple[str, ...]]:
    found = fitting(title, (problem,), (PRINTER, LEAVER), client_name=client_name)
    return {tree.name: fit.because for tree, fit in found}


def test_words_that_stand_in_any_problem_offer_no_tree() -> None:
    assert {} == offered("Law firm, this morning", "Each machine since Monday, somebody asks for it")


def test_nor_do_they_stand_among_the_reasons_of_one_that_fits() -> None:
    assert {PRINTER.name: ("printer",)} == offered("Printer of the law firm since this morning")


def test_one_word_somewhere_in_a_tree_is_chance() -> None:
    assert {} == offered("Spooler")
    assert {PRINTER.name: ("queue", "spooler")} == offered("Spooler queue")


def test_the_name_of_the_client_says_nothing_of_the_problem() -> None:
    assert {} == offered("Spooler Queue Ltd: blue screen", client_name="Spooler Queue Ltd")
    assert PRINTER.name in offered("Spooler Queue Ltd: blue screen")
