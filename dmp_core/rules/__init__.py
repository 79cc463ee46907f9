"""The rules of measures: what an Observation and its Device must hold. Pure: no database, no clock."""
