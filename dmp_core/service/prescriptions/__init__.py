"""Prescriptions: keeping their lines, and those of the demonstration."""
