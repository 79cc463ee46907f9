"""What this server can do in FHIR: each data core registers its resource types; routes and metadata only read."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from platform_core.access import DataCall
from platform_core.errors import DomainError, Fault
from platform_core.fhir.search import Query

Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource as the server holds it: `text` is its JSON as this caller sees it.

    `category` is empty for what is counted in none. `created` is False when a conditional create found it; `warnings`
    are remarks that refuse nothing.
    """

    type: str
    id: str
    version: int
    updated_at: datetime
    category: str
    text: Callable[[], str]
    created: bool = True
    warnings: tuple[Fault, ...] = ()

    @property
    def reference(self) -> str:
        return f"{self.type}/{self.id}"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search: (type, id, JSON text) of matches and of included resources, and served counts."""

    matches: Sequence[tuple[str, str, str]]
    counts: Mapping[str, int]
    has_more: bool = False
    total: int | None = None
    included: Sequence[tuple[str, str, str]] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a transaction: where it stands in the Bundle, its resource and its request.

    `target` is the reference that a PATCH changes; empty for a POST.
    """

    position: int
    full_url: str
    resource: Resource
    if_none_exist: str = ""
    target: str = ""

    @property
    def type(self) -> str:
        return str(self.resource.get("resourceType", ""))


@dataclass(frozen=True, slots=True)
class Content:
    """A document in its own form (FHIR R4 §2.39, Binary): `read` gives bytes `start` to `stop` (excluded), in pieces,
    once the data call has ended. `tag` names these very bytes."""

    id: str
    category: str
    media_type: str
    size: int
    tag: str
    read: Callable[[int, int], Iterator[bytes]]


Outcome = Stored | DomainError
Read = Callable[[DataCall, str], Stored]
Search = Callable[[DataCall, Query], Page]
Create = Callable[[DataCall, Resource, str], Stored]
CreateMany = Callable[[DataCall, Sequence[Resource]], Sequence[Outcome]]
Update = Callable[[DataCall, str, Resource, int | None], Stored]
Delete = Callable[[DataCall, str, int | None], Stored]
History = Callable[[DataCall, str], Sequence[Stored]]
ReadContent = Callable[[DataCall, str], Content]
Transaction = Callable[[DataCall, Sequence[Entry]], Sequence[Stored]]


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """A parameter that the type is searched by; `type` is a FHIR search parameter type (token, date…).

    One that is `private` says who somebody is: it comes by POST, never in an address, which logs keep.
    """

    name: str
    type: str
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceType:
    """A resource type and its interactions; what is None is answered 405.

    `create` takes the criteria of `If-None-Exist` (empty when absent). `create_many` gives one outcome for each
    resource, in order; it refuses alone what is invalid alone. `update`, `patch` (a FHIRPath Patch) and `delete` take
    the version of `If-Match`. `history` gives the newest version first. `content` takes the place of `read` where the
    resource is a document in its own form. With `attachments`, documents of 50 MB may come inside the resource. `user`
    holds the SMART v2 letters (create, read, update, delete, search) that professionals' software may ask for, and
    `label_fr` what its resources are, for the professional who lets it.
    """

    name: str
    profiles: tuple[str, ...] = ()
    parameters: tuple[SearchParameter, ...] = ()
    includes: tuple[str, ...] = ()
    read: Read | None = None
    search: Search | None = None
    create: Create | None = None
    create_many: CreateMany | None = None
    update: Update | None = None
    patch: Update | None = None
    delete: Delete | None = None
    history: History | None = None
    content: ReadContent | None = None
    transactional: bool = False
    attachments: bool = False
    user: str = ""
    label_fr: str = ""

    @property
    def private(self) -> frozenset[str]:
        """The parameters that never stand in an address."""
        return frozenset(parameter.name for parameter in self.parameters if parameter.private)


@dataclass(slots=True)
class FhirRegistry:
    """Resource types by name, and the transactions known by the set of types they are made of."""

    types: dict[str, ResourceType] = field(default_factory=dict)
    _transactions: list[tuple[frozenset[str], Transaction]] = field(default_factory=list)

    def register(self, resource_type: ResourceType) -> None:
        self.types[resource_type.name] = resource_type

    def register_transaction(self, types: frozenset[str], handler: Transaction) -> None:
        """Have `handler` perform the transactions whose entries are of these types only."""
        if (types, handler) not in self._transactions:
            self._transactions.append((types, handler))

    def find_transaction(self, types: frozenset[str]) -> Transaction | None:
        return next((handler for known, handler in self._transactions if types <= known), None)


registry = FhirRegistry()
