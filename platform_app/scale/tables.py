"""The tables that grow with the number of spaces: how many rows, and the statement that writes those of some spaces.

The statements know the tables of other rooms, as a migration does: they are the shape of the database, not its rules.
Rows only: no file lies behind a document, no key is made, and a word of a record is not searched.
"""

from collections.abc import Mapping
from typing import Any

from dmp_core.categories import DOCUMENT_TYPES
from platform_app.scale.rules import TAIL, Law, Shape

SHAPES = (
    Shape("identity_patient", Law(1.0, 1, 1), 359),
    Shape("dmp_measure", Law(0.15, 1_333, 50_000), 879),
    Shape("dmp_document", Law(0.9, 8, 10_000), 1_378),
    Shape("dmp_entry", Law(0.9, 10, 20_000), 794),
    Shape("consent_consent", Law(0.1, 1, 20), 632),
    Shape("consent_item", Law(0.1, 6, 120), 232),
    Shape("core_journal", Law(0.1, 4_400, 60_000), 591),
    Shape("notification_message", Law(1.0, 6, 500), 377),
)
"""Assumptions: 15 % of people measure, half of these more than 2 100 times in ten years; nine in ten have documents,
half of these more than 12; one in ten has apps, half of these more than 7 000 lines of journal in three years.
"""

_SPACE = "md5('ens-scale:' || n)::uuid"
_SPACES = f"SELECT {_SPACE} AS patient FROM generate_series(%(first)s::int, %(last)s::int) AS n"  # noqa: S608
_EVEN = "('x' || substr(md5(patient::text || '{salt}'), 1, 8))::bit(32)::bigint / 4294967296.0"
_COUNTED = f"""
SELECT patient, CASE WHEN {_EVEN.format(salt="%(table)s")} < %(share)s
       THEN least(floor(%(least)s * power(1 - {_EVEN.format(salt="rows")}, {-1 / TAIL})), %(most)s)::int
       ELSE 0 END AS rows
  FROM ({_SPACES}) AS spaces"""  # noqa: S608
# Ids grow with time, as those of the platform do: a table written in another order would have other indexes.
_ROWS = f"""
SELECT patient, i, at, mark,
       (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(mark, 1, 3) || '8'
        || substr(mark, 4, 15))::uuid AS id
  FROM (SELECT patient, i, md5(patient::text || '%(table)s' || i) AS mark,
               %(now)s::timestamptz - (counted.rows - i) * (%(years)s * interval '1 year') / counted.rows AS at
          FROM ({_COUNTED}) AS counted, generate_series(1, counted.rows) AS i) AS drawn"""  # noqa: S608

_PATIENT = f"""
INSERT INTO identity_patient (id, birth_family_name, birth_given_names, birth_date, sex, birth_place, identity_status,
                              synthetic, space_state, state_changed_at, created_at)
SELECT {_SPACE}, 'Fictif ' || n, 'Échelle', date '1940-01-01' + n %% 25000,
    CASE WHEN n %% 2 = 0 THEN 'female' ELSE 'male' END,
       '75056', 'PROV', false, 'open', %(now)s, %(now)s FROM generate_series(%(first)s::int, %(last)s::int) AS n"""  # noqa: S608 - constants only
_MEASURE = """
INSERT INTO dmp_measure (patient_id, id, kind, effective_at, value, status, author_name, source, version, created_at,
                         updated_at, meta, body)
SELECT patient, id, kind, at, value, 'final', 'Balance+', 'app', 1, at, at, '{{}}',
       json_build_object('resourceType', 'Observation', 'status', 'final', 'effectiveDateTime', at,
           'category', json_build_array(json_build_object('coding', json_build_array(json_build_object(
               'system', 'http://terminology.hl7.org/CodeSystem/observation-category', 'code', 'vital-signs')))),
           'code', json_build_object('coding', json_build_array(json_build_object(
               'system', 'http://loinc.org', 'code', '29463-7', 'display', kind))),
           'valueQuantity', json_build_object('value', value, 'system', 'http://unitsofmeasure.org'))
  FROM (SELECT *, 60 + i %% 50 AS value,
               (ARRAY['body-weight', 'heart-rate', 'steps', 'oxygen-saturation', 'temperature'])[1 + i %% 5] AS kind
          FROM ({rows}) AS r) AS measures"""
_DOCUMENT = """
INSERT INTO dmp_document (patient_id, id, entry_id, unique_id, version, state, kind, type_code, class_code, format,
    facility,
    setting, confidentiality, masked, invisible_to_patient, invisible_to_representatives, archived, announced_by,
    event_codes, author_keys, author_person, author_institution, author_specialty, author_role, title, language,
    media_type,
    size, sha1, sha256, blob_name, pdf_a, made_at, dated_at, effective_at, folder_ids, author_name, source,
    created_at,
    updated_at, meta, body)
SELECT patient, id, id, 'urn:uuid:' || id, 1, 'current', kinds[t], types[t], classes[t],
    'urn:ihe:iti:xds:2017:mimeTypeSufficient',
    'SA01', 'AMBULATOIRE', 'N', false, false, false, false, '', '{{}}', ARRAY['martin'], 'Sophie Martin',
    'Cabinet Martin',
    'G15_10/SM54', 'G15_10', 'Document ' || i, 'fr-FR', 'application/pdf', 48000, sha256(mark::bytea),
    sha256(mark::bytea),
    'documents/' || mark, '', at, at, at, '{{}}', 'Cabinet Martin', 'professional', at, at, '{{}}',
    json_build_object('resourceType', 'DocumentReference', 'status', 'current', 'date', at, 'description',
    'Document ' || i)
  FROM (SELECT *, 1 + i %% cardinality(kinds) AS t
          FROM ({rows}) AS r, (SELECT %(kinds)s::text[] AS kinds, %(types)s::text[] AS types,
                                      %(classes)s::text[] AS classes) AS known) AS documents"""
_ENTRY = """
INSERT INTO dmp_entry (patient_id, id, category, status, label, unit, interpretation, path, author_name, source,
    version,
                       wrong, codes, identifiers, effective_at, created_at, updated_at, value, meta, body)
SELECT patient, id, category, 'final', 'Ligne ' || i, '', '', '', 'Laboratoire fictif', 'professional', 1, false,
       ARRAY['http://loinc.org|14749-6'], '{{}}', at, at, at, i %% 12, '{{}}',
       json_build_object('resourceType', 'Observation', 'status', 'final', 'effectiveDateTime', at,
           'code', json_build_object('coding', json_build_array(json_build_object(
               'system', 'http://loinc.org', 'code', '14749-6', 'display', 'Ligne ' || i))))
  FROM (SELECT *, (ARRAY['results.biology', 'results.biology', 'reimbursements',
    'vaccinations'])[1 + i %% 4] AS category
          FROM ({rows}) AS r) AS entries"""
_CONSENT = """
INSERT INTO consent_consent (patient_id, id, app_id, client_pk, environment, app_name, publisher_name, status,
    version,
                             purpose, valid_from, valid_until, event_count, event_head)
SELECT patient, md5(patient || 'consent' || i)::uuid, md5('ens-scale:app:' || i)::uuid,
    md5('ens-scale:app:' || i)::uuid,
       'production', 'Application ' || i, 'Éditeur fictif', 'active', 1, 'prevention',
       %(now)s::timestamptz - interval '1 day',
       %(now)s::timestamptz + interval '300 days', 0, sha256('')
  FROM ({rows}) AS r"""
_ITEM = """
INSERT INTO consent_item (patient_id, consent_id, category, access, periodicity_kind, periodicity_max,
    periodicity_unit)
SELECT patient, consent, 'measures.' || (ARRAY['body-weight', 'heart-rate', 'steps'])[1 + n %% 3],
       CASE WHEN n < 3 THEN 'read' ELSE 'write' END, 'recurring', 4, 'day'
  FROM (SELECT c.patient_id AS patient,
    c.id AS consent FROM consent_consent AS c JOIN ({spaces}) AS s ON c.patient_id = s.patient)
       AS consents, generate_series(0, 5) AS n"""
_JOURNAL = """
INSERT INTO core_journal (patient_id, id, occurred_at, actor_kind, actor_name, app_id, grant_id, interaction,
    resource, access,
                          categories, count, outcome, code, request_id)
SELECT patient, id, at, 'application', 'Application 1', md5('ens-scale:app:1')::uuid,
    md5(patient || 'consent1')::uuid, 'search',
       'Observation', 'read', ARRAY['measures.body-weight'], i %% 50, 'served', '', mark
  FROM ({rows}) AS r"""
_MESSAGE = """
INSERT INTO notification_message (patient_id, id, kind, title, body, link, sent_by, created_at, read_at)
SELECT patient, id, 'scale.message', 'Une information', repeat('Un message ordinaire. ', 6), '/espace',
    'Plateforme', at, at
  FROM ({rows}) AS r"""
_YEARS = {"core_journal": 3, "notification_message": 3}

STATEMENTS: Mapping[str, str] = {
    "identity_patient": _PATIENT,
    "dmp_measure": _MEASURE,
    "dmp_document": _DOCUMENT,
    "dmp_entry": _ENTRY,
    "consent_consent": _CONSENT,
    "consent_item": _ITEM,
    "core_journal": _JOURNAL,
    "notification_message": _MESSAGE,
}


def statement_of(table: str) -> str:
    """The INSERT of a table, for the spaces of one batch."""
    return STATEMENTS[table].format(rows=_ROWS.replace("'%(table)s'", f"'{table}'"), spaces=_SPACES)


def values_of(shape: Shape) -> dict[str, Any]:
    """What the INSERT of a table takes, but for the batch and the instant."""
    some = list(DOCUMENT_TYPES.values())[:12]
    law = {"share": shape.law.share, "least": shape.law.least, "most": shape.law.most}
    kinds = {"kinds": [one.kind for one in some], "types": [one.code.code for one in some]}
    return {**law, **kinds, "classes": [one.class_code for one in some], "years": _YEARS.get(shape.table, 10)}
