"""How each kind of structured entry is read, by the templates that it declares."""
