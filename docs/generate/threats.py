"""The threat model: what there is to protect, from whom, and the test that tries each attack."""

from .markdown import page, table
from .reliability import staged, tests_by_row

ASSETS = (
    (
        "What providers know of their clients' networks",
        "sessions, steps, evidence, snapshots, assessments",
        "another account, a mailbox, a log",
    ),
    ("The right to act as somebody", "API tokens, sign-ins, links, JWTs", "whoever reads a disk, a log, a mail or a browser's history"),
    ("Keys to other systems", "PSA credentials, webhook URLs and signing keys", "whoever reads the database or a backup of it"),
    ("That handoffs are heard of", "the queue, the outbox, mails, streams", "whoever can stop, delay or flood one of them"),
    ("That what happened stays on record", "the event log, frozen snapshots", "whoever would rather it had not"),
)

BOUNDARIES = (
    ("Internet to HTTP edge", "every byte is hostile; sign-in comes before anything is looked up, closed schemas before any use case"),
    ("One account to another", "the token names the account; keys and row policies hold even where code is wrong: [tenancy](tenancy.md)"),
    ("One role to another", "one table in the core decides; parks are private inside an account too"),
    (
        "Browser to us",
        "cookies no script reads, a token in every form, no script but that of `/docs`, which sends no cookie, nothing from elsewhere",
    ),
    ("Us to addresses that an account entered", "one guard: TLS, no private address after resolution or redirect, bounds on size and time"),
    (
        "Us to mail servers and mailboxes",
        "one message has one envelope; a link in a mail carries no right by itself but to accept an invitation",
    ),
    ("Us to a model", "redacted input of one account; its words are data, and cite steps or are marked as unsupported"),
    ("Application to database", "a role that owns nothing and passes no policy; what is frozen or logged it cannot change"),
)

ATTACKERS = (
    ("Somebody on the internet", "no credentials; guesses, floods, sends what no client would"),
    ("A customer of ours", "a valid token of another account: the one that this is built against"),
    ("A colleague", "a valid token of the account, with a lesser role, or one who was deactivated a moment ago"),
    ("Somebody who writes tickets", "no account at all: their words reach titles, evidence, mails, logs and a model's input"),
    ("A web page", "open in the browser of somebody who is signed in"),
    ("Whoever runs an address that was entered", "a webhook's receiver, a PSA: answers with redirects, gigabytes, or never"),
    ("Whoever finds a copy", "of the database, a log, a mail: secrets are encrypted or hashed in the first, and not in the others"),
)


def threat_model() -> str:
    """What there is to protect, from whom, where the walls are, and the tests that try to get past them."""
    return page(
        "The threat model: who might attack what, and the test that tries it",
        "FlowPilot holds what service providers know about their clients' networks. This page says what is worth attacking, where trust"
        " ends, who is expected to try, and what each attack must come to. Report a weakness as [SECURITY.md](../../SECURITY.md) says.",
        "## What there is to protect",
        table(["asset", "where", "from"], ASSETS),
        "## Where trust ends",
        table(["boundary", "what stands there"], BOUNDARIES),
        "## Who tries",
        table(["attacker", "with what"], ATTACKERS),
        "## What is out of scope",
        "Whoever administers the database, the host or the mail server sees what passes through it. Somebody with an account owner's"
        " credentials can do what an account owner can. Floods from many addresses are for what stands before the server; heads, bodies,"
        " connections, streams, pages, queries and outgoing answers are bounded here. Timing is not measured: what a stranger's request"
        " costs is shown by its statements.",
        "## Each attack, and the tests that try it",
        "A test names its row; the table is made from these names. Those of parts that are not built yet are left out. Beside them,"
        " `test_who_may.py` tries every route as every role, from another account and signed out, and fails where nobody decided about a"
        " route.",
        staged("A", tests_by_row()),
    )
