"""What is left of a prescription, which dispensation serves which line, and what deserves a question."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from dmp_core.rules.prescriptions.attention import Known, Why, meets_allergies, overlapping, stopped
from dmp_core.rules.prescriptions.following import follow
from dmp_core.rules.prescriptions.limits import first_by, longest
from dmp_core.rules.prescriptions.lines import Line, LineKind
from dmp_core.rules.prescriptions.matching import Certainty, Given, match
from dmp_core.rules.prescriptions.names import UNNAMED
from dmp_core.rules.prescriptions.standing import Limit, State, stand

DAY = date(2026, 3, 1)
ATC = "http://www.whocc.no/atc|"
CIP = "urn:oid:1.2.250.1.213.2.3.2|"
RAMIPRIL = (f"{CIP}1", f"{ATC}C09AA05")
ENALAPRIL = (f"{CIP}2", f"{ATC}C09AA02")
AMOXICILLIN = (f"{CIP}3", f"{ATC}J01CA04")


def line(document: int = 1, number: int = 1, after: int = 0, **changes: Any) -> Line:
    """A month of ramipril, a box, to be renewed twice, written so many days after the first of March 2026."""
    given = {
        "document_id": UUID(int=document),
        "number": number,
        "kind": LineKind.PRESCRIPTION,
        "identifier": f"L-{document}-{number}",
        "label": "Ramipril 5 mg",
        "codes": RAMIPRIL,
        "written_on": DAY + timedelta(days=after),
        "days": 30,
        "repeats": 2,
        "quantity": Decimal(1),
        "unit": "30009000",
        "unique_id": f"urn:oid:1.2^P-{document}",
        **changes,
    }
    return Line(**given)


def handed(document: int = 90, after: int = 1, **changes: Any) -> Line:
    given = {
        "kind": LineKind.DISPENSATION,
        "identifier": f"D-{document}",
        "days": None,
        "repeats": None,
        "unique_id": f"urn:oid:1.2^D-{document}",
        **changes,
    }
    return line(document, after=after, **given)


def serving(prescribed: Line, **changes: Any) -> Line:
    return handed(order=prescribed.identifier, orders=(prescribed.unique_id,), **changes)


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        (date(2025, 11, 30), date(2026, 2, 28), date(2026, 11, 30)),
        (date(2024, 2, 29), date(2024, 5, 29), date(2025, 2, 28)),
        (date(2026, 12, 31), date(2027, 3, 31), date(2027, 12, 31)),
    ],
)
def test_legal_limits_are_counted_in_months(written: date, first: date, last: date) -> None:
    assert (first_by(written), longest(written)) == (first, last)


# What was handed over: (day after the prescription, boxes).
@pytest.mark.parametrize(
    ("changes", "given", "today", "state", "left", "renewals"),
    [
        ({}, [], 10, State.NEVER, 3, 2),
        ({}, [], 93, State.EXPIRED, 3, 2),
        ({}, [(1, 1)], 10, State.RENEWABLE, 2, 2),
        ({"quantity": Decimal(2)}, [(1, 1)], 10, State.PARTLY, 5, 2),
        ({"quantity": Decimal(2)}, [(1, 1), (3, 1)], 10, State.RENEWABLE, 4, 2),
        ({}, [(1, 1), (31, 1)], 40, State.RENEWABLE, 1, 1),
        ({}, [(1, 1), (31, 1), (61, 1)], 70, State.SERVED, 0, 0),
        ({}, [(1, 3)], 10, State.SERVED, 0, 0),
        ({}, [(1, 5)], 10, State.SERVED, 0, 0),
        ({}, [(1, 1)], 92, State.EXPIRED, 2, 2),
        ({"repeats": 0}, [(1, 1)], 10, State.SERVED, 0, 0),
        ({"repeats": None}, [(1, 1)], 10, State.UNKNOWN, None, None),
        ({"repeats": None}, [(1, 1)], 366, State.EXPIRED, None, None),
        ({"quantity": None}, [(1, 1)], 10, State.RENEWABLE, None, 2),
        ({"quantity": None}, [(1, None), (1, None)], 10, State.RENEWABLE, None, 2),
        ({"days": None}, [(1, 1)], 300, State.RENEWABLE, 2, 2),
        ({"days": None}, [(1, 1)], 366, State.EXPIRED, 2, 2),
    ],
)
def test_what_is_left_is_counted_and_never_guessed(
    changes: dict[str, Any],
    given: list[tuple[int, int | None]],
    today: int,
    state: State,
    left: int | None,
    renewals: int | None,
) -> None:
    prescribed = line(**changes)
    served = [
        Given(handed(90 + n, after, quantity=None if boxes is None else Decimal(boxes)), Certainty.LINE)
        for n, (after, boxes) in enumerate(given)
    ]
    found = stand(prescribed, served, DAY + timedelta(days=today))
    assert (found.state, found.left, found.renewals) == (state, left, renewals)


def test_boxes_and_tablets_are_not_added_up() -> None:
    found = stand(line(), [Given(handed(quantity=Decimal(30), unit="{tablet}"), Certainty.LINE)], DAY)
    assert (found.left, found.owed, found.renewals) == (None, None, 2)


def test_a_part_handed_over_without_quantities_leaves_the_renewals_unknown() -> None:
    found = stand(line(), [Given(handed(quantity=None, partial=True), Certainty.LINE)], DAY)
    assert (found.state, found.renewals, found.left) == (State.PARTLY, None, None)


def test_the_last_day_says_where_it_comes_from() -> None:
    given = [Given(handed(after=10), Certainty.LINE)]
    never, written, unsaid = stand(line(), [], DAY), stand(line(), given, DAY), stand(line(days=None), given, DAY)
    assert (never.until, never.limit) == (date(2026, 6, 1), Limit.FIRST)
    assert (written.until, written.limit) == (date(2026, 6, 8), Limit.WRITTEN)
    assert (unsaid.until, unsaid.limit) == (date(2027, 3, 1), Limit.LONGEST)
    long = stand(line(days=90, repeats=9), given, DAY)
    assert long.until == longest(DAY)


def test_what_was_handed_over_lasts_one_part_after_the_other() -> None:
    early = [Given(handed(90, 0), Certainty.LINE), Given(handed(91, 20), Certainty.LINE)]
    late = [Given(handed(90, 0), Certainty.LINE), Given(handed(91, 40), Certainty.LINE)]
    assert stand(line(), early, DAY).covers == DAY + timedelta(days=59)
    assert stand(line(), late, DAY).covers == DAY + timedelta(days=69)
    assert stand(line(days=None), early, DAY).covers is None


def test_a_dispensation_goes_to_the_line_that_it_names() -> None:
    one, two = line(1), line(2)
    found, apart = match([one, two], [serving(one)])
    assert [given.certainty for given in found[one.key]] == [Certainty.LINE]
    assert not found[two.key] and not apart


def test_lines_of_the_same_identifier_are_told_apart_by_their_medicine() -> None:
    one = line(1, 1, identifier="SAME")
    other = line(1, 2, identifier="SAME", label="Enalapril 5 mg", codes=ENALAPRIL)
    found, apart = match([one, other], [serving(other, codes=ENALAPRIL, label="Enalapril générique")])
    assert (len(found[one.key]), len(found[other.key]), apart) == (0, 1, [])


def test_a_dispensation_that_names_the_prescription_alone_goes_by_its_medicine() -> None:
    one = line(1, 1)
    other = line(1, 2, label="Enalapril 5 mg", codes=ENALAPRIL)
    given = handed(orders=(one.unique_id,), codes=(f"{CIP}77", f"{ATC}C09AA05"), label="Ramipril générique")
    found, _ = match([one, other], [given])
    assert [each.certainty for each in found[one.key]] == [Certainty.DOCUMENT]


def test_two_strengths_that_nothing_tells_apart_are_left_apart() -> None:
    weak, strong = line(1, 1, codes=(f"{ATC}C09AA05",)), line(1, 2, label="Ramipril 10 mg", codes=(f"{ATC}C09AA05",))
    generic = handed(orders=(weak.unique_id,), codes=(f"{ATC}C09AA05",), label="Un générique")
    found, apart = match([weak, strong], [generic])
    assert not found[weak.key] and not found[strong.key] and apart == [generic]
    named = handed(orders=(weak.unique_id,), codes=(f"{ATC}C09AA05",), label="RAMIPRIL 10 MG")
    assert len(match([weak, strong], [named])[0][strong.key]) == 1


@pytest.mark.parametrize(("after", "expected"), [(5, 1), (20, 2), (-1, None), (400, None)])
def test_one_that_names_nothing_goes_to_the_latest_prescription_before_it(after: int, expected: int | None) -> None:
    lines = [line(1), line(2, after=15)]
    found, apart = match(lines, [handed(after=after)])
    served = [document for (document, _), given in found.items() if given]
    assert served == ([UUID(int=expected)] if expected else [])
    assert len(apart) == (expected is None)
    assert all(one.certainty is Certainty.LIKELY for given in found.values() for one in given)


def test_one_that_names_a_prescription_of_elsewhere_is_given_to_no_other() -> None:
    given = handed(order="L-elsewhere", orders=("urn:oid:1.2^P-elsewhere",))
    found, apart = match([line(1)], [given])
    assert not found[line(1).key] and apart == [given]


@pytest.mark.parametrize(
    ("label", "codes", "why"),
    [
        ("Amoxicilline", [], Why.ALLERGY),
        ("Allergie", [f"{CIP}3"], Why.ALLERGY),
        ("Pénicillines", [f"{ATC}J01C"], Why.ALLERGY_CLASS),
        ("Céphalosporines", [f"{ATC}J01D"], None),
        ("Arachide", [], None),
        ("Fer", [], None),
    ],
)
def test_an_allergy_is_met_by_code_by_name_or_by_class(label: str, codes: list[str], why: Why | None) -> None:
    prescribed = line(label="AMOXICILLINE 1 g", codes=AMOXICILLIN)
    assert [one.why for one in meets_allergies([prescribed], [Known(label, codes)])] == ([why] if why else [])


def test_an_allergy_to_a_substance_is_met_under_a_brand_name() -> None:
    branded = line(label="ESSAIMOX", codes=(), substances=("Amoxicilline",))
    assert meets_allergies([branded], [Known("amoxicilline", [])])


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"label": "Ramipril 10 mg", "codes": (f"{CIP}8", f"{ATC}C09AA05")}, Why.SUBSTANCE),
        ({"label": "Enalapril 5 mg", "codes": ENALAPRIL}, Why.GROUP),
        ({"label": "Amoxicilline 1 g", "codes": AMOXICILLIN}, None),
        ({"label": "Ramipril 10 mg", "document": 1, "number": 2}, None),
        ({"after": -500}, None),
    ],
)
def test_repetitions_are_those_of_two_prescriptions_in_use(other: dict[str, Any], why: Why | None) -> None:
    lines = [line(1), line(**{"document": 2, **other})]
    today = DAY + timedelta(days=10)
    found = overlapping([(one, stand(one, [], today)) for one in lines], today)
    assert [one.why for one in found] == ([why] if why else [])


def test_what_has_no_name_repeats_nothing() -> None:
    unnamed = {"label": UNNAMED, "codes": (), "substances": ("",)}
    assert overlapping([(one, stand(one, [], DAY)) for one in (line(1, **unnamed), line(2, **unnamed))], DAY) == []


@pytest.mark.parametrize("written", [date.min, DAY, date.max])
def test_what_no_calendar_holds_is_bounded(written: date) -> None:
    prescribed = line(days=3_650, repeats=99, written_on=written)
    given = [
        Given(serving(prescribed, quantity=quantity, written_on=written), Certainty.LINE) for quantity in (0, 10**6)
    ]
    found = stand(prescribed, given, DAY)
    assert found.until <= date.max and found.covers == date.max


def test_a_prescription_served_to_its_end_repeats_nothing() -> None:
    today = DAY + timedelta(days=120)
    over = [Given(handed(90 + n, 30 * n), Certainty.LINE) for n in range(3)]
    old, new = line(1), line(2, after=115)
    assert not overlapping([(old, stand(old, over, today)), (new, stand(new, [], today))], today)


@pytest.mark.parametrize(
    ("today", "renewed", "days", "expected"),
    [(100, False, 30, True), (94, False, 30, False), (100, True, 30, False), (300, False, 30, False),
     (100, False, 6, False)],
)  # fmt: skip
def test_a_long_treatment_that_nothing_goes_on_with_is_told(
    today: int, renewed: bool, days: int, expected: bool
) -> None:
    now = DAY + timedelta(days=today)
    first = line(days=days)
    over = [Given(handed(90 + n, 30 * n), Certainty.LINE) for n in range(3)]
    lines = [(first, stand(first, over, now))]
    if renewed:
        again = line(2, after=95, label="Ramipril générique", codes=(f"{ATC}C09AA05",))
        lines.append((again, stand(again, [], now)))
    assert [one.line for one in stopped(lines, now)] == ([first] if expected else [])


def test_prescriptions_are_followed_the_latest_first_with_what_serves_none() -> None:
    lines = [line(1, after=-400), line(2), handed(90, codes=AMOXICILLIN, label="Amoxicilline")]
    found = follow(lines, [Known("Ramipril", [])], DAY + timedelta(days=5))
    assert [one.document_id for one in found.current] == [UUID(int=2)]
    assert [one.document_id for one in found.finished] == [UUID(int=1)]
    assert [one.document_id for one in found.apart] == [UUID(int=90)]
    assert [(one.why, one.line.document_id) for one in found.attentions] == [(Why.ALLERGY, UUID(int=2))]
    assert found.find(UUID(int=3)) is None
