"""Names and subjects on the wire, read back by a parser that shares nothing with Python's, and by Python's own."""

import email
import email.policy
import random
from email.message import EmailMessage

import pytest
from attrs import evolve
from fast_mail_parser import PyMail, parse_email
from hypothesis import given, settings
from hypothesis import strategies as st

from flowpilot_adapters.smtp.message import written
from flowpilot_core.testing.builders import NOON
from flowpilot_core.testing.contracts.notifications.notifier import a_message

SENDER = "handoffs@flowpilot.example"
SUBJECTS = [
    "프린터가 업데이트 후 이층 회계 부서에서 더 이상 인쇄되지 않습니다",
    "Принтер бухгалтерии на втором этаже больше не печатает после обновления драйвера",
    "L\u2019imprimante de la comptabilité n\u2019imprime plus depuis la mise à jour\u202f! Que faire\u00a0?",
    "Der Drucker der Buchhaltung im zweiten Stock druckt seit der Aktualisierung nicht mehr: Überprüfung nötig",
    "プリンターが更新後に二階の経理部で印刷できなくなりました",
    "המדפסת בהנהלת החשבונות בקומה השנייה אינה מדפיסה עוד לאחר העדכון",
    "अद्यतन के बाद दूसरी मंज़िल के लेखा विभाग का प्रिंटर अब नहीं छापता",
    "🖨️👩🏽‍💻 printer " * 20,
    "=?utf-8?q?not_encoded?= but said so",
    'two  spaces, and "quotes", and a \\ before the end\\',
    "x" * 2_000,
]
NAMES = [
    "Acme Managed Services, Inc. (Vienna), a member of the Very Long Holdings Group of Firms",
    "Support <support@bank.example>, on behalf of Some Managed Service Provider Ltd of Wien",
    'He said "no", and \\ left',
    "a@b.example",
    "Büro für Überwachung, Prüfung und Störungsbehebung <büro@bank.example>, Wien, Österreich",
    "Group: a@b.example, c@d.example;",
    "(comment) not one",
    "=?utf-8?b?QWNtZQ==?=",
    "Ltd.",
    "x" * 200,
    "株式会社ノースウインド・マネージド・サービス、東京本社サポートセンター第二部",
]
SCRIPTS = [
    'abcdefghijklmnopqrstuvwxyz ABC.,:;!?()<>@"\\[]=_-/0123456789',
    "äöüßéèêçñåøœæ abc\u00a0\u202f",
    "абвгдежзийклмнопрстуфхцчшщъыьэюя ",
    "αβγδεζηθικλμνξοπρστυφχψω ",
    "가나다라마바사아자차카타파하 ",
    "漢字仮名交文日本語中文 ",
    "ぁあぃいぅうえおかきくけこ",
    "אבגדהוזחטיכלמנסעפצקרשת ",
    "ابتثجحخدذرزسشصضطظعغفقكلمنهوي ",
    "अआइईउऊएऐओऔकखगघङ\u093e\u093f\u094d ",
    "กขฃคฅฆงจฉชซฌญฎ\u0e31\u0e34",
    "🖨👩🏽💻🔥\u200d\ufe0f a",
    "=?utf-8bq_ A0",
]


def sent(*, subject: str = "VPN down", account_name: str = "Northwind IT", to_name: str = "Anna") -> bytes:
    """A mail as it goes over the wire, without its end mark."""
    return written(evolve(a_message(), subject=subject, account_name=account_name, to_name=to_name), sender=SENDER, at=NOON).content


def outside(raw: bytes) -> PyMail:
    return parse_email(raw)


def inside(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, _class=EmailMessage, policy=email.policy.default)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_arrives_as_it_was(subject: str) -> None:
    """P6: to the character, in any script and of any length."""
    raw = sent(subject=subject.strip())

    assert subject.strip() == outside(raw).subject
    assert max(map(len, raw.split(b"\r\n\r\n")[0].split(b"\r\n"))) <= 998


def test_ten_thousand_subjects_arrive_as_they_were() -> None:
    """P6: by script, as chance has them."""
    chance = random.Random(6)
    lost = []
    for number in range(10_000):
        script = SCRIPTS[number % len(SCRIPTS)]
        subject = "".join(chance.choices(script, k=chance.randint(1, 200))).strip(" ") or "x"
        if subject != outside(sent(subject=subject)).subject:
            lost.append(subject)

    assert [] == lost


@pytest.mark.parametrize("name", NAMES)
def test_a_mail_has_one_sender_whose_name_is_the_accounts(name: str) -> None:
    """P5: read by others, and by Python, whose rules differ from version to version."""
    raw = sent(account_name=name, to_name=name)

    read = outside(raw)
    senders = [*([read.from_] if read.from_ else []), *read.to]
    assert [(name, SENDER), (name, a_message().to)] == [(one.display_name, one.address) for one in senders]
    assert [[SENDER], [a_message().to]] == [[one.addr_spec for one in inside(raw)[header].addresses] for header in ("From", "To")]


def test_a_name_that_could_be_read_as_more_is_quoted_on_one_line() -> None:
    """P5: nothing is folded out of its quotes."""
    raw = sent(account_name=NAMES[1])

    assert raw.startswith(f'From: "{NAMES[1]}" <{SENDER}>\r\n'.encode())


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=120)


@settings(deadline=None)
@given(name=texts, subject=texts)
def test_whatever_somebody_is_called_there_is_one_sender_and_one_subject(name: str, subject: str) -> None:
    """P5, P6."""
    raw = sent(account_name=name, subject=subject)
    head, _, _ = raw.partition(b"\r\n\r\n")

    assert 1 == len(outside(raw).headers["From"]) == len(outside(raw).headers["Subject"])
    assert SENDER == inside(raw)["From"].addresses[0].addr_spec
    assert 1 == len(inside(raw)["From"].addresses)
    assert head.isascii()
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))
