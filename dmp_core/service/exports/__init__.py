"""A whole record in one file: FHIR, originals, and a page to read them by."""
