"""Rules: the words of e-mails, and how many of them one address is sent."""

from notification_core.rules.letters import Letter, Parcel, Template, write_letter

__all__ = ["Letter", "Parcel", "Template", "write_letter"]
