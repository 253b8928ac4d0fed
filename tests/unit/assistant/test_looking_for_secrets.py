"""Looking for secrets takes as long as the text is long, whatever is in it."""

from time import process_time

import pytest

from flowpilot_core.domain.assistant.redaction import LEFT_OUT, NOT_LOOKED, Cleaner, Learned, learned, looked_through, placeholder
from flowpilot_core.domain.assistant.secrets.finding import found_in
from flowpilot_core.domain.assistant.secrets.span import SecretKind

KIB = 1024
PIECES = (
    *("pwd=xxxxxxx ", "\n", "\r\n", "password", "password is ", "password:\n", "password|", "pw (", "password for a ", "as the password "),
    *(
        "user a pw ",
        "net use ",
        "curl -u a:b ",
        "echo a|",
        "<<<",
        "key ",
        "login / ",
        "code 1",
        "seed ab ",
        "recovery code a1 ",
        "(",
        "<b>",
        "[",
    ),
    *(
        "eyJaaaaaaaaaa.",
        "aA1!",
        "A1b2",
        "aa@",
        "AAAA-",
        "123456-",
        "$6$",
        "://a:",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----",
        "8Q~",
        '"',
        "\\",
    ),
    *("abcd ef2h ", "snmp community ", "&quot;", "\u200b", "\uff30", "[password 000000]", "a.b.", "4", "=", "_", "x9", "a b c d e "),
)
"""Repeated, nested and unclosed pieces of what the rules look for."""


def seconds(text: str) -> float:
    def once() -> float:
        began = process_time()
        found_in(text, personal_too=True)
        return process_time() - began

    return min(once() for _ in range(2))


@pytest.mark.parametrize("piece", PIECES)
def test_a_text_of_twice_the_length_takes_twice_as_long(piece: str) -> None:
    """A55: in processor time; what is too quick to be measured is quick, and what grows faster does so at every size."""

    def grows(size: int) -> bool:
        short, long = (piece * (kib * KIB // len(piece)) for kib in (size, 2 * size))
        return seconds(long) < 2.5 * max(seconds(short), 0.003)

    assert any(grows(size) for size in (4, 16, 32, 64))


def test_how_closely_a_case_is_looked_at_is_bounded() -> None:
    """A55: of 200 texts of 256 KiB in which a name of a secret stands everywhere, the last ones are not looked through."""
    text = "pwd=x1y2z3w " * (256 * KIB // 12)

    looked = looked_through((f"{number}{text}" for number in range(200)), most=5_000)

    assert 5_000 == sum(one.found.looks for one in looked)
    assert NOT_LOOKED == looked[199]
    assert LEFT_OUT == Cleaner(Learned.of({"a": looked[199]}), lambda kind, _: str(kind))("a")


def test_a_thousand_secrets_are_found_again_in_one_pass() -> None:
    """A55: it was the number of secrets times the length of the text."""
    case = learned(f"password: kettle{number}moss" for number in range(1_000))
    clean = Cleaner(case, lambda kind, _: placeholder(kind, "0" * 6))

    left = clean(" ".join(f"typed kettle{number}moss" for number in range(1_000)))

    assert "kettle" not in left
    assert set(case.known.values()) == {SecretKind.PASSWORD}


@pytest.mark.parametrize("dressed", ["\uff4b\uff45\uff54tlemoss9", "kettle\u200bmoss9", "kettle\u00admoss9"])
def test_a_secret_in_other_signs_is_the_same_secret(dressed: str) -> None:
    clean = Cleaner(learned(["password: kettlemoss9"]), lambda kind, secret: f"[{kind} of {secret}]")

    assert "typed [password of kettlemoss9] twice" == clean(f"typed {dressed} twice")
