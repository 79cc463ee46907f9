"""Simulated identity providers with fictitious people, for development and testing. Production has none of them."""
