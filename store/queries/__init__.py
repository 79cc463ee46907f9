"""Reads of the referencing: applications, dossiers, listings, queue, history."""
