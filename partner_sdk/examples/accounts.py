"""What the service keeps: one JSON file, readable by its owner alone. A real service would encrypt it."""

from __future__ import annotations

import json
import os
import secrets
import threading
from dataclasses import dataclass, field
from pathlib import Path

from partner_sdk import Grant, Login


@dataclass
class Account:
    """A user of the service: the login under way, the grant, and the maker's numbers of what was already sent."""

    login: Login | None = None
    grant: Grant | None = None
    sent: set[str] = field(default_factory=set)


class Accounts:
    """The accounts, saved at each change; safe between the threads of one process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        stored = json.loads(path.read_text()) if path.exists() else {}
        self.secret_key: str = stored.get("secret_key") or secrets.token_hex(32)
        self._accounts = {name: _load(each) for name, each in stored.get("accounts", {}).items()}
        self._save()

    def get(self, name: str) -> Account:
        """The account of a name, new if there was none."""
        with self._lock:
            return self._accounts.get(name) or Account()

    def keep_login(self, name: str, login: Login) -> None:
        with self._lock:
            self._named(name).login = login
            self._save()

    def keep_grant(self, name: str, grant: Grant | None) -> None:
        """Keep the grant, new or renewed, in the place of the old one; None forgets it. The login is over."""
        with self._lock:
            account = self._named(name)
            account.grant, account.login = grant, None
            self._save()

    def keep_sent(self, name: str, vendor_ids: set[str]) -> None:
        with self._lock:
            self._named(name).sent |= vendor_ids
            self._save()

    def _named(self, name: str) -> Account:
        return self._accounts.setdefault(name, Account())

    def _save(self) -> None:
        stored = {
            "secret_key": self.secret_key,
            "accounts": {name: _dump(account) for name, account in self._accounts.items()},
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w") as file:
            json.dump(stored, file)
        draft.replace(self._path)


def _dump(account: Account) -> dict[str, object]:
    return {
        "login": account.login.to_json() if account.login else None,
        "grant": account.grant.to_json() if account.grant else None,
        "sent": sorted(account.sent),
    }


def _load(stored: dict[str, object]) -> Account:
    login, grant, sent = stored["login"], stored["grant"], stored["sent"]
    return Account(
        login=Login.from_json(str(login)) if login else None,
        grant=Grant.from_json(str(grant)) if grant else None,
        sent={str(each) for each in sent} if isinstance(sent, list) else set(),
    )
