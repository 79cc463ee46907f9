"""How many rows a space holds: a law with a heavy tail, and the arithmetic of it. Pure."""

from dataclasses import dataclass

TAIL = 1.5
"""The exponent of Pareto's law: the mean is three times the least, one record in a hundred has twenty times the least
or more."""


@dataclass(frozen=True, slots=True)
class Law:
    """How the rows of a table spread: `share` of the spaces hold some, `least` of them at least and `most` at most."""

    share: float
    least: int
    most: int

    @property
    def mean(self) -> float:
        """Rows a space, those that hold none included."""
        beyond = self.least**TAIL * self.most ** (1 - TAIL)
        return self.share * (TAIL * self.least - beyond) / (TAIL - 1)

    def quantile(self, part: float) -> int:
        """Rows of a space that has more than `part` of those that hold some."""
        return min(int(self.least * (1 - part) ** (-1 / TAIL)), self.most)


@dataclass(frozen=True, slots=True)
class Shape:
    """A table: its law, and the bytes that a row was measured to take, indexes included."""

    table: str
    law: Law
    bytes_a_row: int

    def rows(self, spaces: int) -> int:
        """Rows that so many spaces are expected to hold."""
        return round(self.law.mean * spaces)


def count_spaces(spaces: int, fraction: float) -> int:
    """How many spaces stand for a fraction of so many; one at least."""
    return max(round(spaces * fraction), 1)
