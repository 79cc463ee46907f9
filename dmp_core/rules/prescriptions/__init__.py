"""Prescriptions in words, and what deserves attention in them."""
