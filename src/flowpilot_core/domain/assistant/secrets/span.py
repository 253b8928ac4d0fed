"""What a secret is, and where it stands."""

from enum import StrEnum

from attrs import frozen


class SecretKind(StrEnum):
    """What a secret is, in the word its placeholder uses."""

    PASSWORD = "password"  # noqa: S105  (a word, not one)
    KEY = "key"
    PRIVATE_KEY = "private key"
    TOKEN = "token"  # noqa: S105  (a word, not one)
    CODE = "code"
    HASH = "password hash"
    CARD = "card"
    PERSONAL = "personal"


@frozen
class Span:
    """Where in a text something stands that must not leave."""

    start: int
    end: int
    kind: SecretKind
