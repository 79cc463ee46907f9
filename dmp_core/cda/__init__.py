"""CDA R2 documents: read safely into plain values, shown as HTML, mapped to FHIR. Pure: no database, no network."""
