"""Pages of professionals in a record, and those where the patient rules who they are."""
