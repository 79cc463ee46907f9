"""Measures and devices as the FHIR API serves them: what each interaction calls."""
