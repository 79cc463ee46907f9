"""Referencing of apps: dossier, review, listing, public catalogue."""
