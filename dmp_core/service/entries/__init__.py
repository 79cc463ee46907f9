"""Writing entries of the record."""
