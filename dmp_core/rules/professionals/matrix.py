"""What each profession reaches of a record, type by type: data/access-matrix.json, whose schema stands beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from importlib import resources
from typing import Any

import jsonschema_rs

from dmp_core.categories import DOCUMENT_KINDS, DOCUMENT_TYPES


class Level(IntEnum):
    """What may be done with a type of document; who writes it also reads it."""

    NONE = 0
    READ = 1
    WRITE = 2


@dataclass(frozen=True, slots=True)
class Reach:
    """The row of a profession: the level of documents, then of some kinds, then of some types; the same of data, by
    family of categories."""

    label: str
    documents: Level
    data: Level
    kinds: Mapping[str, Level] = field(default_factory=dict)
    types: Mapping[str, Level] = field(default_factory=dict)
    families: Mapping[str, Level] = field(default_factory=dict)

    def level(self, type_code: str) -> Level:
        """What may be done with documents of a type; nothing with a type that nobody knows."""
        found = DOCUMENT_TYPES.get(type_code)
        if found is None:
            return Level.NONE
        return self.types.get(type_code, self.kinds.get(found.kind, self.documents))

    def types_at(self, least: Level) -> list[str]:
        """The types of document that may be read, or written."""
        return [code for code in DOCUMENT_TYPES if self.level(code) >= least]

    def reads(self, category: str) -> bool:
        """Whether the data of a category that is not one of documents may be read."""
        return self._level_of_data(category) >= Level.READ

    def covers(self, category: str, least: Level) -> bool:
        """Whether something of a category may be read, or written: of documents, those of one type at least."""
        found = _KINDS.get(category)
        if found is None:
            return self._level_of_data(category) >= least
        return any(self.level(type_.code.code) >= least for type_ in found.types)

    def _level_of_data(self, category: str) -> Level:
        return self.families.get(category.partition(".")[0], self.data)


_KINDS = {kind.category: kind for kind in DOCUMENT_KINDS.values()}
NOTHING = Reach("", Level.NONE, Level.NONE)


def check_matrix(matrix: Any) -> None:
    """Raise `ValueError` on a matrix that does not follow its schema, or names a kind or a type that nobody knows."""
    schema = json.loads(_data("access-matrix.schema.json"))
    faults = [fault.message for fault in jsonschema_rs.validator_for(schema).iter_errors(matrix)]
    if not faults:
        kinds = {one.kind for one in DOCUMENT_TYPES.values()}
        for row in matrix["professions"]:
            faults += [f"unknown kind {name}" for name in row.get("kinds", ()) if name not in kinds]
            faults += [f"unknown type {name}" for name in row.get("types", ()) if name not in DOCUMENT_TYPES]
    if faults:
        raise ValueError(f"The access matrix is wrong: {'; '.join(faults)}")


def reach_of(profession: str, speciality: str = "") -> Reach:
    """What a professional reaches: the row of the speciality, else of the profession; nothing when there is none."""
    return MATRIX.get((profession, speciality)) or MATRIX.get((profession, "")) or NOTHING


def may_consult(profession: str, type_code: str, speciality: str = "") -> bool:
    """Whether a profession reads documents of a type."""
    return reach_of(profession, speciality).level(type_code) >= Level.READ


def _data(name: str) -> str:
    return resources.files("dmp_core").joinpath(f"data/{name}").read_text()


def _levels(row: Mapping[str, Any], name: str) -> Mapping[str, Level]:
    return {key: Level[level.upper()] for key, level in row.get(name, {}).items()}


def _reach(row: Mapping[str, Any]) -> Reach:
    documents, data = Level[row["documents"].upper()], Level[row["data"].upper()]
    return Reach(row["label"], documents, data, _levels(row, "kinds"), _levels(row, "types"), _levels(row, "families"))


_matrix = json.loads(_data("access-matrix.json"))
check_matrix(_matrix)
MATRIX: Mapping[tuple[str, str], Reach] = {
    (row["profession"], row.get("speciality", "")): _reach(row) for row in _matrix["professions"]
}
