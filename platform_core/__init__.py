"""Shared kernel: it imports no other package of the platform."""
