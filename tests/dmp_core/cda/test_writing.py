"""What is written is read again as it was meant."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

from dmp_core.cda import writing
from dmp_core.cda.document import Organization, Person
from dmp_core.cda.reading import read
from dmp_core.cda.statements import Medication, Problem, Reimbursement, Result, Vaccination
from dmp_core.cda.values import Code, Identifier
from dmp_core.cda.writing import Head, Part

AT = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)
DAY = date(2025, 9, 1)
CABINET = Organization("Cabinet d’essai", Identifier("1.2.250.1.71.4.2.2", "1750000001"))
HEAD = Head(
    unique_id=Identifier("1.2.250.1.999.1", "W-1"),
    code=Code("11502-2", writing.LOINC, "CR d’examens biologiques"),
    title="Bilan & suivi <essai>",
    created=AT,
    template="1.2.250.1.213.1.1.1.55",
    patient=Identifier("1.2.250.1.213.1.4.10", "285047510112397"),
    family="DURAND",
    given="CAMILLE JEANNE",
    birth_date=date(1985, 4, 12),
    gender="F",
    author=Person("Martin", "Sophie", "DR", Identifier("1.2.250.1.71.4.2.1", "881000000018")),
    custodian=CABINET,
    facility="SA07",
    setting="AMBULATOIRE",
)
TSH = Code("3016-3", writing.LOINC, "Thyréostimuline")
BCG = Code("61077869", "1.2.250.1.213.2.3.1", "VACCIN BCG", translations=(Code("J07AN", "2.16.840.1.113883.6.73"),))
ASTHMA = Code("J45", "2.16.840.1.113883.6.3", "Asthme")


def part(*entries: object, code: str = "18719-5") -> Part:
    rows = [["Quoi", "Combien"], ["A & B", "< 2"]]
    return Part(code=Code(code, writing.LOINC), title="Partie", template="1.2.3", rows=rows, entries=entries)  # type: ignore[arg-type]


def test_the_header_comes_back() -> None:
    found = read(writing.write(HEAD, [part()])).header
    assert (found.unique_id, found.title, found.created.text) == (
        "1.2.250.1.999.1^W-1",
        "Bilan & suivi <essai>",
        "2026-03-12T09:30:00+00:00",
    )
    assert (str(found.subject.ins), found.subject.birth_family) == ("1.2.250.1.213.1.4.10^285047510112397", "DURAND")
    assert (found.authors[0].name, found.authors[0].rpps) == ("DR Sophie Martin", "81000000018")
    assert found.facility and found.practice_setting
    assert (found.facility.code, found.practice_setting.code) == ("SA07", "AMBULATOIRE")
    assert found.custodian == CABINET


def test_what_xml_cannot_hold_is_left_out() -> None:
    spoilt = "Vu \x07ce\ufffe\x1f jour\x00"
    found = read(writing.write(replace(HEAD, title=spoilt), [replace(part(), rows=[[spoilt]], paragraphs=[spoilt])]))
    assert found.header.title == "Vu ce jour" and found.text.count("Vu ce jour") == 2


def test_every_entry_comes_back_with_its_section() -> None:
    entries = [
        writing.laboratory(
            Code("18719-5", writing.LOINC),
            [writing.result(TSH, Decimal("5.10"), "m[IU]/L", AT, Decimal("0.27"), Decimal("4.20"))],
        ),
        writing.vaccination(BCG, DAY, "L12", 2),
        writing.problem(ASTHMA, DAY, followed=False),
        writing.allergy(Code("387517004", "2.16.840.1.113883.6.96", "Paracétamol"), DAY),
        writing.treatment(
            Code("63564053", "1.2.250.1.213.2.3.1", "ESSAI 75 mg"), DAY, Decimal(1), "{tablet}", (1, "d")
        ),
    ]
    found = read(writing.write(HEAD, [part(*entries)]))
    assert not found.unread
    assert Counter(type(one).__name__ for one in found.statements) == {
        "Result": 1,
        "Vaccination": 1,
        "Problem": 1,
        "Allergy": 1,
        "Medication": 1,
    }
    assert "A &amp; B" in found.sections[0].html
    by_type = {type(one): one for one in found.statements}
    result, vaccine, problem, medicine = (by_type[one] for one in (Result, Vaccination, Problem, Medication))
    assert isinstance(result, Result) and (result.interpretation, str(result.value)) == ("H", "5.10 m[IU]/L")
    assert isinstance(vaccine, Vaccination) and (vaccine.rank, vaccine.product.lot) == (2, "L12")
    assert isinstance(problem, Problem) and not problem.active
    assert isinstance(medicine, Medication) and str(medicine.dosages[0].every) == "1 d"


def test_a_history_of_reimbursements_comes_back() -> None:
    act = writing.reimbursed_act(Code("1208", "1.2.250.1.215.200.4.1", "T.S.H."), DAY, "Laboratoire d’essai")
    head = Head(**{name: getattr(HEAD, name) for name in Head.__slots__} | {"template": "1.2.250.1.213.1.1.1.36"})
    (found,) = read(writing.write(head, [part(act, code="29554-3")])).statements
    assert isinstance(found, Reimbursement)
    assert found.performer and (found.code.code, found.performer.organization) == ("1208", "Laboratoire d’essai")
