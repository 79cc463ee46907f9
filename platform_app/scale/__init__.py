"""Rows of as many spaces as it takes to see how the platform bears them."""
