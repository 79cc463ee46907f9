"""Professionals in a record: agreements, one-off codes, emergencies, reading and writing."""
