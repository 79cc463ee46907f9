"""One HTTP call and its retries. Knows nothing of OAuth: what proves who calls is a Credentials object."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import requests

from ._answers import error_from, parse_challenge
from ._times import now
from .errors import ApiError, ConnectionFailed, FrequencyExceeded, PartnerError

_jitter = random.SystemRandom()


class Credentials(Protocol):
    """What authenticates a call; asked again for each attempt, since proofs are used once."""

    def headers(self, method: str, url: str) -> dict[str, str]:
        """The headers to add to this attempt."""

    def learn(self, response: requests.Response) -> None:
        """Keep what the answer teaches, such as a nonce."""


class Anonymous:
    """Credentials of public endpoints."""

    def headers(self, method: str, url: str) -> dict[str, str]:
        return {}

    def learn(self, response: requests.Response) -> None:
        return None


@dataclass(frozen=True)
class Call:
    """A request to make. `form` is called for each attempt (a client assertion is used once); `repeatable` says
    that doing it twice does no harm, so that it may be sent again when nobody knows whether the first was
    received."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] | None = None
    body: bytes | None = None
    form: Callable[[], dict[str, str]] | None = None
    repeatable: bool = True


class Transport:
    """Sends calls through one requests session, with time-outs, and retries those that can heal.

    `timeout` and `max_wait` are in seconds; a Retry-After further than `max_wait` is not waited for but raised.
    """

    def __init__(
        self,
        *,
        session: requests.Session | None = None,
        timeout: float = 10,
        max_retries: int = 2,
        max_wait: float = 30,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._session = session or requests.Session()
        self._timeout = timeout
        self._max_retries = max_retries
        self._max_wait = max_wait
        self._sleep = sleep

    def close(self) -> None:
        self._session.close()

    def send(self, call: Call, credentials: Credentials) -> requests.Response:
        """The 2xx answer to a call. Raises ConnectionFailed or the ApiError that the answer means."""
        attempt = 0
        while True:
            try:
                return self._attempt(call, credentials)
            except (ConnectionFailed, ApiError) as error:
                wait = self._delay(error, call, attempt)
                if wait is None:
                    raise
            self._sleep(wait)
            attempt += 1

    def _attempt(self, call: Call, credentials: Credentials) -> requests.Response:
        response = self._exchange(call, credentials)
        if _demands_nonce(response):
            response = self._exchange(call, credentials)
        if not 200 <= response.status_code < 300:
            raise error_from(response)
        return response

    def _exchange(self, call: Call, credentials: Credentials) -> requests.Response:
        try:
            response = self._session.request(
                call.method,
                call.url,
                params=call.params,
                headers={
                    "Accept": "application/json",
                    **call.headers,
                    **credentials.headers(call.method, call.url),
                },
                data=call.form() if call.form else call.body,
                timeout=self._timeout,
                allow_redirects=False,
                auth=_as_it_is,
            )
        except requests.RequestException as failure:
            # The text of the failure is left out: it may hold the query.
            kind = type(failure).__name__
            raise ConnectionFailed(f"{call.method} {call.url} got no answer ({kind}).") from None
        credentials.learn(response)
        return response

    def _delay(self, error: PartnerError, call: Call, attempt: int) -> float | None:
        """Seconds before the next attempt (full jitter, no sooner than Retry-After), or None when it is no use."""
        if attempt >= self._max_retries or not _can_heal(error, repeatable=call.repeatable):
            return None
        wait = _jitter.uniform(0, min(8.0, 0.5 * 2**attempt))
        if isinstance(error, ApiError) and error.retry_at:
            wait += max(0.0, (error.retry_at - now()).total_seconds())
        return wait if wait <= self._max_wait else None


def _can_heal(error: PartnerError, *, repeatable: bool) -> bool:
    if not isinstance(error, ApiError):
        return repeatable
    if error.status in (502, 504):
        return repeatable
    return error.status in (429, 503) and not isinstance(error, FrequencyExceeded)


def _demands_nonce(response: requests.Response) -> bool:
    """RFC 9449 §8 and §9: the same call is to be made again with the nonce just given."""
    if response.status_code not in (400, 401) or "DPoP-Nonce" not in response.headers:
        return False
    return parse_challenge(response).get("error") == "use_dpop_nonce" or b'"use_dpop_nonce"' in response.content


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stands as `auth` so that requests does not put a .netrc entry in the place of our Authorization header."""
    return request
