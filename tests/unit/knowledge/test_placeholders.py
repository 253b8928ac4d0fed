"""Places for values of parameters."""

from flowpilot_core.domain.knowledge.placeholders import filled, names_in


def test_a_place_is_two_braces_around_a_name() -> None:
    assert {"host", "Port_2"} == names_in("Ping {{ host }} at {{Port_2}}; not { host }, {{ a b }}, {{ 1st }} or {{}}")


def test_what_is_put_in_is_not_read_again() -> None:
    assert "Ping {{ port }}" == filled("Ping {{ host }}", {"host": "{{ port }}", "port": "443"}.get)


def test_a_place_without_a_value_stays() -> None:
    assert "Ping {{ host }}" == filled("Ping {{ host }}", lambda _: None)


def test_a_text_of_nothing_but_braces_is_read_in_one_pass() -> None:
    assert frozenset() == names_in("{{ " * 300_000)
