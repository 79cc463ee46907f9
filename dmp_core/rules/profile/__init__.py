"""The health profile that a person fills in: its steps, what may be told in each, what is said of absence."""
