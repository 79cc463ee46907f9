"""Signing in: what is remembered while a provider is asked, then who the person is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from identity_core.errors import SignInFailed
from identity_core.gateway.ins import Traits, teleservice
from identity_core.gateway.openid import SignedIn
from identity_core.models import IDLE, Agent, BrowserSession, Patient, Person, Professional, SignInAttempt
from identity_core.rules import IdentityStatus, identity_status, surest
from identity_core.service import people
from platform_core import audit, clock, crypto
from platform_core.access import Actor, ActorKind
from platform_core.database import db
from platform_core.errors import Unavailable
from platform_core.health_identity import Ins, Rpps
from platform_core.ids import opaque

LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in under way: the values that the provider's answer must match, and where to go then."""

    state: str
    nonce: str
    verifier: str
    next_path: str


@dataclass(frozen=True, slots=True)
class Identified:
    """Who has signed in. `patient_id` is the citizen's own record."""

    id: UUID
    name: str
    patient_id: UUID | None = None


def begin_sign_in(*, provider: str, next_path: str, browser_key: str) -> Attempt:
    """Remember a sign-in of this browser for ten minutes."""
    attempt = Attempt(opaque(), opaque(), opaque(), next_path)
    db.session.add(
        SignInAttempt(
            state_hash=crypto.hash_token(attempt.state),
            browser_hash=crypto.hash_token(browser_key),
            provider=provider,
            nonce=attempt.nonce,
            verifier_sealed=crypto.seal(attempt.verifier.encode(), "identity:verifier"),
            next_path=next_path,
            expires_at=clock.now() + LASTS,
        )
    )
    return attempt


def take_sign_in(*, provider: str, state: str, browser_key: str) -> Attempt:
    """The sign-in that this answer belongs to, once. Raises `SignInFailed` when there is none for this browser."""
    taken = db.session.execute(
        sa.delete(SignInAttempt)
        .where(
            SignInAttempt.state_hash == crypto.hash_token(state),
            SignInAttempt.browser_hash == crypto.hash_token(browser_key),
            SignInAttempt.provider == provider,
            SignInAttempt.expires_at > clock.now(),
        )
        .returning(SignInAttempt.nonce, SignInAttempt.verifier_sealed, SignInAttempt.next_path)
    ).one_or_none()
    if taken is None:
        raise SignInFailed("This sign-in is not known here, was used already or is too old.")
    verifier = crypto.unseal(taken.verifier_sealed, "identity:verifier").decode()
    return Attempt(state, taken.nonce, verifier, taken.next_path)


def read_traits(claims: Mapping[str, Any]) -> Traits:
    """The strict traits in a pivot identity. Raises `SignInFailed` when one is missing or malformed."""
    try:
        born = date.fromisoformat(claims["birthdate"])
        family, given = str(claims["family_name"]), str(claims["given_name"])
    except (KeyError, TypeError, ValueError) as error:
        raise SignInFailed("The provider gave no whole pivot identity.") from error
    sex = claims.get("gender")
    place = claims.get("birthplace") or claims.get("birthcountry") or ""
    return Traits(family, given, born, sex if sex in {"male", "female"} else "unknown", str(place))


def search_ins(traits: Traits) -> Ins | None:
    """Ask the teleservice for a matricule, outside any transaction. Its absence delays the INS, not the sign-in."""
    try:
        return teleservice().search(traits)
    except Unavailable:
        return None


def sign_in_citizen(*, signed_in: SignedIn, issuer: str, traits: Traits, ins: Ins | None) -> Identified:
    """Find or enrol the person and the patient they are, and keep the best identity status known."""
    people.one_at_a_time(f"{issuer}|{signed_in.subject}")
    person = db.session.scalar(sa.select(Person).where(Person.issuer == issuer, Person.subject == signed_in.subject))
    patient = db.session.get(Patient, person.patient_id) if person else people.find_patient_of(ins)
    status = identity_status(ins_found=ins is not None, acr=signed_in.acr)
    if patient is not None and patient.synthetic:
        raise SignInFailed("Nobody signs in as a synthetic patient.")
    if patient is None:
        patient = people.enrol_patient(traits=traits, ins=ins, status=status)
    elif ins is not None and patient.ins_lookup is None:
        people.set_ins(patient, ins)
    patient.identity_status = surest(IdentityStatus(patient.identity_status), status)
    if person is None:
        person = people.enrol_person(patient, issuer=issuer, subject=signed_in.subject)
    people.set_email(person, signed_in.claims.get("email"))
    name = _name(patient.birth_given_names, patient.used_name or patient.birth_family_name)
    _signed_in(person, Actor(ActorKind.PATIENT, person.id, name, assurance=signed_in.acr))
    return Identified(person.id, name, patient.id)


def sign_in_professional(*, signed_in: SignedIn) -> Identified:
    """Find or enrol a professional by the RPPS number. Raises `SignInFailed` when the provider gives none."""
    national_id = str(signed_in.claims.get("SubjectNameID", ""))
    if not national_id.startswith("8"):
        raise SignInFailed("The provider gave no RPPS number.")
    professional = people.register_professional(
        rpps=Rpps(national_id[1:]),
        family_name=str(signed_in.claims.get("family_name", "")),
        given_name=str(signed_in.claims.get("given_name", "")),
        practices=signed_in.claims.get("SubjectRefPro", {}).get("exercices", []),
    )
    name = f"{professional.given_name} {professional.family_name}"
    _signed_in(professional, Actor(ActorKind.PROFESSIONAL, professional.id, name, assurance=signed_in.acr))
    return Identified(professional.id, name)


def sign_in_agent(*, signed_in: SignedIn, issuer: str) -> Identified:
    """Find or enrol an agent by the subject of the provider. Roles come from memberships only."""
    agent = people.register_agent(
        issuer=issuer,
        subject=signed_in.subject,
        family_name=str(signed_in.claims.get("usual_name", "")),
        given_name=str(signed_in.claims.get("given_name", "")),
        email=_verified_email(signed_in.claims),
    )
    name = f"{agent.given_name} {agent.family_name}"
    _signed_in(agent, Actor(ActorKind.AGENT, agent.id, name, assurance=signed_in.acr))
    return Identified(agent.id, name)


def _verified_email(claims: Mapping[str, Any]) -> str | None:
    """The address, unless the provider says that it was not verified (OpenID Connect Core §5.1): it admits members."""
    return claims.get("email") if claims.get("email_verified", True) is True else None


def delete_lapsed() -> None:
    """Delete browser sessions left idle and sign-ins never finished."""
    db.session.execute(sa.delete(BrowserSession).where(BrowserSession.seen_at < clock.now() - IDLE))
    db.session.execute(sa.delete(SignInAttempt).where(SignInAttempt.expires_at < clock.now()))


def _signed_in(holder: Person | Professional | Agent, by: Actor) -> None:
    holder.last_signed_in_at = clock.now()
    audit.record("identity:session:sign-in", by=by, object_type=by.kind, object_id=holder.id, acr=by.assurance)


def _name(given_names: str, family_name: str) -> str:
    return f"{given_names.split(' ')[0]} {family_name}"
