"""Wiring of the record: its categories, its FHIR resource types, its pages."""

from flask import Flask

from dmp_core import models  # noqa: F401 - loads the tables
from dmp_core.api.devices import DEVICE
from dmp_core.api.observations import OBSERVATION, perform_transaction
from dmp_core.categories import FAMILY, MEASURES
from platform_core.categories import registry as categories
from platform_core.fhir.registry import registry as fhir


def init_app(app: Flask) -> None:
    """Declare what the record keeps and serves."""
    categories.register(FAMILY, MEASURES)
    fhir.register(OBSERVATION)
    fhir.register(DEVICE)
    fhir.register_transaction(frozenset({OBSERVATION.name, DEVICE.name}), perform_transaction)
