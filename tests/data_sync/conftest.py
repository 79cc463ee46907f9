"""The partners and patients of the authorization server's tests."""

from tests.oauth.conftest import categories, other, partner, patient, real_patient, smart

__all__ = ["categories", "other", "partner", "patient", "real_patient", "smart"]
