"""Use cases of measures: written by an app with or without a device, many at once, typed in by the patient."""
