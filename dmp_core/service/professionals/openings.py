"""How a professional comes to a record that nobody had opened to them: a one-off code, an emergency, an identity."""

import hmac
import secrets
import unicodedata
from datetime import date
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from dmp_core.models.professionals import AccessChoice, FailedAttempt
from dmp_core.queries import professionals as queries
from dmp_core.rules.professionals.agreements import (
    CODE_LASTS,
    CODE_OPENS,
    EMERGENCY_OPENS,
    FAILURES_COUNT_FOR,
    MOTIVE_LENGTHS,
    Mode,
    digits_of,
)
from dmp_core.service.professionals.agreements import PAGE, begin, professional_of
from identity_core import queries as identity
from identity_core.queries import PatientView
from notification_core import service as notification
from platform_core import audit, clock, config, crypto
from platform_core.access import Actor, ActorKind
from platform_core.database import db, run
from platform_core.errors import Fault, Forbidden, Invalid, TooManyRequests
from platform_core.health_identity import INS_NIA, INS_NIR, INS_NIR_TEST, Ins
from platform_core.ids import uuid7


def issue_code(*, patient_id: UUID, by: Actor) -> str:
    """A code of eight digits that a professional types within fifteen minutes; the one before is worth nothing.

    It is shown once: only its keyed hash is kept. Raises `Forbidden` unless the patient, or who represents them, asks.
    """
    if by.kind not in {ActorKind.PATIENT, ActorKind.REPRESENTATIVE}:
        raise Forbidden("Only the patient, or who represents them by law, does this.", code="not-the-patient")
    code = f"{secrets.randbelow(10**8):08}"
    fresh = {"code_hash": _hash(code), "code_until": clock.now() + CODE_LASTS}
    statement = insert(AccessChoice).values(patient_id=patient_id, emergency=True, writing=True, **fresh)
    db.session.execute(statement.on_conflict_do_update(index_elements=["patient_id"], set_=fresh))
    audit.record("dmp:code:issued", by=by, object_type="patient", object_id=patient_id)
    return code


def find_patient_of_code(*, code: str, birth_date: date | None, by: Actor) -> UUID | None:
    """The patient who holds a code now and was born that day; None when nobody does, which counts as a failure.

    The transaction is bound to nobody, and must be committed. Raises `TooManyRequests` (`too-many-failures`).
    """
    professional_id = _check_patience(by)
    found = run(
        "SELECT patient_id FROM dmp_patients_of_code(%(hash)s, %(now)s)",
        {"hash": _hash(digits_of(code)), "now": clock.now()},
    )
    patients = [identity.get_patient(row.patient_id) for row in found]
    held = [one.id for one in patients if one.is_open and one.birth_date == birth_date]
    if len(held) == 1:
        return held[0]
    _remember_failure(professional_id)
    return None


def use_code(*, patient_id: UUID, code: str, by: Actor) -> UUID:
    """Open the record with the code of its patient, which is used up. Returns the id of the agreement.

    Raises `Forbidden` (`code-unknown`) when it is late or used, `Conflict` (`professional-blocked`).
    """
    professional_id = professional_of(by)
    row = db.session.get(AccessChoice, patient_id, with_for_update=True)
    held = bool(row and row.code_hash and hmac.compare_digest(row.code_hash, _hash(digits_of(code))))
    if row is None or not held or row.code_until is None or row.code_until <= clock.now():
        raise Forbidden("This code is not known, or too late, or used. Ask for another.", code="code-unknown")
    row.code_hash = row.code_until = None
    return begin(patient_id, professional_id, Mode.CODE, clock.now() + CODE_OPENS, by=by)


def identify_patient(*, matricule: str, family_name: str, birth_date: date | None, by: Actor) -> PatientView | None:
    """The patient of a matricule, when the birth name and date are theirs and their space is open; None else, which
    counts as a failure: nobody learns who has a record by trying.

    The transaction is bound to nobody, and must be committed. Raises `TooManyRequests` (`too-many-failures`).
    """
    professional_id = _check_patience(by)
    found = _find_by_matricule("".join(matricule.split()).upper())
    if found and found.is_open and _plain(found.family_name) == _plain(family_name) and found.birth_date == birth_date:
        return found
    _remember_failure(professional_id)
    return None


def break_glass(*, patient_id: UUID, motive: str, by: Actor) -> UUID:
    """Open the record of somebody who cannot say whether they agree, while their health is at immediate risk: with a
    motive, for a day, and the patient is told at once (CSP art. L. 1111-17 I). Returns the id of the agreement.

    Raises `Invalid` (`invalid-motive`), `Forbidden` (`emergency-refused`) for a patient who is opposed to it,
    `Conflict` (`professional-blocked`): who is kept out is so in an emergency too.
    """
    professional_id, reason = professional_of(by), " ".join(motive.split())
    least, most = MOTIVE_LENGTHS
    if not least <= len(reason) <= most:
        fault = Fault("motive", f"must hold {least} to {most} characters.", "required")
        raise Invalid("An emergency has a motive.", code="invalid-motive", faults=[fault])
    if not queries.get_choices(patient_id).emergency:
        raise Forbidden("This person is opposed to any reading in an emergency.", code="emergency-refused")
    id = uuid7()
    sealed = crypto.encrypt(crypto.patient_key(patient_id), reason.encode(), f"dmp:motive:{id}".encode())
    begin(patient_id, professional_id, Mode.EMERGENCY, clock.now() + EMERGENCY_OPENS, by=by, motive=(id, sealed))
    notification.notify(
        patient_id=patient_id,
        kind="dmp.emergency",
        title="Votre dossier a été ouvert en urgence",
        body=f"{by.name} a ouvert votre dossier en urgence, sans votre accord, pour vingt-quatre heures. La page de "
        "vos professionnels dit pour quel motif ; vous pouvez y mettre fin, bloquer cette personne et signaler l’accès "
        "dans le journal.",
        link=PAGE,
        by=by,
    )
    return id


def _find_by_matricule(matricule: str) -> PatientView | None:
    oids = (INS_NIR, INS_NIA) if config.current().is_production else (INS_NIR_TEST,)
    for oid in oids:
        try:
            found = identity.find_patient_by_ins(Ins(matricule, oid))
        except Invalid:
            return None
        if found:
            return found
    return None


def _check_patience(by: Actor) -> UUID:
    """Who tries. One at a time for a professional, so that tries sent together count one by one."""
    professional_id = professional_of(by)
    run("SELECT pg_advisory_xact_lock(hashtextextended(%(key)s, 0))", {"key": f"dmp:attempt:{professional_id}"})
    if queries.must_wait(professional_id):
        raise TooManyRequests(
            "Too many wrong codes or identities: wait.",
            code="too-many-failures",
            retry_at=clock.now() + FAILURES_COUNT_FOR,
        )
    return professional_id


def _remember_failure(professional_id: UUID) -> None:
    old = (FailedAttempt.professional_id == professional_id, FailedAttempt.at <= clock.now() - FAILURES_COUNT_FOR)
    db.session.execute(sa.delete(FailedAttempt).where(*old))
    db.session.add(FailedAttempt(professional_id=professional_id, at=clock.now()))
    db.session.flush()


def _hash(digits: str) -> bytes:
    """Keyed: eight digits alone would be found by trying them all."""
    return crypto.lookup_hash(f"dmp:code|{digits}")


def _plain(name: str) -> str:
    """A name without case, accents, hyphens or apostrophes."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in letters if letter.isalpha())
