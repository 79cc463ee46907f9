"""Small CDA documents of the project's own, for a fictitious person."""

from textwrap import dedent

HEADER = """\
<realmCode code="FR"/>
<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<templateId root="1.2.250.1.213.1.1.1.1"/>
{template}
<id root="1.2.250.1.999.1" extension="CR-7"/>
<code code="{type}" codeSystem="2.16.840.1.113883.6.1" displayName="Compte rendu"/>
<title>Compte rendu d’essai</title>
<effectiveTime value="20260312093000+0100"/>
<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/>
<languageCode code="fr-FR"/>
<setId root="1.2.250.1.999.2"/>
<versionNumber value="2"/>
<recordTarget><patientRole>
  <id root="1.2.250.1.213.1.4.10" extension="285047510112397"/>
  <id root="1.2.250.1.999.9" extension="IPP-12"/>
  <patient><name>
    <family qualifier="BR">DURAND</family><given qualifier="BR">CAMILLE</given>
    <family qualifier="CL">DURAND-DÉMO</family><given qualifier="CL">CAMILLE</given>
  </name><administrativeGenderCode code="F"/><birthTime value="19850412"/></patient>
</patientRole></recordTarget>
<author><time value="20260312090000+0100"/><assignedAuthor>
  <id root="1.2.250.1.71.4.2.1" extension="881000000018"/>
  <code code="G15_10/SM54" displayName="Médecin - Médecine générale"/>
  <assignedPerson><name><prefix>MME</prefix><suffix>DR</suffix><given>Sophie</given><family>Martin</family>
  </name></assignedPerson>
  <representedOrganization><id root="1.2.250.1.71.4.2.2" extension="1750000001"/><name>Cabinet d’essai</name>
  <standardIndustryClassCode code="AMBULATOIRE"/></representedOrganization>
</assignedAuthor></author>
<custodian><assignedCustodian><representedCustodianOrganization>
  <id root="1.2.250.1.71.4.2.2" extension="1750000001"/><name>Cabinet d’essai</name>
</representedCustodianOrganization></assignedCustodian></custodian>
<relatedDocument typeCode="RPLC"><parentDocument><id root="1.2.250.1.999.1" extension="CR-6"/>
</parentDocument></relatedDocument>
<documentationOf><serviceEvent><code code="ACTE"/><effectiveTime><low value="20260310"/>
<high value="20260311"/></effectiveTime>
  <performer><assignedEntity><id root="1.2.250.1.71.4.2.1" extension="881000000018"/></assignedEntity></performer>
</serviceEvent></documentationOf>
<componentOf><encompassingEncounter><code code="AMB"/><effectiveTime><low value="20260310"/></effectiveTime>
  <location><healthCareFacility><code code="SA07"/></healthCareFacility></location>
</encompassingEncounter></componentOf>
"""


def document(*sections: str, type: str = "11488-4", template: str = "", body: str | None = None) -> bytes:
    """A document with these sections, or with that whole `component`."""
    inside = (
        body if body is not None else f"<component><structuredBody>{''.join(sections)}</structuredBody></component>"
    )
    declared = f'<templateId root="{template}"/>' if template else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<ClinicalDocument xmlns="urn:hl7-org:v3"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:pharm="urn:ihe:pharm:medication">\n'
        f"{HEADER.format(type=type, template=declared)}{inside}</ClinicalDocument>"
    ).encode()


def section(*entries: str, code: str = "30954-2", title: str = "Résultats", text: str = "", sections: str = "") -> str:
    """A section; `text` is the content of its narrative."""
    return (
        f'<component><section><code code="{code}" codeSystem="2.16.840.1.113883.6.1"/><title>{title}</title>'
        f"<text>{text}</text>{''.join(f'<entry>{entry}</entry>' for entry in entries)}{sections}</section></component>"
    )


def laboratory(*observations: str) -> str:
    """The act of a laboratory section, whose battery holds the observations."""
    relations = "".join(f"<component>{observation}</component>" for observation in observations)
    return dedent(
        f"""\
        <templateId root="1.3.6.1.4.1.19376.1.3.1"/>
        <act classCode="ACT" moodCode="EVN"><code code="18719-5"/><statusCode code="completed"/>
        <specimen><specimenRole><specimenPlayingEntity><code code="SER" displayName="Sérum"/>
        </specimenPlayingEntity></specimenRole></specimen>
        <entryRelationship typeCode="COMP"><organizer classCode="BATTERY" moodCode="EVN">
        <code code="24331-1" codeSystem="2.16.840.1.113883.6.1" displayName="Bilan lipidique"/>
        <statusCode code="completed"/><effectiveTime value="20260301080000+0100"/>{relations}</organizer>
        </entryRelationship></act>"""
    )


def observation(
    value: str = '<value xsi:type="PQ" value="1.950" unit="m[IU]/L"/>',
    *,
    template: str = "1.3.6.1.4.1.19376.1.3.1.6",
    code: str = "3016-3",
    more: str = "",
) -> str:
    return (
        f'<observation classCode="OBS" moodCode="EVN"><templateId root="{template}"/><id root="1.2.250.1.999.3"/>'
        f'<code code="{code}" codeSystem="2.16.840.1.113883.6.1" displayName="Examen"/><statusCode code="completed"/>'
        f"{value}{more}</observation>"
    )
