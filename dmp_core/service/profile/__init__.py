"""The health profile: told step by step, read as a whole, saved as a document."""
