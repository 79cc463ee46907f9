"""What partner continuous integration needs: synthetic patients, decisions without a browser, a clock that
moves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, Literal
from urllib.parse import quote

import requests

from . import _json
from ._answers import read_json
from ._models import Json, Login, SandboxPatient
from ._times import parse_instant, require_aware
from ._transport import Call


class Sandbox:
    """The sandbox of a sandbox client; all three calls use the app's own token."""

    def __init__(self, send: Callable[[Call], requests.Response], *, api_base: str) -> None:
        self._send = send
        self._base = f"{api_base}/sandbox"

    def patients(self) -> list[SandboxPatient]:
        """The synthetic patients."""
        answer = read_json(self._send(Call("GET", f"{self._base}/patients")))
        return [
            SandboxPatient(
                id=each["id"],
                name=each["name"],
                birth_date=date.fromisoformat(each["birth_date"]),
                summary=each["summary"],
            )
            for each in answer["patients"]
        ]

    def decide(
        self,
        login: Login,
        patient: SandboxPatient | str,
        decision: Literal["grant", "refuse"] = "grant",
        authorization_details: Iterable[Json] | None = None,
    ) -> str:
        """Decide in the place of a synthetic patient and return the callback URL, as the browser would have
        followed it.

        `authorization_details` narrows what is granted.
        """
        body: Json = {
            "request_uri": login.request_uri,
            "patient": _id_of(patient),
            "decision": decision,
        }
        if authorization_details is not None:
            body["authorization_details"] = list(authorization_details)
        return str(self._post("/decisions", body)["redirect_to"])

    def move_clock(
        self,
        patient: SandboxPatient | str,
        *,
        forward_seconds: int | None = None,
        set: datetime | None = None,
        reset: bool = False,
    ) -> datetime:
        """Move the consent clock of a synthetic patient for this client, and return what it shows then.

        Exactly one of `forward_seconds`, `set` (an aware date-time, never backwards) and `reset`. Tokens keep
        real time.
        """
        wanted: Json = {}
        if forward_seconds is not None:
            wanted["forward_seconds"] = forward_seconds
        if set is not None:
            wanted["set"] = require_aware(set).isoformat()
        if reset:
            wanted["reset"] = True
        if len(wanted) != 1:
            raise ValueError("Give exactly one of forward_seconds, set and reset=True.")
        answer = self._post(f"/patients/{quote(_id_of(patient), safe='')}/clock", wanted)
        return parse_instant(answer["now"])

    def _post(self, path: str, body: Json) -> dict[str, Any]:
        call = Call(
            "POST",
            self._base + path,
            headers={"Content-Type": "application/json"},
            body=_json.dumps(body).encode(),
            repeatable=False,
        )
        answer: dict[str, Any] = read_json(self._send(call))
        return answer


def _id_of(patient: SandboxPatient | str) -> str:
    return patient if isinstance(patient, str) else patient.id
