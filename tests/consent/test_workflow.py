"""Every (status, act) pair: what the table does not have is refused."""

import pytest

from consent.workflow import FINAL, LIVE, Answer, Lapse, RequestStatus, Status, Verb, answer, apply
from platform_core.errors import Conflict

ALLOWED = {
    (Status.ACTIVE, Verb.AMEND): Status.ACTIVE,
    (Status.PAUSED, Verb.AMEND): Status.PAUSED,
    (Status.ACTIVE, Verb.PAUSE): Status.PAUSED,
    (Status.PAUSED, Verb.RESUME): Status.ACTIVE,
    (Status.ACTIVE, Verb.REVOKE): Status.REVOKED,
    (Status.PAUSED, Verb.REVOKE): Status.REVOKED,
    (Status.ACTIVE, Verb.EXPIRE): Status.EXPIRED,
    (Status.PAUSED, Verb.EXPIRE): Status.EXPIRED,
    (Status.ACTIVE, Verb.END): Status.ENDED,
    (Status.PAUSED, Verb.END): Status.ENDED,
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("verb", Verb)
def test_each_act_leads_where_the_table_says_and_nowhere_else(status: Status, verb: Verb) -> None:
    expected = ALLOWED.get((status, verb))
    if expected is not None:
        assert apply(status, verb) is expected
        return
    with pytest.raises(Conflict) as refusal:
        apply(status, verb)
    assert refusal.value.code == "transition-refused"


def test_revoking_ending_and_expiring_work_from_every_status_that_is_not_final() -> None:
    for verb in (Verb.REVOKE, Verb.END, Verb.EXPIRE):
        assert all(apply(status, verb) in FINAL for status in LIVE)


ENDS = {
    Answer.GRANT: RequestStatus.GRANTED,
    Answer.REFUSE: RequestStatus.REFUSED,
    Answer.POSTPONE: RequestStatus.POSTPONED,
    Lapse.EXPIRE: RequestStatus.EXPIRED,
    Lapse.ABANDON: RequestStatus.ABANDONED,
    Lapse.SILENCE: RequestStatus.REFUSED,
}


@pytest.mark.parametrize("status", RequestStatus)
@pytest.mark.parametrize("given", [*Answer, *Lapse])
def test_a_request_is_answered_once_unless_it_was_put_off(status: RequestStatus, given: Answer | Lapse) -> None:
    if status is RequestStatus.REQUESTED or (status is RequestStatus.POSTPONED and given is not Lapse.SILENCE):
        assert answer(status, given) is ENDS[given]
        return
    with pytest.raises(Conflict) as refusal:
        answer(status, given)
    assert refusal.value.code == "already-answered"


def test_deciding_later_is_not_a_refusal() -> None:
    assert answer(RequestStatus.REQUESTED, Answer.POSTPONE) is RequestStatus.POSTPONED
    assert answer(RequestStatus.REQUESTED, Answer.REFUSE) is RequestStatus.REFUSED
