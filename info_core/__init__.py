"""Personalised health information. Still empty: only the skeleton stands."""
