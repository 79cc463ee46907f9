"""The record as FHIR text, for one reader: measures with their devices, documents."""
