"""Indexing: what documents and entries say, read and kept for the search of their record."""
