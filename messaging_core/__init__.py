"""Conversations between patients and professionals. Still empty: only the skeleton stands."""
