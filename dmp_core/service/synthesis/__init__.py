"""The medical summary: gathered from the record, kept as a draft, signed off as a document."""
