"""Use cases of the referencing, one module a subject."""
