"""The registry of data categories (the périmètre): each data core declares its own, the brokers only read.

Codes are public and fixed (docs: the public surface): `<family>` or `<family>.<kind>`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from platform_core.access import Access
from platform_core.errors import Invalid

Describe = Callable[[Iterable[UUID]], Mapping[UUID, str]]


@dataclass(frozen=True, slots=True)
class SmartScope:
    """The SMART v2 form of a category: resource type and the query that narrows it.

    `query` is empty or one `name=value` pair such as `code=http://loinc.org|29463-7`; those of `also` ask for the
    category too.
    """

    resource: str
    query: str = ""
    write: str = "c"
    also: frozenset[str] = frozenset()

    def render(self, access: Access) -> str:
        """The scope string, e.g. `patient/Observation.rs?code=http://loinc.org|29463-7`."""
        verbs = self.write if access is Access.WRITE else "rs"
        return f"patient/{self.resource}.{verbs}" + (f"?{self.query}" if self.query else "")


@dataclass(frozen=True, slots=True)
class Category:
    """One category of health data that a consent item can name.

    `short_*` is a label of a few words, `long_*` a sentence in plain language that says what is included.
    """

    code: str
    short_fr: str
    long_fr: str
    short_en: str
    long_en: str
    accesses: frozenset[Access]
    smart: SmartScope
    sensitive: bool = False
    describe: Describe | None = None

    @property
    def family(self) -> str:
        return self.code.split(".", 1)[0]


@dataclass(frozen=True, slots=True)
class Family:
    """A group of categories as screens and scopes show it; `smart_query` asks for all its kinds at once."""

    code: str
    label_fr: str
    label_en: str
    smart_resource: str = ""
    smart_query: str = ""


class CategoryRegistry:
    """Every category of the platform, in the order of registration."""

    def __init__(self) -> None:
        self._categories: dict[str, Category] = {}
        self._families: dict[str, Family] = {}

    def register(self, family: Family, categories: Iterable[Category]) -> None:
        """Add the categories of one family; a code that exists already is replaced by the same declaration."""
        self._families[family.code] = family
        for category in categories:
            if category.family != family.code:
                raise ValueError(f"{category.code} does not belong to the family {family.code}.")
            self._categories[category.code] = category

    def find(self, code: str) -> Category | None:
        return self._categories.get(code)

    def get(self, code: str) -> Category:
        """The category of that code. Raises `Invalid` (`unknown-category`)."""
        category = self._categories.get(code)
        if category is None:
            raise Invalid(f"The category {code!r} does not exist.", code="unknown-category")
        return category

    def all(self) -> tuple[Category, ...]:
        return tuple(self._categories.values())

    def families(self) -> tuple[Family, ...]:
        return tuple(self._families.values())

    def of_family(self, family: str) -> tuple[Category, ...]:
        return tuple(c for c in self._categories.values() if c.family == family)

    def allows(self, code: str, access: Access) -> bool:
        """Whether the pair exists, e.g. (`measures.bmi`, write) does not."""
        category = self._categories.get(code)
        return category is not None and access in category.accesses


registry = CategoryRegistry()
