"""Tables of the referencing."""
