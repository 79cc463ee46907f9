"""Pages of the record: measures, documents."""
