"""The words of e-mails: the same for everybody, without any detail, with a way out of those that may be declined."""

import pytest

from notification_core.rules import Template, write_letter
from notification_core.rules.letters import OPTIONAL
from notification_core.rules.limits import Recent, may_write

A, B = "https://a.example", "https://b.example"


@pytest.mark.parametrize("template", list(Template))
def test_the_words_of_an_email_vary_with_nothing_but_addresses(template: Template) -> None:
    one, other = write_letter(template, base_url=A, token="t1"), write_letter(template, base_url=B, token="t2")
    assert one.subject == other.subject
    for words in ("text", "html"):
        first, second = getattr(one, words), getattr(other, words)
        assert first.replace(A, "").replace("t1", "") == second.replace(B, "").replace("t2", "") != first


@pytest.mark.parametrize("template", list(Template))
def test_both_forms_of_an_email_say_the_same(template: Template) -> None:
    letter = write_letter(template, base_url=A, token="t1")
    for line in filter(None, letter.text.replace("-- \n", "").split("\n")):
        assert line.rpartition(" http")[0] or line in letter.html
    assert "{" not in letter.text + letter.html
    assert "style" not in letter.html and "<img" not in letter.html


def test_only_the_announcement_of_a_message_can_be_unsubscribed_from() -> None:
    stops = {template for template in Template if write_letter(template, base_url=A, token="t1").unsubscribe_url}
    assert stops == {Template.NEW_MESSAGE}
    letter = write_letter(Template.NEW_MESSAGE, base_url=A, token="t1")
    assert letter.unsubscribe_url == f"{A}/notifications/desabonnement/t1"
    assert letter.unsubscribe_url in letter.text and letter.unsubscribe_url in letter.html
    assert write_letter(Template.NEW_MESSAGE, base_url=A).unsubscribe_url == ""


@pytest.mark.parametrize(
    ("hour", "day", "refused", "optional", "mandatory"),
    [
        (0, 0, 0, True, True),
        (3, 11, 2, True, True),
        (4, 4, 0, False, True),
        (0, 12, 0, False, True),
        (12, 12, 0, False, False),
        (0, 36, 0, False, False),
        (0, 0, 3, False, False),
    ],
)
def test_an_address_is_not_written_to_without_end(
    hour: int, day: int, refused: int, optional: bool, mandatory: bool
) -> None:
    recent = Recent(hour, day, refused)
    assert may_write(recent, mandatory=False) is optional
    assert may_write(recent, mandatory=True) is mandatory


def test_what_may_be_left_unsent_stands_in_an_inbox() -> None:
    assert {Template.NEW_MESSAGE, Template.NEW_AGENT_MESSAGE} == OPTIONAL
