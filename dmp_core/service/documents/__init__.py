"""Documents: filed, replaced, taken back, put away, hidden and shown."""
