"""Tables of people, organisations, sign-ins and sessions."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from identity_core.rules import REGIONS, IdentityStatus, MemberLevel, RepresentationKind, Role
from identity_core.workflow import RepresentationState, SpaceState
from platform_core.database import Base, one_of, uuid_key

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
"""How long a browser session lives: unused, and at most."""


class Patient(Base):
    """An insured person and the state of their space. The matricule is sealed and found again by a keyed hash.

    `region` is where they say they live (INSEE code): known only when they chose to tell it. From `destroys_on`, there
    is something of the space to destroy.
    """

    __tablename__ = "identity_patient"

    id: Mapped[UUID] = uuid_key()
    ins_sealed: Mapped[bytes | None] = mapped_column(info={"sealed": "identity:ins:{id}"})
    ins_lookup: Mapped[bytes | None] = mapped_column(unique=True)
    ins_oid: Mapped[str | None]
    birth_family_name: Mapped[str]
    birth_given_names: Mapped[str]
    used_name: Mapped[str | None]
    birth_date: Mapped[date]
    sex: Mapped[str]
    birth_place: Mapped[str]
    region: Mapped[str | None]
    identity_status: Mapped[str]
    email_sealed: Mapped[bytes | None] = mapped_column(info={"sealed": "identity:email:{id}"})
    synthetic: Mapped[bool] = mapped_column(default=False)
    space_state: Mapped[str]
    opens_on: Mapped[date | None]
    destroys_on: Mapped[date | None]
    state_changed_at: Mapped[datetime]
    created_at: Mapped[datetime]

    __table_args__ = (
        one_of("identity_status", "identity_status", IdentityStatus),
        one_of("space_state", "space_state", SpaceState),
        sa.CheckConstraint(f"region IN ({', '.join(repr(code) for code in REGIONS)})", name="region"),
        sa.CheckConstraint("(ins_sealed IS NULL) = (ins_lookup IS NULL)", name="ins_whole"),
        sa.Index("ix_identity_patient_opening", "opens_on", postgresql_where=sa.text("space_state = 'invited'")),
        sa.Index("ix_identity_patient_destroys_on", "destroys_on", postgresql_where=sa.text("destroys_on IS NOT NULL")),
        sa.Index("ix_identity_patient_synthetic", "id", postgresql_where=sa.text("synthetic")),
    )


class Person(Base):
    """Somebody who signs in as a citizen: the subject of the provider, and the patient they are."""

    __tablename__ = "identity_person"

    id: Mapped[UUID] = uuid_key()
    issuer: Mapped[str]
    subject: Mapped[str]
    patient_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Patient.id), unique=True)
    email_sealed: Mapped[bytes | None] = mapped_column(info={"sealed": "identity:email:{id}"})
    created_at: Mapped[datetime]
    last_signed_in_at: Mapped[datetime | None]

    __table_args__ = (sa.UniqueConstraint("issuer", "subject"),)


class Representation(Base):
    """A person acts for a patient by law or by mandate, from a date to a date, both included, or without end.

    `person_id` is unknown until somebody accepts a mandate; until then the address it was sent to is kept, sealed.
    `powers` and `excluded` (families of data) limit a mandate. `reference` names the act that gives a guardianship.
    """

    __tablename__ = "identity_representation"

    id: Mapped[UUID] = uuid_key()
    patient_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Patient.id), index=True)
    person_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey(Person.id), index=True)
    kind: Mapped[str]
    state: Mapped[str]
    powers: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    excluded: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    reference_sealed: Mapped[bytes | None] = mapped_column(info={"sealed": "identity:representation:{id}"})
    email_lookup: Mapped[bytes | None] = mapped_column(index=True)
    email_sealed: Mapped[bytes | None] = mapped_column(info={"sealed": "identity:invitation:{id}"})
    answer_by: Mapped[datetime | None]
    created_at: Mapped[datetime]
    state_changed_at: Mapped[datetime]

    __table_args__ = (
        one_of("kind", "kind", RepresentationKind),
        one_of("state", "state", RepresentationState),
        sa.CheckConstraint("(kind = 'mandate') = (powers <> '{}')", name="limits"),
        sa.CheckConstraint("kind <> 'mandate' OR valid_until IS NOT NULL", name="end"),
        sa.CheckConstraint("person_id IS NOT NULL OR state NOT IN ('accepted', 'active')", name="known"),
        sa.Index(
            "uq_identity_representation_active",
            "patient_id",
            "person_id",
            unique=True,
            postgresql_where=sa.text("state = 'active'"),
        ),
    )


class Professional(Base):
    """A health professional, known by the RPPS number that the provider vouches for."""

    __tablename__ = "identity_professional"

    id: Mapped[UUID] = uuid_key()
    rpps: Mapped[str] = mapped_column(unique=True)
    family_name: Mapped[str]
    given_name: Mapped[str]
    profession: Mapped[str]
    speciality: Mapped[str]
    created_at: Mapped[datetime]
    last_signed_in_at: Mapped[datetime | None]


class Organisation(Base):
    """A legal person: a publisher of apps, or the authority that references them. A `synthetic` one is made up."""

    __tablename__ = "identity_organisation"

    id: Mapped[UUID] = uuid_key()
    name: Mapped[str]
    siren: Mapped[str] = mapped_column(unique=True)
    synthetic: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class Agent(Base):
    """Somebody who signs in for an organisation."""

    __tablename__ = "identity_agent"

    id: Mapped[UUID] = uuid_key()
    issuer: Mapped[str]
    subject: Mapped[str]
    family_name: Mapped[str]
    given_name: Mapped[str]
    email_sealed: Mapped[bytes | None] = mapped_column(info={"sealed": "identity:email:{id}"})
    created_at: Mapped[datetime]
    last_signed_in_at: Mapped[datetime | None]

    __table_args__ = (sa.UniqueConstraint("issuer", "subject"),)


class Member(Base):
    """An agent has a role in an organisation."""

    __tablename__ = "identity_member"

    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Organisation.id), primary_key=True)
    agent_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Agent.id), primary_key=True, index=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]

    __table_args__ = (one_of("role", "role", Role),)


class Invitation(Base):
    """Somebody is asked to join an organisation, by an address that their provider must vouch for; used once.

    The address is sealed, and found again by a keyed hash: no secret travels by e-mail.
    """

    __tablename__ = "identity_invitation"

    id: Mapped[UUID] = uuid_key()
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Organisation.id))
    email_lookup: Mapped[bytes] = mapped_column(index=True)
    email_sealed: Mapped[bytes] = mapped_column(info={"sealed": "identity:invitation:{id}"})
    level: Mapped[str]
    invited_by_name: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("level", "level", MemberLevel),
        sa.Index(
            "uq_identity_invitation_open",
            "organisation_id",
            "email_lookup",
            unique=True,
            postgresql_where=sa.text("accepted_at IS NULL AND cancelled_at IS NULL"),
        ),
    )


class AccessToken(Base):
    """A personal access token to the publisher's API. Only its hash is kept, and its last characters to tell it."""

    __tablename__ = "identity_access_token"

    id: Mapped[UUID] = uuid_key()
    organisation_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Organisation.id), index=True)
    agent_id: Mapped[UUID] = mapped_column(sa.ForeignKey(Agent.id))
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    name: Mapped[str]
    ending: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (sa.CheckConstraint("expires_at > created_at", name="life"),)


class SignInAttempt(Base):
    """A sign-in sent to a provider, until it comes back once: what the answer must match."""

    __tablename__ = "identity_sign_in_attempt"

    state_hash: Mapped[bytes] = mapped_column(primary_key=True)
    browser_hash: Mapped[bytes]
    provider: Mapped[str]
    nonce: Mapped[str]
    verifier_sealed: Mapped[bytes] = mapped_column(info={"sealed": "identity:verifier"})
    next_path: Mapped[str]
    expires_at: Mapped[datetime]


class BrowserSession(Base):
    """What the platform remembers of one browser. Only the hash of its cookie is kept."""

    __tablename__ = "identity_session"

    id: Mapped[UUID] = uuid_key()
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime] = mapped_column(index=True)
