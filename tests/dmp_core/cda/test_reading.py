"""What the reader finds in a document: header, narrative, attachments, statements."""

from datetime import date
from decimal import Decimal

import pytest

from dmp_core.cda.reading import read
from dmp_core.cda.statements import (
    Allergy,
    CareKind,
    Medication,
    MedicationKind,
    Problem,
    Reimbursement,
    Result,
    ResultKind,
    Vaccination,
)
from dmp_core.cda.values import Bounds, Code, Quantity, read_moment
from tests.dmp_core.cda.building import document, laboratory, observation, section


def test_the_header_becomes_metadata() -> None:
    header = read(document(section(), type="11502-2")).header
    assert (header.unique_id, header.set_id, header.version) == ("1.2.250.1.999.1^CR-7", "1.2.250.1.999.2", 2)
    assert (header.code.code, header.title, header.language) == ("11502-2", "Compte rendu d’essai", "fr-FR")
    assert header.created.text == "2026-03-12T09:30:00+01:00"
    assert str(header.subject.ins) == "1.2.250.1.213.1.4.10^285047510112397"
    assert (header.subject.birth_family, header.subject.used_family) == ("DURAND", "DURAND-DÉMO")
    assert (header.subject.given, header.subject.birth_date) == ("CAMILLE", date(1985, 4, 12))
    (author,) = header.authors
    assert (author.name, author.rpps) == ("DR Sophie Martin", "81000000018")
    assert author.organization and author.organization.name == header.custodian.name == "Cabinet d’essai"
    assert header.facility and header.practice_setting
    assert (header.facility.code, header.practice_setting.code) == ("SA07", "AMBULATOIRE")
    assert [(one.relation, one.unique_id) for one in header.related] == [("RPLC", "1.2.250.1.999.1^CR-6")]
    assert (str(header.service_period.start), str(header.service_period.end)) == ("2026-03-10", "2026-03-11")


@pytest.mark.parametrize(
    ("written", "text", "day"),
    [
        ("1975", "1975", date(1975, 1, 1)),
        ("202603", "2026-03", date(2026, 3, 1)),
        ("20260312", "2026-03-12", date(2026, 3, 12)),
        ("2026031209", "2026-03-12", date(2026, 3, 12)),
        ("202603120930", "2026-03-12T09:30:00+01:00", date(2026, 3, 12)),
        ("202607120930", "2026-07-12T09:30:00+02:00", date(2026, 7, 12)),
        ("20260312093000-0430", "2026-03-12T09:30:00-04:30", date(2026, 3, 12)),
        ("20260312093000.250+0000", "2026-03-12T09:30:00+00:00", date(2026, 3, 12)),
    ],
)
def test_instants_keep_the_precision_written(written: str, text: str, day: date) -> None:
    found = read_moment(written)
    assert found and (found.text, found.day) == (text, day)


@pytest.mark.parametrize(
    "written", ["", "hier", "2026-03-12", "20261301", "20260230", "202603122561", "20260312093000+9999"]
)
def test_what_is_no_instant_is_none(written: str) -> None:
    assert read_moment(written) is None


def test_the_narrative_becomes_safe_html() -> None:
    text = (
        '<content styleCode="Bold xRed" ID="a1">Gras &lt;b&gt;</content><br/>'
        '<linkHtml href="javascript:alert(1)">piège</linkHtml><linkHtml href="#a1">renvoi</linkHtml>'
        '<linkHtml href="https://exemple.fr/?a=1&amp;b=2">site</linkHtml>'
        '<list listType="ordered"><item>un</item><item>deux</item></list>'
        '<table border="1" onclick="x()"><caption>Mesures</caption><thead><tr><th>Date</th></tr></thead>'
        '<tbody><tr><th colspan="2">Poids</th><td onmouseover="x()">72</td></tr></tbody></table>'
        '<script>alert(2)</script><img src="x"/><renderMultiMedia referencedObject="IMG1">'
        '<caption>Écho "1"</caption></renderMultiMedia>'
    )
    (found,) = read(document(section(text=text))).sections
    assert found.html == (
        '<span id="cda-a1"><strong>Gras &lt;b&gt;</strong></span><br>'
        'piège<a href="#cda-a1">renvoi</a>'
        '<a href="https://exemple.fr/?a=1&amp;b=2" rel="noopener noreferrer external">site</a>'
        "<ol><li>un</li><li>deux</li></ol>"
        '<table class="table"><caption>Mesures</caption><thead><tr><th scope="col">Date</th></tr></thead>'
        '<tbody><tr><th scope="row" colspan="2">Poids</th><td>72</td></tr></tbody></table>'
        'alert(2)<img src="media/IMG1" alt="Écho &#34;1&#34;">'
    )
    assert "Mesures\nDate\nPoids 72" in found.text


def test_sections_keep_their_order_and_their_nesting() -> None:
    inner = section(code="2", title="Dedans", text="b")
    found = read(document(section(code="1", title="Dehors", text="a", sections=inner), section(title="Suite")))
    assert [(one.id, one.title) for one in found.sections] == [("section-1", "Dehors"), ("section-2", "Suite")]
    assert [(one.id, one.text) for one in found.sections[0].sections] == [("section-1-1", "b")]
    assert found.text == "Dehors\na\nDedans\nb\nSuite"


def test_a_body_that_is_a_file_is_given_as_bytes() -> None:
    body = (
        '<component><nonXMLBody><text mediaType="application/pdf" representation="B64">JVBE\n Ri0=</text>'
        "</nonXMLBody></component>"
    )
    found = read(document(body=body))
    assert found.level == 1 and found.body
    assert (found.body.media_type, found.body.content) == ("application/pdf", b"%PDF-")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('<value xsi:type="PQ" value="1.950" unit="m[IU]/L"/>', Quantity(Decimal("1.950"), "m[IU]/L")),
        ('<value xsi:type="INT" value="3"/>', Quantity(Decimal(3))),
        ('<value xsi:type="IVL_PQ"><low value="2" unit="g"/></value>', Bounds(Quantity(Decimal(2), "g"), None)),
        ('<value xsi:type="CD" code="A" codeSystem="1.2" displayName="Rare"/>', Code("A", "1.2", "Rare")),
        ('<value xsi:type="ST">Présence</value>', "Présence"),
        ('<value xsi:type="PQ" value="NaN"/>', None),
        ('<value xsi:type="PQ" value="trop" unit="g"/>', None),
        ('<value xsi:type="PQ" value="1E-99999" unit="g"/>', None),
        (f'<value xsi:type="PQ" value="0.{"1" * 41}" unit="g"/>', None),
        ("", None),
    ],
)
def test_a_result_has_the_value_of_its_type(value: str, expected: object) -> None:
    (found,) = read(document(section(laboratory(observation(value))))).statements
    assert isinstance(found, Result)
    assert found.value == expected


def test_a_result_takes_from_its_battery_what_it_does_not_say() -> None:
    more = (
        '<interpretationCode code="H"/><referenceRange><observationRange><text>usuel</text><value xsi:type="IVL_PQ">'
        '<low value="0.270" unit="g/L"/><high value="4.200" unit="g/L"/></value></observationRange></referenceRange>'
    )
    (found,) = read(document(section(laboratory(observation(more=more))))).statements
    assert isinstance(found, Result) and found.kind is ResultKind.LABORATORY
    assert (found.battery, found.specimen, str(found.at)) == ("Bilan lipidique", "Sérum", "2026-03-01T08:00:00+01:00")
    assert found.reference == Bounds(Quantity(Decimal("0.270"), "g/L"), Quantity(Decimal("4.200"), "g/L"))
    assert (found.interpretation, found.reference_text) == ("H", "usuel")


def test_words_are_found_where_the_entry_refers_to_them() -> None:
    entry = observation().replace(
        'displayName="Examen"/>', '><originalText><reference value="#t"/></originalText></code>'
    )
    (found,) = read(document(section(laboratory(entry), text='<content ID="t">Thyréostimuline</content>'))).statements
    assert isinstance(found, Result)
    assert found.code.words == "Thyréostimuline"


VACCINE = (
    '<substanceAdministration classCode="SBADM" moodCode="EVN" negationInd="{refused}">'
    '<templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.12"/><effectiveTime value="20250901"/><consumable>'
    "<manufacturedProduct>"
    '<manufacturedMaterial><code code="61077869" codeSystem="1.2.250.1.213.2.3.1" displayName="VACCIN D’ESSAI">'
    '<translation code="J07AN" codeSystem="2.16.840.1.113883.6.73"/></code><name>VACCIN D’ESSAI</name>'
    "<lotNumberText>L12</lotNumberText></manufacturedMaterial></manufacturedProduct></consumable>"
    '<entryRelationship typeCode="SUBJ"><observation><code code="30973-2"/><value xsi:type="INT" value="2"/>'
    "</observation>"
    "</entryRelationship></substanceAdministration>"
)


@pytest.mark.parametrize("refused", [False, True])
def test_a_vaccination_is_given_or_refused(refused: bool) -> None:
    (found,) = read(document(section(VACCINE.format(refused=str(refused).lower()), code="11369-6"))).statements
    assert isinstance(found, Vaccination)
    assert (found.refused, found.rank, found.product.lot, str(found.at)) == (refused, 2, "L12", "2025-09-01")
    atc = found.product.code.within("2.16.840.1.113883.6.73")
    assert atc and atc.code == "J07AN"


CONCERN = (
    '<act classCode="ACT" moodCode="EVN"><templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.5.1"/>'
    '<statusCode code="{status}"/>'
    '<effectiveTime><low value="2019"/></effectiveTime><entryRelationship typeCode="SUBJ">'
    '<observation negationInd="{negated}">'
    '<templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.5"/>{allergy}<code code="1"/>{value}</observation>'
    "</entryRelationship></act>"
)
DIABETES = '<value xsi:type="CD" code="E11" codeSystem="2.16.840.1.113883.6.3" displayName="Diabète de type 2"/>'


@pytest.mark.parametrize(
    ("status", "section_code", "active"),
    [
        ("active", "11450-4", True),
        ("suspended", "11450-4", True),
        ("completed", "11450-4", False),
        ("active", "11348-0", False),
    ],
)
def test_a_problem_is_present_or_past(status: str, section_code: str, active: bool) -> None:
    concern = CONCERN.format(status=status, negated="false", allergy="", value=DIABETES)
    (found,) = read(document(section(concern, code=section_code))).statements
    assert isinstance(found, Problem)
    assert (found.active, found.absent, found.code.code, str(found.period.start)) == (active, False, "E11", "2019")


def test_no_known_allergy_is_said_absent() -> None:
    none = (
        '<value xsi:type="CD" code="716186003" codeSystem="2.16.840.1.113883.6.96"'
        ' displayName="Aucune allergie connue"/>'
    )
    concern = CONCERN.format(
        status="active", negated="false", allergy='<templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.6"/>', value=none
    )
    (found,) = read(document(section(concern))).statements
    assert isinstance(found, Allergy) and found.absent


def test_a_prescription_keeps_its_structured_dosage() -> None:
    line = (
        '<substanceAdministration moodCode="INT"><templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.7"/>'
        '<templateId root="1.3.6.1.4.1.19376.1.9.1.3.2"/><effectiveTime xsi:type="IVL_TS">'
        '<low value="20260312"/></effectiveTime>'
        '<repeatNumber value="3"/><maxDoseQuantity><numerator value="4"/><denominator value="1" unit="d"/>'
        "</maxDoseQuantity>"
        "<consumable><manufacturedProduct><manufacturedMaterial><name>PARACÉTAMOL 500 mg</name></manufacturedMaterial>"
        '</manufacturedProduct></consumable><entryRelationship typeCode="COMP"><substanceAdministration moodCode="INT">'
        '<effectiveTime xsi:type="SXPR_TS"><comp xsi:type="IVL_TS"><low value="20260312"/>'
        '<width value="2" unit="d"/></comp>'
        '<comp xsi:type="PIVL_TS"><period value="8" unit="h"/></comp></effectiveTime>'
        '<doseQuantity><low value="1" unit="{tablet}"/><high value="1" unit="{tablet}"/></doseQuantity>'
        '</substanceAdministration></entryRelationship><entryRelationship typeCode="COMP"><act>'
        '<templateId root="1.3.6.1.4.1.19376.1.9.1.3.9.1"/><code code="N" displayName="Non substituable"/>'
        "</act></entryRelationship>"
        "</substanceAdministration>"
    )
    (found,) = read(document(section(line, code="57828-6"))).statements
    assert isinstance(found, Medication) and found.kind is MedicationKind.PRESCRIPTION
    assert (found.product.name, found.repeats, found.substitutable, found.most) == (
        "PARACÉTAMOL 500 mg",
        3,
        False,
        "4 / 1 d",
    )
    (dosage,) = found.dosages
    assert (str(dosage.every), str(dosage.duration), str(dosage.period.start)) == ("8 h", "2 d", "2026-03-12")
    assert dosage.dose and dosage.dose.low == Quantity(Decimal(1), "{tablet}")


def test_in_a_history_of_reimbursements_every_entry_is_a_care() -> None:
    stay = (
        '<encounter><code code="IMP" displayName="Hospitalisation"><qualifier>'
        '<value code="1940" displayName="Séjour"/></qualifier></code>'
        '<effectiveTime><low value="20190515"/><high value="20190530"/></effectiveTime></encounter>'
    )
    act = '<procedure><code code="1208" displayName="T.S.H."/><effectiveTime value="20190711"/></procedure>'
    sections = (
        section(stay, title="Hospitalisations"),
        section(act, title="Biologie"),
        section(VACCINE.format(refused="false"), title="Vaccinations"),
    )
    found = read(document(*sections, template="1.2.250.1.213.1.1.1.36")).statements
    assert all(isinstance(one, Reimbursement) for one in found)
    assert [(one.kind, one.code.words) for one in found if isinstance(one, Reimbursement)] == [
        (CareKind.HOSPITAL, "Séjour"),
        (CareKind.BIOLOGY, "T.S.H."),
        (CareKind.VACCINE, "VACCIN D’ESSAI"),
    ]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("", "The entry is empty."),
        (
            '<observation><code code="X" displayName="Mode d’entrée"/></observation>',
            "of this kind apart: observation “Mode d’entrée”.",
        ),
        ('<procedure><templateId root="1.3.6.1.4.1.19376.1.5.3.1.4.19"/></procedure>', "no code and no text"),
    ],
)
def test_what_is_not_read_is_named_with_its_place(entry: str, reason: str) -> None:
    found = read(document(section(entry)))
    assert not found.statements
    (unread,) = found.unread
    assert reason in unread.reason
    assert unread.path.startswith("/ClinicalDocument/component/structuredBody/component/section/entry")
