"""When two e-mail addresses are one: the same rule for who somebody is, whom a provider vouches for, and who may be told."""

import unicodedata

from .host_name import ascii_host, ascii_small


def folded_email(email: str) -> str:
    """What is the same for two addresses of one mailbox, and differs for any others.

    Text is the same however its marks are composed (NFC), and only the letters of ASCII have a case. The domain is compared as it is looked
    up: whoever owns "straße.example" does not own "strasse.example". A domain that cannot be looked up is the same to the letter alone.
    """
    local, at, domain = ascii_small(unicodedata.normalize("NFC", email)).rpartition("@")
    return f"{local}{at}{folded_domain(domain)}"


def folded_domain(domain: str) -> str:
    """As `folded_email`, of what stands behind the `@`."""
    try:
        return ascii_host(domain)
    except ValueError:
        return ascii_small(unicodedata.normalize("NFC", domain))
