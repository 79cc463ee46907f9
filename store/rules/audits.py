"""Why an audit is opened."""

from enum import StrEnum


class Origin(StrEnum):
    SCHEDULE = "schedule"
    REPORT = "report"
    INCIDENT = "incident"
