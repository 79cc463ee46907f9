"""Reads of measures and devices: pages of a search, computed measures, devices, points for people."""
