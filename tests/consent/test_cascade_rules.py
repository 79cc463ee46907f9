"""Which changes a history lacks, and which of them the patient hears of."""

from datetime import UTC, datetime, timedelta

import pytest

from consent.rules.cascade import Change, Decided, Note, to_write

DAY = timedelta(days=1)
GIVEN = datetime(2026, 11, 1, tzinfo=UTC)
S, R, W = Change.SUSPENDED, Change.REINSTATED, Change.WITHDRAWN


def decided(*changes: Change) -> list[Decided]:
    return [Decided(number, change, GIVEN + number * DAY) for number, change in enumerate(changes, 1)]


@pytest.mark.parametrize(
    ("changes", "notes", "expected"),
    [
        ([S], [], [(1, True)]),
        ([S], [Note(1, S, True)], []),
        ([S, R], [Note(1, S, True)], [(2, True)]),
        ([S, R], [], [(1, False), (2, False)]),
        ([S, R, S], [Note(1, S, True)], [(2, False), (3, False)]),
        ([S, R, S], [], [(1, False), (2, False), (3, True)]),
        ([S, R, S], [Note(1, S, False), Note(2, R, False)], [(3, True)]),
        ([S, W], [], [(1, False), (2, True)]),
        ([S, W], [Note(1, S, True)], [(2, True)]),
    ],
)
def test_a_history_is_completed_in_order_and_the_patient_hears_of_the_newest_if_it_is_news(
    changes: list[Change], notes: list[Note], expected: list[tuple[int, bool]]
) -> None:
    assert [(one.number, tell) for one, tell in to_write(decided(*changes), notes, GIVEN)] == expected


def test_a_consent_knows_nothing_of_what_was_decided_before_it_was_given() -> None:
    found = to_write(decided(S, R, S), [], GIVEN + 2.5 * DAY)
    assert [(one.number, tell) for one, tell in found] == [(3, True)]
