"""Connectors of partner apps: the sandbox in this version."""
