"""Pages of the patient: the question of an app, the permissions dashboard, the journal of accesses."""
