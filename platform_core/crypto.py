"""Secrets at rest: a master key that wraps, a key per patient that encrypts, keyed hashes for look-ups.

AES-256-GCM everywhere; the context of use is authenticated, so that a value moved elsewhere does not open.
"""

import base64
import hashlib
import hmac
import os
from contextlib import suppress
from functools import lru_cache
from uuid import UUID

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from platform_core import config
from platform_core.database import Base, db
from platform_core.errors import NotFound

_NONCE = 12


class PatientKey(Base):
    """The data key of one patient, wrapped by the master key. Deleting the row makes the data unreadable for good."""

    __tablename__ = "core_patient_key"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes] = mapped_column(info={"sealed": "patient:{patient_id}"})


class OrganisationKey(Base):
    """The data key of one organisation, wrapped by the master key. Deleting the row makes its files unreadable."""

    __tablename__ = "core_organisation_key"

    organisation_id: Mapped[UUID] = mapped_column(primary_key=True)
    wrapped: Mapped[bytes] = mapped_column(info={"sealed": "organisation:{organisation_id}"})


def seal(plain: bytes, context: str) -> bytes:
    """Encrypt under the master key; `context` names the use (`identity:matricule`) and is authenticated."""
    return encrypt(_derived("seal"), plain, context.encode())


def unseal(sealed: bytes, context: str) -> bytes:
    """Open what `seal` closed, under the master key or one before it (`platform_core.rewrapping`).

    Raises `ValueError` when key, context or bytes are not those of the sealing.
    """
    *others, last = (config.current().master_key, *config.current().previous_master_keys)
    for master in others:
        with suppress(ValueError):
            return decrypt(_derive(master, "seal"), sealed, context.encode())
    return decrypt(_derive(last, "seal"), sealed, context.encode())


def is_sealed_now(sealed: bytes, context: str) -> bool:
    """Whether a value is sealed under the present master key, not one before it."""
    try:
        decrypt(_derived("seal"), sealed, context.encode())
    except ValueError:
        return False
    return True


def encrypt(key: bytes, plain: bytes, context: bytes) -> bytes:
    """AES-256-GCM: a random 96-bit nonce, then the ciphertext and its tag."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def decrypt(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Open what `encrypt` made. Raises `ValueError` when it was altered or belongs elsewhere."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], context)
    except InvalidTag:
        raise ValueError("The sealed value does not open: wrong key, wrong place or altered bytes.") from None


def patient_key(patient_id: UUID, *, create: bool = True) -> bytes:
    """The 256-bit data key of a patient, made at first use. Raises `NotFound` once it was destroyed.

    The transaction must be bound to that patient.
    """
    return _data_key(PatientKey, PatientKey.patient_id, patient_id, f"patient:{patient_id}", create)


def organisation_key(organisation_id: UUID, *, create: bool = True) -> bytes:
    """The 256-bit data key of an organisation, made at first use. Raises `NotFound` once it was destroyed."""
    owner = OrganisationKey.organisation_id
    return _data_key(OrganisationKey, owner, organisation_id, f"organisation:{organisation_id}", create)


def _data_key(
    model: type[PatientKey | OrganisationKey],
    owner: InstrumentedAttribute[UUID],
    owner_id: UUID,
    context: str,
    create: bool,
) -> bytes:
    query = sa.select(model.wrapped).where(owner == owner_id)
    wrapped = db.session.scalar(query)
    if wrapped is None and create:
        row = {owner.key: owner_id, "wrapped": seal(os.urandom(32), context)}
        db.session.execute(insert(model).values(row).on_conflict_do_nothing())
        wrapped = db.session.scalar(query)
    if wrapped is None:
        raise NotFound("The key of this owner was destroyed.", code="key-destroyed")
    return unseal(wrapped, context)


def destroy_patient_key(patient_id: UUID) -> None:
    """Make everything encrypted for this patient unreadable for good."""
    db.session.execute(sa.delete(PatientKey).where(PatientKey.patient_id == patient_id))


def destroy_organisation_key(organisation_id: UUID) -> None:
    """Make every file kept for this organisation unreadable for good."""
    db.session.execute(sa.delete(OrganisationKey).where(OrganisationKey.organisation_id == organisation_id))


def hash_token(token: str) -> bytes:
    """SHA-256 of a random token: the only form in which a token is stored."""
    return hashlib.sha256(token.encode()).digest()


def lookup_hash(value: str) -> bytes:
    """A keyed hash by which a sealed value (a matricule) is found again."""
    return hmac.digest(_derive(config.current().pseudonym_key, "lookup"), value.encode(), "sha256")


def pairwise_id(sector: UUID, subject: UUID, kind: str = "Patient") -> str:
    """The id of a subject as one app (`sector`) knows it: stable for that app, unrelated for every other.

    Shaped as a UUID (RFC 9562 version 8), so that it is a valid FHIR id.
    """
    digest = hmac.digest(
        _derive(config.current().pseudonym_key, "pairwise"), sector.bytes + subject.bytes + kind.encode(), "sha256"
    )
    value = int.from_bytes(digest[:16], "big")
    value &= ~(0xF << 76) & ~(0x3 << 62)
    return str(UUID(int=value | 0x8 << 76 | 0x2 << 62))


def sealed_id(sector: UUID, subject: UUID) -> str:
    """The id of a subject as one structure (`sector`) knows it, which `unseal_id` reads back: a pairwise id that needs
    no table. One block under a key of that sector: it can neither be made up nor be read elsewhere."""
    return str(UUID(bytes=_block_cipher(sector).encryptor().update(subject.bytes)))


def unseal_id(sector: UUID, text: str) -> UUID | None:
    """What `sealed_id` closed for that sector; the UUID of nobody for any other text, None for one that is no UUID."""
    try:
        sealed = UUID(text)
    except ValueError:
        return None
    return UUID(bytes=_block_cipher(sector).decryptor().update(sealed.bytes))


def _block_cipher(sector: UUID) -> Cipher[modes.ECB]:
    # One block and no more: a permutation of the UUIDs, where the mode has nothing to chain.
    return Cipher(algorithms.AES(_derive(config.current().pseudonym_key, f"sector:{sector}")), modes.ECB())  # noqa: S305


def base64url(raw: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _derived(use: str) -> bytes:
    return _derive(config.current().master_key, use)


@lru_cache(maxsize=64)
def _derive(master: bytes, use: str) -> bytes:
    return derive_key(master, use)


def derive_key(key: bytes, use: str) -> bytes:
    """A 256-bit key for one use only, out of another key (HKDF with SHA-256, RFC 5869)."""
    return HKDF(SHA256(), 32, salt=None, info=b"ens:" + use.encode()).derive(key)
