"""FHIR R4 mechanics, the same for every data core: JSON, validation, search, Bundles, conditions, routes."""
