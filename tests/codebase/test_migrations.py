"""Migrations are one numbered line, match the models, and can be undone."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from platform_app import database_admin, factory
from platform_core.config import Config
from platform_core.database import Base
from platform_core.embedded import services
from tests.codebase.sources import PACKAGES, ROOT, tree

FILES = sorted((ROOT / "platform_app" / "migrations" / "versions").glob("*.py"))


@pytest.fixture(scope="module")
def empty(config: Config, addresses: dict[str, str], worker_name: str) -> Iterator[Config]:
    """Settings of a database that no migration has touched."""
    name = f"ens_migrations_{worker_name}"
    made = services.create_database(addresses, name)
    yield replace(config, owner_database_url=made["owner_database_url"])
    services.drop_database(addresses, name)


def differences(config: Config) -> list[object]:
    factory.import_packages()
    with database_admin.owner_engine(config).connect() as connection:
        # Partitions are made by SQL and stand in no model: their parent is compared in their place.
        partitions = set(connection.scalars(sa.text("SELECT relname FROM pg_class WHERE relispartition")))
        options = {
            "version_table": database_admin.VERSION_TABLE,
            "compare_type": True,
            "include_object": lambda item, name, kind, *_: table_name(item, name) not in partitions,
        }
        context = MigrationContext.configure(connection, opts=options)
        return list(compare_metadata(context, Base.metadata))


def table_name(item: object, name: str | None) -> str | None:
    return getattr(getattr(item, "table", None), "name", name)


def tables(config: Config) -> list[str]:
    with database_admin.owner_engine(config).connect() as connection:
        return sa.inspect(connection).get_table_names()


def test_migrations_are_numbered_in_one_line() -> None:
    numbers = [path.name[:4] for path in FILES]
    assert numbers == [f"{number:04}" for number in range(1, len(FILES) + 1)]
    assert database_admin.head() == numbers[-1]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_migration_imports_none_of_our_code(path: Path) -> None:
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {name.partition(".")[0] for name in imported} & set(PACKAGES) == set()


def test_migrations_match_the_models_go_back_to_nothing_and_forth_again(empty: Config) -> None:
    database_admin.upgrade(empty)
    assert differences(empty) == []
    database_admin.downgrade(empty, "base")
    assert tables(empty) == [database_admin.VERSION_TABLE]
    database_admin.upgrade(empty)
    assert differences(empty) == []
