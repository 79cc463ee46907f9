"""The medical summary: its sections, the lines that the record proposes, what a doctor makes of them."""
