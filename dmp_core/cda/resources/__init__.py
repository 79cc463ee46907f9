"""The FHIR R4 resources that the statements of a CDA document stand for."""
