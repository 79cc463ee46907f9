"""What the search of a record reads."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import UserDefinedType

from dmp_core.rules.search.sources import SearchSource, TextState
from platform_core.database import Base, one_of


class HalfVector(UserDefinedType[Sequence[float]]):
    """The `halfvec` of pgvector: numbers of sixteen bits. Statements write it as text and compare it there."""

    cache_ok = True

    def __init__(self, size: int | str) -> None:
        self.size = int(size)

    def get_col_spec(self, **_: object) -> str:
        return f"halfvec({self.size})"


# What a table is found to hold when it is read back from the catalogue.
ischema_names["halfvec"] = HalfVector


class SearchText(Base):
    """What the search goes by for one document or entry: its words, and its text sealed under the patient's key."""

    __tablename__ = "dmp_search"

    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    source: Mapped[str]
    state: Mapped[str]
    effective_at: Mapped[datetime]
    body: Mapped[bytes]
    lexemes: Mapped[str] = mapped_column(TSVECTOR)

    __table_args__ = (
        one_of("source", "source", SearchSource),
        one_of("state", "state", TextState),
        sa.Index("ix_dmp_search_lexemes", "patient_id", "lexemes", postgresql_using="gin"),
        {"postgresql_partition_by": "HASH (patient_id)"},
    )


class SearchWord(Base):
    """A word of a record, which a misspelt one may stand for. Acts that learn it at once each keep it: none waits."""

    __tablename__ = "dmp_search_word"
    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    word: Mapped[str] = mapped_column(sa.Text(collation="C"), primary_key=True)
    learnt_from: Mapped[UUID] = mapped_column(primary_key=True)

    __table_args__ = ({"postgresql_partition_by": "HASH (patient_id)"},)


class SearchVector(Base):
    """The meaning of a document or an entry as a vector of length 1, and the model that made it. It tells of a text."""

    __tablename__ = "dmp_search_vector"
    patient_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    model: Mapped[str]
    embedding: Mapped[Sequence[float]] = mapped_column(HalfVector(384))

    __table_args__ = ({"postgresql_partition_by": "HASH (patient_id)"},)
