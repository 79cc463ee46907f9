"""Nothing to wire yet: the room is empty, its place in the house is kept."""
