"""Measures of speed, as ratios in one run. `make bench` runs them; nothing here is a test."""
