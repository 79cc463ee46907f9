"""Prescriptions and dispensations: what is written is read again, and what the French models say is understood."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from dmp_core.cda import orders, writing
from dmp_core.cda.document import Organization, Person
from dmp_core.cda.orders import Ordered
from dmp_core.cda.reading import read
from dmp_core.cda.statements import Medication, MedicationKind
from dmp_core.cda.values import Code, Identifier
from dmp_core.rules.prescriptions.lines import read_lines
from tests.dmp_core.cda import building
from tests.dmp_core.cda.test_writing import HEAD, part

ATC, CIP, SMS = "2.16.840.1.113883.6.73", "1.2.250.1.213.2.3.2", "2.16.840.1.113883.3.6905.2"
LINE = Identifier("1.2.250.1.999.4", "L-1")
PRODUCT = Code("3400900000011", CIP, "ESSAIPRIL 5 mg, comprimé", translations=(Code("C09AA05", ATC, "ramipril"),))
ORDERED = Ordered(
    id=LINE,
    product=PRODUCT,
    substance=Code("100000092500", SMS, "Ramipril"),
    dose=Decimal(1),
    unit="{tablet}",
    every=(1, "d"),
    start=date(2026, 3, 12),
    days=30,
    boxes=1,
    repeats=2,
    substitutable=False,
    long_illness=True,
    reason="hypertension",
)
PHARMACIST = Person("Officine", "Paule", "", organization=Organization("Pharmacie d’essai"))


def only(content: bytes) -> Medication:
    found = read(content)
    (one,) = found.statements
    assert isinstance(one, Medication) and not found.unread
    return one


def test_a_line_of_prescription_comes_back_whole() -> None:
    line = only(writing.write(HEAD, [part(orders.prescribed(ORDERED), code="57828-6")]))
    assert (line.kind, line.id, line.product.name) == (
        MedicationKind.PRESCRIPTION,
        "1.2.250.1.999.4^L-1",
        "ESSAIPRIL 5 mg, comprimé",
    )
    assert [one.words for one in line.product.substances] == ["Ramipril"]
    assert line.product.code.within(ATC)
    assert (line.repeats, line.quantity and line.quantity.value, line.substitutable) == (2, 1, False)
    assert (line.period.start and line.period.start.text, line.period.end and line.period.end.text) == (
        "2026-03-12",
        "2026-04-10",
    )
    assert (line.reason, line.facts) == ("hypertension", (("En rapport avec une ALD", True),))


def test_what_is_not_stated_is_not_written() -> None:
    bare = replace(ORDERED, days=None, boxes=None, repeats=None, substance=None, reason="", long_illness=False)
    line = only(writing.write(HEAD, [part(orders.prescribed(bare), code="57828-6")]))
    assert (line.repeats, line.quantity, line.period.end, line.reason) == (None, None, None, "")
    assert line.facts == (("En rapport avec une ALD", False),)


def test_a_dispensation_names_the_line_and_the_prescription_that_it_serves() -> None:
    prescription = Identifier("1.2.250.1.999.1", "P-1")
    entry = orders.dispensed(
        id=Identifier("1.2.250.1.999.5", "D-1"),
        product=PRODUCT,
        boxes=2,
        at=date(2026, 3, 14),
        by=PHARMACIST,
        order=LINE,
        document=prescription,
    )
    content = writing.write(replace(HEAD, orders=[prescription]), [part(entry, code="60590-7")])
    line = only(content)
    assert (line.kind, line.order, line.order_document) == (
        MedicationKind.DISPENSATION,
        "1.2.250.1.999.4^L-1",
        "1.2.250.1.999.1^P-1",
    )
    assert read(content).header.orders == ["1.2.250.1.999.1^P-1"]
    assert line.quantity and (line.quantity.value, line.quantity.unit) == (2, "30009000")
    assert line.author and line.author.organization == "Pharmacie d’essai"
    assert line.period.start and line.period.start.text == "2026-03-14"
    assert line.product.code.within(ATC)


def test_a_dispensation_as_pharmacies_write_it_has_its_code_among_translations_and_may_be_a_part() -> None:
    supply = (
        '<supply classCode="SPLY" moodCode="EVN"><templateId root="1.3.6.1.4.1.19376.1.9.1.3.4"/>'
        '<id root="1.2.250.1.999.6"/><code code="RFP"/><quantity value="1" unit="30009000"/>'
        '<product><manufacturedProduct><manufacturedMaterial><code><translation code="3400900000011"'
        f' codeSystem="{CIP}" displayName="ESSAIPRIL"/></code><name>ESSAIPRIL 5 mg</name>'
        '<pharm:asSpecializedKind><pharm:generalizedMedicineClass><pharm:code code="C09AA05"'
        f' codeSystem="{ATC}"/></pharm:generalizedMedicineClass></pharm:asSpecializedKind>'
        "</manufacturedMaterial></manufacturedProduct></product></supply>"
    )
    line = only(building.document(building.section(supply, code="60590-7"), type="60593-1"))
    assert (line.product.name, line.product.code.code, line.partial) == ("ESSAIPRIL 5 mg", "3400900000011", True)
    assert line.product.code.within(ATC) and not line.order


def test_what_must_be_true_before_a_medicine_is_taken_is_read() -> None:
    item = (
        '<substanceAdministration moodCode="INT"><templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.7"/>'
        '<templateId root="1.3.6.1.4.1.19376.1.9.1.3.2"/><consumable><manufacturedProduct><manufacturedMaterial>'
        f'<code code="3400900000011" codeSystem="{CIP}"/></manufacturedMaterial></manufacturedProduct></consumable>'
        "<precondition><criterion><text>fièvre au-dessus de 38,5 °C</text></criterion></precondition>"
        "</substanceAdministration>"
    )
    line = only(building.document(building.section(item, code="57828-6")))
    assert line.condition == "fièvre au-dessus de 38,5 °C"


def test_a_line_says_how_long_how_often_and_how_much_at_most() -> None:
    item = (
        '<substanceAdministration moodCode="INT"><templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.7"/>'
        '<templateId root="1.3.6.1.4.1.19376.1.9.1.3.2"/><repeatNumber value="0"/><maxDoseQuantity>'
        '<numerator value="4" unit="{tablet}"/><denominator value="1" unit="d"/></maxDoseQuantity>'
        "<consumable><manufacturedProduct><manufacturedMaterial><code><originalText>Préparation :\n - 30 g"
        "</originalText></code></manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration>"
    )
    device = (
        '<supply classCode="SPLY" moodCode="INT"><templateId root="1.2.250.1.213.1.1.3.20"/>'
        '<effectiveTime xsi:type="IVL_TS"><low value="20260312"/><high value="20260410"/></effectiveTime>'
        '<repeatNumber value="1"/><quantity value="1"/><participant typeCode="DEV"><participantRole><playingDevice>'
        '<code code="V0806" codeSystem="1.2.250.1.213.2.68" displayName="Lit médical"/></playingDevice>'
        "</participantRole></participant></supply>"
    )
    document = building.document(building.section(item, device, code="57828-6"), type="57833-6")
    medicine, bed = read_lines(read(document), UUID(int=1))
    letter = building.document(building.section(device))
    assert read_lines(read(letter), UUID(int=1)) == [], "a device of a letter is worn or planned, not prescribed here"
    assert (medicine.label, medicine.repeats, medicine.days) == ("Préparation : - 30 g", 0, None)
    assert medicine.remarks == ("au plus 4 comprimés par jour", "à ne pas renouveler")
    assert (bed.label, bed.number, bed.days, bed.repeats, bed.quantity) == ("Lit médical", 2, 30, 1, 1)
    assert bed.author == medicine.author == "DR Sophie Martin – Cabinet d’essai"


def test_a_length_told_by_steps_is_their_sum() -> None:
    steps = "".join(
        '<entryRelationship typeCode="COMP"><substanceAdministration><effectiveTime xsi:type="SXPR_TS">'
        f'<comp xsi:type="IVL_TS"><low value="20260312"/><width value="{width}" unit="{unit}"/></comp></effectiveTime>'
        '<doseQuantity value="1" unit="{tablet}"/></substanceAdministration></entryRelationship>'
        for width, unit in ((3, "d"), (1, "wk"))
    )
    item = (
        '<substanceAdministration moodCode="INT"><templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.7"/>'
        '<templateId root="1.3.6.1.4.1.19376.1.9.1.3.2"/><consumable><manufacturedProduct><manufacturedMaterial>'
        f"<name>ESSAI</name></manufacturedMaterial></manufacturedProduct></consumable>{steps}</substanceAdministration>"
    )
    (line,) = read_lines(read(building.document(building.section(item, code="57828-6"))), UUID(int=1))
    assert (line.days, len(line.dosages)) == (10, 2)
