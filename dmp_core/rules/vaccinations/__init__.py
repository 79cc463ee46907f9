"""Vaccinations: the French calendar and where a person stands in it."""
