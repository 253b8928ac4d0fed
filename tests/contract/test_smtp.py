"""Mail over SMTP, against real servers on this machine: one that behaves and one that follows a script (rows F22 to F27, A39)."""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest
from attrs import define, evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from flowpilot_adapters.smtp import MailServer, SmtpNotifier, opening
from flowpilot_adapters.smtp.message import written
from flowpilot_core.domain.kernel.errors import InvalidValue
from flowpilot_core.ports.notifications import Message, Notifier, NotSent
from flowpilot_core.testing.contracts.notifications.notifier import NotifierContract, a_message
from tests.support.mail_server import AUTHORITY, ELSEWHERE, LOCALHOST, Action, AiosmtpdServer, Envelope, Fault, ScriptedServer
from tests.support.postfix import NEVER, PostfixServer, can_run, postfix
from tests.support.smuggling import ENCODED, SMUGGLED, one_mail

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SENDER = "flowpilot@msp.example.com"
ADDRESS = "anna@example.com"
MAILS = int(os.environ.get("FLOWPILOT_TEST_MAILS", "1000"))
"""Of the test that sends many; ten thousand where there is a minute for it."""
WORDS = {
    Fault.SILENCE: "the mail server did not answer in time",
    Fault.DRIP: "the mail server did not answer in time",
    Fault.HANG_UP: "the mail server closed the connection",
    Fault.GARBAGE: "Malformed SMTP response line: what a day",
}


class Noon:
    def now(self) -> datetime:
        return NOON


def sends_to(url: str, *, deadline: float = 20.0) -> SmtpNotifier:
    return SmtpNotifier(server=MailServer.of(url), sender=SENDER, clock=Noon(), deadline=timedelta(seconds=deadline), idle=timedelta(0))


@asynccontextmanager
async def keeping(url: str, *, most: int = 8, deadline: float = 20.0, idle: float = 20.0) -> AsyncIterator[SmtpNotifier]:
    """A notifier that keeps its connections open, as the product does."""
    kept = evolve(sends_to(url, deadline=deadline), most=most, idle=timedelta(seconds=idle))
    try:
        yield kept
    finally:
        await kept.close()


@asynccontextmanager
async def speaking_tls(*, at_once: bool = False, certificate: Path = LOCALHOST) -> AsyncIterator[ScriptedServer]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with ScriptedServer(tls=context, tls_at_once=at_once, extensions=("AUTH PLAIN",)).running() as server:
        yield server


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test authority is trusted, as an operator would have it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer().running() as server:
        yield server


async def problem_of(notifier: Notifier, message: Message | None = None) -> NotSent:
    with pytest.raises(NotSent) as refused:
        await notifier.send(message or a_message())
    return refused.value


def verbs(server: ScriptedServer) -> list[str]:
    return [command.split()[0] for command in server.commands]


@define
class ScriptedPostbox:
    server: ScriptedServer

    @property
    def accepted(self) -> Sequence[Message]:
        return [envelope.message for envelope in self.server.accepted]

    def refuse(self, to: str, *, permanent: bool) -> None:
        self.server.on("RCPT", "550 5.1.1 no such user" if permanent else "451 4.7.1 come back later", to=to)

    def lose_answer(self, to: str) -> None:
        self.server.on(".", Fault.HANG_UP, to=to)

    def stall(self, to: str) -> None:
        self.server.on("RCPT", Fault.SILENCE, to=to)


@define
class AiosmtpdPostbox:
    server: AiosmtpdServer

    @property
    def accepted(self) -> Sequence[Message]:
        return [envelope.message for envelope in self.server.accepted]

    def refuse(self, to: str, *, permanent: bool) -> None:
        self.server.refusals[to] = "550 5.1.1 no such user" if permanent else "451 4.7.1 come back later"

    def lose_answer(self, to: str) -> None:
        self.server.hung_up_on.add(to)

    def stall(self, to: str) -> None:
        raise NotImplementedError


class TestMailToAiosmtpd(NotifierContract):
    capabilities = frozenset({"refuses", "loses_answers"})

    @pytest.fixture
    async def postbox(self) -> AsyncIterator[AiosmtpdPostbox]:
        async with AiosmtpdServer().running() as server:
            yield AiosmtpdPostbox(server)

    @pytest.fixture
    def notifier(self, postbox: AiosmtpdPostbox) -> Notifier:
        return sends_to(postbox.server.url)


class TestMailToAScriptedServer(NotifierContract):
    capabilities = frozenset({"refuses", "loses_answers", "stalls"})

    @pytest.fixture
    async def postbox(self, server: ScriptedServer) -> ScriptedPostbox:
        return ScriptedPostbox(server)

    @pytest.fixture
    def notifier(self, postbox: ScriptedPostbox, request: pytest.FixtureRequest) -> Notifier:
        stalling = any("stalls" in mark.args for mark in request.node.iter_markers("requires"))
        return sends_to(postbox.server.url, deadline=0.2 if stalling else 20.0)


@pytest.mark.skipif(not can_run(), reason=NEVER)
class TestMailToPostfix(NotifierContract):
    """By STARTTLS, with its certificate checked."""

    capabilities = frozenset({"refuses"})

    @pytest.fixture
    async def postbox(self) -> AsyncIterator[PostfixServer]:
        async with postfix() as server:
            yield server

    @pytest.fixture
    def notifier(self, postbox: PostfixServer, trusted: None) -> Notifier:
        return sends_to(postbox.url)


class TestWhatGoesWrong:
    """Which of the ways a conversation can end mean that nothing was sent, and which that nobody knows."""

    pytestmark = pytest.mark.anyio

    async def test_a_refused_connection_is_tried_again(self) -> None:
        """F22: nobody listens."""
        with socket.socket() as bound_to_nobody:
            bound_to_nobody.bind(("127.0.0.1", 0))
            refused = await problem_of(sends_to(f"smtp://127.0.0.1:{bound_to_nobody.getsockname()[1]}"))

        assert ("the mail server refused the connection", False, False) == (refused.problem, refused.permanent, refused.unknown)

    async def test_a_name_that_nobody_has_is_tried_again(self) -> None:
        """F22: the name does not resolve."""
        refused = await problem_of(sends_to("smtp://mail.invalid:25"))

        assert ("the mail server's name cannot be resolved", False, False) == (refused.problem, refused.permanent, refused.unknown)

    @pytest.mark.parametrize("at", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"])
    @pytest.mark.parametrize("fault", list(Fault))
    async def test_before_the_mails_last_byte_nothing_was_sent(self, server: ScriptedServer, at: str, fault: Fault) -> None:
        """F22, F26: whatever happens to the conversation, it ends in time, and the mail may simply be sent again."""
        server.on(at, fault)

        ended = await problem_of(sends_to(server.url, deadline=0.2 if fault in (Fault.SILENCE, Fault.DRIP) else 20.0))

        assert (False, False) == (ended.permanent, ended.unknown)
        assert WORDS[fault] in ended.problem
        assert [] == server.accepted

    @pytest.mark.parametrize("fault", list(Fault))
    async def test_after_the_mails_last_byte_nobody_knows(self, server: ScriptedServer, fault: Fault) -> None:
        """F25, F26: the mail was accepted and the answer lost; the repeat has the same Message-ID."""
        server.on(".", fault)

        ended = await problem_of(sends_to(server.url, deadline=2.0 if fault in (Fault.SILENCE, Fault.DRIP) else 20.0))
        await sends_to(server.url).send(evolve(a_message(), maybe_twice=True))

        assert (False, True) == (ended.permanent, ended.unknown)
        assert WORDS[fault] in ended.problem
        assert [a_message(), evolve(a_message(), maybe_twice=True)] == [envelope.message for envelope in server.accepted]

    async def test_a_greylisted_mail_is_taken_at_the_third_try(self, server: ScriptedServer) -> None:
        """F23: 451 twice, then 250, under one Message-ID."""
        server.on("RCPT", "451 4.7.1 greylisted", times=2)
        notifier = sends_to(server.url)

        first, second = await problem_of(notifier), await problem_of(notifier)
        await notifier.send(a_message())

        assert [(False, False)] * 2 == [(refused.permanent, refused.unknown) for refused in (first, second)]
        assert "the mail server refused the address: 451 4.7.1 greylisted" == first.problem
        assert [a_message()] == [envelope.message for envelope in server.accepted]

    @pytest.mark.parametrize("at", ["MAIL", "RCPT", "DATA", "."])
    @pytest.mark.parametrize(
        ("reply", "permanent"),
        [
            ("550 5.7.1 no", True),
            ("554 no", True),
            ("421 4.3.2 going down", False),
            ("452 full", False),
            ("530 5.7.0 sign in first", False),
        ],
    )
    async def test_a_refused_mail_is_dead_or_tried_again_by_the_servers_word(
        self, server: ScriptedServer, at: str, reply: str, permanent: bool
    ) -> None:
        """F23, F24: except where the word is that the operator's sign-in is wrong."""
        server.on(at, reply)

        refused = await problem_of(sends_to(server.url))

        assert (permanent, False) == (refused.permanent, refused.unknown)
        assert reply in refused.problem

    async def test_one_of_three_addresses_is_refused_and_the_others_get_theirs(self, server: ScriptedServer) -> None:
        """F24: 550 for one."""
        server.on("RCPT", "550 5.1.1 no such user", to="ben@example.com")
        notifier = sends_to(server.url)

        await notifier.send(a_message(1, to="anna@example.com"))
        refused = await problem_of(notifier, a_message(2, to="ben@example.com"))
        await notifier.send(a_message(3, to="cleo@example.com"))

        assert ("the mail server refused the address: 550 5.1.1 no such user", True) == (refused.problem, refused.permanent)
        assert "the mail server refused the address: 550" == refused.logged
        assert [("anna@example.com",), ("cleo@example.com",)] == [envelope.recipients for envelope in server.accepted]

    @pytest.mark.parametrize("at", ["CONNECT", "EHLO"])
    async def test_a_server_that_is_closed_to_us_does_not_kill_the_mail(self, server: ScriptedServer, at: str) -> None:
        """F22: 5xx before the mail says something about the server and us, which the operator can mend."""
        server.on(at, "554 5.3.2 no service here")

        refused = await problem_of(sends_to(server.url))

        assert ("the mail server is not ready for mail: 554 5.3.2 no service here", False) == (refused.problem, refused.permanent)
        assert "the mail server is not ready for mail: 554" == refused.logged

    @pytest.mark.parametrize("farewell", [*Fault, "500 5.5.1 no goodbye", "421 4.4.2 too late"])
    async def test_a_bad_goodbye_takes_nothing_back(self, server: ScriptedServer, farewell: Action) -> None:
        """F27: after 250 it counts as sent."""
        server.on("QUIT", farewell)

        await sends_to(server.url).send(a_message())

        assert [a_message()] == [envelope.message for envelope in server.accepted]

    async def test_a_servers_words_are_bounded_and_printable(self, server: ScriptedServer) -> None:
        server.on("RCPT", "550-\x1b[31mno\x00\r\n550 " + "because " * 200)

        refused = await problem_of(sends_to(server.url))

        assert refused.problem.startswith("the mail server refused the address: 550 [31mno because because")
        assert 300 == len(refused.problem)
        assert refused.problem.isprintable()


class TestConnections:
    """Kept open while mails follow one another, and never used again after anything went wrong."""

    pytestmark = pytest.mark.anyio

    async def test_mails_one_after_another_share_one(self, server: ScriptedServer) -> None:
        async with keeping(server.url) as mail:
            for number in (1, 2, 3):
                await mail.send(a_message(number))

        assert ["EHLO", *["MAIL", "RCPT", "DATA", "RSET"] * 2, "MAIL", "RCPT", "DATA", "QUIT"] == verbs(server)

    async def test_thousands_of_mails_arrive_once_each(self, server: ScriptedServer) -> None:
        async with keeping(server.url) as mail:
            batches = [range(first, first + 100) for first in range(0, MAILS, 100)]
            for batch in batches:
                await asyncio.gather(*(mail.send(a_message(number, to=f"person{number}@example.com")) for number in batch))

        assert {f"person{number}@example.com" for number in range(MAILS)} == {one.recipients[0] for one in server.accepted}
        assert MAILS == len(server.accepted)
        assert verbs(server).count("EHLO") <= mail.most

    async def test_no_more_are_open_than_may_be(self, server: ScriptedServer) -> None:
        async with keeping(server.url, most=3) as mail, anyio.create_task_group() as tasks:
            for number in range(30):
                tasks.start_soon(mail.send, a_message(number))

        assert 30 == len(server.accepted)
        assert verbs(server).count("EHLO") <= 3

    @pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
    async def test_after_a_refusal_the_next_mail_has_a_new_one(self, server: ScriptedServer, verb: str) -> None:
        server.on(verb, "451 4.3.0 not now")
        async with keeping(server.url) as mail:
            await problem_of(mail)
            await mail.send(a_message())

        assert 2 == verbs(server).count("EHLO")
        assert "RSET" not in verbs(server)

    @pytest.mark.parametrize("stale", ["421 4.4.2 too long idle", Fault.HANG_UP, Fault.SILENCE])
    async def test_one_that_went_stale_costs_no_mail(self, server: ScriptedServer, stale: Action) -> None:
        server.on("RSET", stale)
        async with keeping(server.url, deadline=1.0) as mail:
            await mail.send(a_message(1))
            if stale is Fault.SILENCE:
                assert "the mail server did not answer in time" == (await problem_of(mail)).problem
            await mail.send(a_message(2))

        assert [a_message(1), a_message(2)] == [envelope.message for envelope in server.accepted]

    async def test_a_hung_server_holds_no_mail_longer_than_its_turn_and_its_deadline(self, server: ScriptedServer) -> None:
        """F26: with all connections hanging, those that wait for one give up too."""
        server.on("RCPT", Fault.SILENCE, times=99)
        async with keeping(server.url, most=1, deadline=0.1) as mail:
            problems = await asyncio.gather(*(problem_of(mail, a_message(number)) for number in range(4)))

        assert {("the mail server did not answer in time", False)} == {(problem.problem, problem.unknown) for problem in problems}

    async def test_one_that_nobody_wants_says_goodbye(self, server: ScriptedServer) -> None:
        async with keeping(server.url, idle=0.01) as mail:
            await mail.send(a_message())
            with anyio.fail_after(10):
                await server.left.wait()


class TestTls:
    """Secrets and mails go over TLS, or to this machine."""

    pytestmark = pytest.mark.anyio

    @pytest.mark.usefixtures("trusted")
    @pytest.mark.parametrize("at_once", [False, True])
    async def test_mail_goes_over_tls_where_there_is_some(self, at_once: bool) -> None:
        async with speaking_tls(at_once=at_once) as server:
            await sends_to(server.url).send(a_message())

            assert [a_message()] == [envelope.message for envelope in server.accepted]
            assert at_once is ("STARTTLS" not in server.commands)

    @pytest.mark.parametrize("at_once", [False, True])
    async def test_an_unknown_authority_ends_it_before_anything_is_said(self, at_once: bool) -> None:
        """F22: certificates are checked, on this machine too."""
        async with speaking_tls(at_once=at_once) as server:
            refused = await problem_of(sends_to(server.url))

            assert refused.problem.startswith("the mail server's certificate is not accepted: ")
            assert (False, False) == (refused.permanent, refused.unknown)
            assert {"EHLO", "STARTTLS"} >= set(verbs(server))

    @pytest.mark.usefixtures("trusted")
    @pytest.mark.parametrize("at_once", [False, True])
    async def test_a_certificate_for_another_name_ends_it_before_anything_is_said(self, at_once: bool) -> None:
        """F22: whoever has a certificate is not yet the server we were told of."""
        async with speaking_tls(at_once=at_once, certificate=ELSEWHERE) as server:
            refused = await problem_of(sends_to(server.url))

            assert refused.problem.startswith("the mail server's certificate is not accepted: ")
            assert {"EHLO", "STARTTLS"} >= set(verbs(server))

    @pytest.mark.usefixtures("trusted")
    @pytest.mark.parametrize("fault", ["454 4.7.0 not now", Fault.HANG_UP, Fault.GARBAGE])
    async def test_where_starttls_fails_nothing_follows_in_plain_text(self, fault: Action) -> None:
        """F22: never falls back, not even to this machine."""
        async with speaking_tls() as server:
            server.on("STARTTLS", fault)
            refused = await problem_of(sends_to(server.url.replace("//", "//user:password@")))

            assert (False, False) == (refused.permanent, refused.unknown)
            assert ["EHLO", "STARTTLS"] == verbs(server)

    async def test_without_tls_nothing_is_said_to_another_machine(self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
        """F22: as where somebody in between strikes STARTTLS from the server's offers."""
        monkeypatch.setattr(opening, "is_this_machine", lambda client: False)

        refused = await problem_of(sends_to(server.url.replace("//", "//user:password@")))

        assert "the mail server offers no TLS, and without it mail goes to this machine alone" == refused.problem
        assert ["EHLO"] == verbs(server)

    @pytest.mark.parametrize(
        ("peer", "this_machine"),
        [
            (("127.0.0.1", 25), True),
            (("127.9.8.7", 25), True),
            (("::1", 25, 0, 0), True),
            (("10.0.0.1", 25), False),
            (("fe80::1%eth0", 25, 0, 2), False),
        ],
    )
    def test_this_machine_is_known_by_its_address_and_not_by_its_name(self, peer: tuple[object, ...], this_machine: bool) -> None:
        class Client:
            def get_transport_info(self, key: str) -> object:
                return {"peername": peer}[key]

        assert this_machine is opening.is_this_machine(Client())  # type: ignore[arg-type]


class TestSigningIn:
    pytestmark = pytest.mark.anyio

    async def test_user_and_password_are_said_as_they_are(self) -> None:
        async with ScriptedServer(extensions=("AUTH PLAIN",)).running() as server:
            await sends_to(server.url.replace("//", "//fp%40msp:p%2Fw%3A%23@")).send(a_message())

            # "\0fp@msp\0p/w:#"
            assert "AUTH PLAIN AGZwQG1zcABwL3c6Iw==" in server.commands
            assert [a_message()] == [envelope.message for envelope in server.accepted]

    @pytest.mark.parametrize(
        ("reply", "problem"),
        [
            ("535 5.7.8 fp@msp: bad credentials", "the mail server refused our sign-in (535): its user or password must be corrected"),
            ("454 4.7.0 fp@msp: the directory is down", "the mail server refused our sign-in (454): it may pass"),
        ],
    )
    async def test_a_refused_sign_in_is_tried_once_and_kills_no_mail(self, reply: str, problem: str) -> None:
        """F22: the operator mends it, or time does; the server's words may name the user, so they are left out."""
        async with ScriptedServer(extensions=("AUTH CRAM-MD5 PLAIN LOGIN",)).running() as server:
            server.on("AUTH", reply)
            refused = await problem_of(sends_to(server.url.replace("//", "//fp%40msp:hunter2@")))

            assert problem == refused.problem
            assert (False, False) == (refused.permanent, refused.unknown)
            assert ["EHLO", "AUTH"] == verbs(server)

    @pytest.mark.parametrize("extensions", [(), ("AUTH XOAUTH2",)])
    async def test_a_server_that_we_cannot_sign_in_to_is_told_nothing(self, extensions: Sequence[str]) -> None:
        async with ScriptedServer(extensions=extensions).running() as server:
            refused = await problem_of(sends_to(server.url.replace("//", "//user:password@")))

            assert "the mail server lets nobody sign in with a user and a password, and we are to" == refused.problem
            assert ["EHLO"] == verbs(server)

    def test_the_password_is_in_no_repr(self) -> None:
        assert "hunter2" not in repr(sends_to("smtp://user:hunter2@mail.example.com"))


class TestGreeting:
    """P13: a server that knows no extensions is greeted as servers were before there were any."""

    pytestmark = pytest.mark.anyio

    @pytest.mark.parametrize("answer", ["502 5.5.1 command not implemented", "500 what?", "550 no such thing", "504 not here"])
    async def test_where_ehlo_is_not_known_helo_is_said(self, answer: str) -> None:
        async with ScriptedServer().running() as server:
            server.on("EHLO", answer)
            await sends_to(server.url).send(a_message())

            assert [a_message()] == [envelope.message for envelope in server.accepted]
            assert ["EHLO", "HELO", "MAIL", "RCPT", "DATA", "QUIT"] == verbs(server)

    async def test_who_refuses_both_is_not_ready(self) -> None:
        async with ScriptedServer().running() as server:
            server.on("EHLO", "502 no")
            server.on("HELO", "502 no")
            refused = await problem_of(sends_to(server.url))

        assert ("the mail server is not ready for mail: 502 no", False) == (refused.problem, refused.permanent)

    async def test_who_asks_us_to_come_later_is_not_asked_at_once_again(self) -> None:
        async with ScriptedServer().running() as server:
            server.on("EHLO", "421 later")
            await problem_of(sends_to(server.url))

            assert "HELO" not in verbs(server)


class TestAddresses:
    pytestmark = pytest.mark.anyio

    async def test_an_address_beyond_ascii_needs_a_server_that_takes_it(self) -> None:
        async with ScriptedServer(extensions=()).running() as server:
            refused = await problem_of(sends_to(server.url), a_message(to="jörg@example.com"))

            assert "the mail server takes no addresses beyond ASCII (SMTPUTF8)" == refused.problem
            assert refused.permanent

    async def test_a_server_that_takes_it_is_told_so(self, server: ScriptedServer) -> None:
        await sends_to(server.url).send(a_message(to="jörg@example.com"))

        assert f"MAIL FROM:<{SENDER}> SMTPUTF8 BODY=8BITMIME" in server.commands
        assert [a_message(to="jörg@example.com")] == [envelope.message for envelope in server.accepted]

    @pytest.mark.parametrize(
        ("address", "plain"), [("anna@bücher.example", "anna@xn--bcher-kva.example"), ("o'neil+fp@example.com", "o'neil+fp@example.com")]
    )
    async def test_an_address_that_can_be_said_in_ascii_needs_nothing(self, address: str, plain: str) -> None:
        async with ScriptedServer(extensions=()).running() as server:
            await sends_to(server.url).send(a_message(to=address))

            assert [(plain,)] == [envelope.recipients for envelope in server.accepted]

    def test_a_domain_is_never_turned_into_another(self) -> None:
        """P1: whoever has "strasse.example" reads none of its mail."""
        mail = written(a_message(to="anna@straße.example"), sender=SENDER, at=NOON)

        assert ("anna@xn--strae-oqa.example", False) == (mail.recipient, mail.utf8)

    @pytest.mark.parametrize(
        "address",
        ["", "anna", "a@b@c", "a b@example.com", "a@example.com\nBcc: b@example.com", "=?q?a=0A?=@example.com", "<a@example.com>"],
    )
    async def test_what_can_be_no_address_is_refused_before_anybody_is_called(self, address: str) -> None:
        refused = await problem_of(sends_to("smtp://mail.invalid"), a_message(to=address))

        assert ("no mail can be made of this, email: is not an e-mail address", True) == (refused.problem, refused.permanent)

    @pytest.mark.parametrize(
        "message_id", ["", "<", "1@example.com", "<1>", "<1@example.com>\r\nBcc: b@example.com", "<ü@example.com>", "<=?q?a?=@x>"]
    )
    async def test_what_can_be_no_message_id_is_refused_before_anybody_is_called(self, message_id: str) -> None:
        refused = await problem_of(sends_to("smtp://mail.invalid"), evolve(a_message(), message_id=message_id))

        assert ("no mail can be made of this, message_id: is not <…@…> in ASCII", True) == (refused.problem, refused.permanent)


class TestSmuggling:
    """A39: nothing that anybody writes becomes a header, a command or a second mail."""

    @pytest.mark.anyio
    @pytest.mark.parametrize(
        "evil", [SMUGGLED, "\n.\n" + SMUGGLED.replace("\r\n", "\n"), "\r.\r", "x\n.\r\nQUIT\r\n", "\x85.\u2028.\x0b.\x00", ENCODED]
    )
    async def test_one_message_is_one_mail_on_the_wire(self, server: ScriptedServer, evil: str) -> None:
        """A39: line ends, dots and encoded words in every text."""
        message = evolve(a_message(), subject=evil, text=evil, html=evil, account_name=evil, to_name=evil)

        await sends_to(server.url).send(message)

        (envelope,) = server.accepted
        one_mail(envelope, sender=SENDER, to=ADDRESS)
        assert ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"] == verbs(server)

    @settings(deadline=None)
    @given(
        st.builds(
            Message,
            message_id=st.just("<1@example.com>"),
            to=st.just(ADDRESS),
            to_name=st.text(),
            account_name=st.text(),
            subject=st.text() | st.text(alphabet="=?utf-8qb_0DA:\r\n ."),
            text=st.text() | st.text(alphabet=".\r\n\x85\u2028 a"),
            html=st.text(min_size=1) | st.text(alphabet=".\r\n-=_1 a", min_size=1),
            maybe_twice=st.booleans(),
        )
    )
    def test_no_text_at_all_makes_it_more_than_one_mail(self, message: Message) -> None:
        """A39: any text in any place."""
        mail = written(message, sender=SENDER, at=NOON)

        one_mail(Envelope(sender=mail.sender, recipients=(mail.recipient,), raw=mail.content), sender=SENDER, to=ADDRESS)


def test_a_mail_says_who_when_and_that_a_machine_wrote_it() -> None:
    message = evolve(a_message(7), maybe_twice=True)

    mail = Envelope(sender=SENDER, recipients=(ADDRESS,), raw=written(message, sender=SENDER, at=NOON).content).mail

    assert {
        "From": f"Northwind IT <{SENDER}>",
        "To": f"Anna Ahlberg <{ADDRESS}>",
        "Subject": "[high] VPN down",
        "Date": "Tue, 24 Nov 2026 12:00:00 +0000",
        "Message-ID": "<00000000-0000-0000-0000-000000000007@flowpilot.example.com>",
        "X-FlowPilot-Delivery": "00000000-0000-0000-0000-000000000007",
        "Auto-Submitted": "auto-generated",
        "X-FlowPilot-Repeat": "maybe",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "7bit",
        "MIME-Version": "1.0",
    } == dict(mail.items())


def test_a_mail_has_a_thread_and_a_way_out_where_it_has_them() -> None:
    """The link in one piece, whatever its length (RFC 8058), and what mail programs sort by."""
    link = f"https://flowpilot.example.com/no-mails/{'x' * 200}"
    message = evolve(a_message(7), thread_id="<42@flowpilot.example.com>", unsubscribe_url=link)

    raw = written(message, sender=SENDER, at=NOON).content

    assert f"\r\nList-Unsubscribe: <{link}>\r\n".encode() in raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    assert b"\r\nIn-Reply-To: <42@flowpilot.example.com>\r\nReferences: <42@flowpilot.example.com>\r\n" in raw


def test_a_mail_is_the_same_at_every_attempt_byte_for_byte() -> None:
    message = evolve(a_message(), html="<p>Nothing prints any more.</p>")

    assert written(message, sender=SENDER, at=NOON) == written(message, sender=SENDER, at=NOON)


@pytest.mark.parametrize(
    "link",
    ["https://a.example/\r\nBcc: x@a.example", "https://a.example/>,<mailto:x@a.example", "javascript:alert(1)", "https://ä.example"],
)
def test_what_can_be_no_link_is_refused(link: str) -> None:
    """A39."""
    with pytest.raises(InvalidValue):
        written(evolve(a_message(), unsubscribe_url=link), sender=SENDER, at=NOON)


@pytest.mark.parametrize(
    ("url", "host", "port", "tls_at_once", "user", "password"),
    [
        ("smtp://localhost:1025", "localhost", 1025, False, None, ""),
        ("smtp://mail.example.com", "mail.example.com", 587, False, None, ""),
        ("smtps://mail.example.com/", "mail.example.com", 465, True, None, ""),
        ("smtp://fp%40msp:p%2Fw%3A%23@[::1]:25", "::1", 25, False, "fp@msp", "p/w:#"),
    ],
)
def test_a_url_says_all_there_is_to_say(url: str, host: str, port: int, tls_at_once: bool, user: str | None, password: str) -> None:
    assert MailServer(host=host, port=port, tls_at_once=tls_at_once, user=user, password=password) == MailServer.of(url)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "does not begin with smtp:// or smtps://"),
        ("mail.example.com:25", "does not begin with smtp:// or smtps://"),
        ("http://user:hunter2@mail.example.com", "does not begin with smtp:// or smtps://"),
        ("smtp://", "names no host"),
        ("smtp://user:hunter2@:25", "names no host"),
        ("smtp://user:hunter2@mail.example.com:0", "names port 0"),
        ("smtp://user:hunter2@mail.example.com:70000", "cannot be read as a URL"),
        ("smtp://user:hunter2/1@mail.example.com", "cannot be read as a URL"),
        ("smtp://user:hunter2@mail.example.com/inbox", "has something behind the port"),
        ("smtp://user:hunter2@mail.example.com?tls=no", "has something behind the port"),
        ("smtp://user@mail.example.com", "has a user without a password"),
        ("smtp://:hunter2@mail.example.com", "has a user without a password, or a password without a user"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_repeating_it(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        MailServer.of(url)

    assert problem in str(refused.value)
    assert "hunter2" not in str(refused.value)
