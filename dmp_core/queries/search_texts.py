"""Texts that a search looked into, as they are kept: nobody reads them but through the application."""

import zlib
from uuid import UUID

from platform_core import crypto


def seal(text: str, patient_id: UUID, id: UUID, *, key: bytes) -> bytes:
    """A text as it is kept: compressed, then encrypted for this place."""
    return crypto.encrypt(key, zlib.compress(text.encode()), _context(patient_id, id))


def unseal(sealed: bytes, patient_id: UUID, id: UUID, *, key: bytes) -> str:
    """Open what `seal` closed. Raises `ValueError` when it was altered or stands elsewhere."""
    return zlib.decompress(crypto.decrypt(key, sealed, _context(patient_id, id))).decode()


def _context(patient_id: UUID, id: UUID) -> bytes:
    return f"search:{patient_id}:{id}".encode()
