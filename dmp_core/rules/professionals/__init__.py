"""Professionals in a record: what a profession reaches, what a patient agreed to. Pure."""
