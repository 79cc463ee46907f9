"""The consent of one patient for one app: items, periodicity, decision, screens, journal."""
