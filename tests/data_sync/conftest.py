"""The partners and patients of the authorization server's tests."""

from tests.oauth.conftest import categories, other, partner, patient, real_patient, smart
from tests.store.conftest import categories as store_categories
from tests.store.conftest import people

__all__ = ["categories", "other", "partner", "patient", "people", "real_patient", "smart", "store_categories"]
