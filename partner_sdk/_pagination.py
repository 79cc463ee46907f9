"""Lists that fetch their pages when they are reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urljoin, urlsplit

from ._models import Json
from .errors import PartnerError

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list; `total` is None unless the server counted."""

    items: tuple[T, ...]
    total: int | None


class Pages(Generic[T]):
    """A lazy list: iterate over its items, or over `pages()`. Each iteration starts again from the first page."""

    def __init__(self, fetch: Callable[[str], Json], *, first: str, read: Callable[[Json], T | None]) -> None:
        self._fetch = fetch
        self._first = first
        self._read = read

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def pages(self) -> Iterator[Page[T]]:
        """The pages of the searchset, following `next` links on the same server only.

        Raises PartnerError when a link leads elsewhere: a token must not follow it.
        """
        address: str | None = self._first
        while address is not None:
            bundle = self._fetch(address)
            yield Page(items=tuple(self._matches(bundle)), total=bundle.get("total"))
            address = self._next(address, bundle)

    def _matches(self, bundle: Json) -> Iterator[T]:
        for entry in bundle.get("entry", ()):
            if entry.get("search", {}).get("mode", "match") == "match":
                item = self._read(entry["resource"])
                if item is not None:
                    yield item

    def _next(self, address: str, bundle: Json) -> str | None:
        for link in bundle.get("link", ()):
            if link.get("relation") == "next":
                following = urljoin(address, link["url"])
                if urlsplit(following)[:2] != urlsplit(self._first)[:2]:
                    raise PartnerError("The link to the next page leads to another server; it was not followed.")
                return following
        return None
