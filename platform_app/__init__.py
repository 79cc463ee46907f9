"""Composition root and web shell: it alone knows every package, and none imports it."""
