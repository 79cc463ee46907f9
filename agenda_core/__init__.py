"""Health events, reminders and iCalendar. Still empty: only the skeleton stands."""
