"""The requests of a partner, signed beforehand: each one has a proof of its own, as in real life."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle
from urllib.parse import urlencode

from benchmarks import load
from benchmarks.stage import Bench
from partner_sdk._json import dumps
from partner_sdk._keys import ClientKey, ProofKey
from partner_sdk._models import Measure
from partner_sdk._observations import to_batch, to_observation

SEARCH = "/fhir/Observation?code=http://loinc.org|29463-7&_sort=-date&_count=50"
_FHIR = "application/fhir+json"
_PATIENT = "@patient@"
Requests = Callable[[int], Iterator[bytes]]


def tokens(bench: Bench) -> Requests:
    """`client_credentials`, each with a fresh assertion and proof."""
    key, proofs = ClientKey(dict(bench.client_key)), ProofKey.generate()
    url = f"{bench.config.base_url}/oauth/token"

    def requests(count: int) -> Iterator[bytes]:
        for _ in range(count):
            assertion = key.assertion(client_id=bench.client_id, audience=bench.config.base_url, supported=None)
            form = {
                "grant_type": "client_credentials",
                "scope": "ens:app",
                "client_id": bench.client_id,
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": assertion,
            }
            headers = {"Content-Type": "application/x-www-form-urlencoded", "DPoP": proofs.proof("POST", url)}
            yield load.http("POST", "/oauth/token", headers, urlencode(form).encode())

    return requests


def searches(bench: Bench) -> Requests:
    """The last fifty weights."""
    return _guarded(bench, "GET", SEARCH, cycle([""]))


def creates(bench: Bench) -> Requests:
    """One heart rate each."""
    return _guarded(bench, "POST", "/fhir/Observation", map(dumps, _observations()))


def batches(bench: Bench) -> Requests:
    """A thousand heart rates each."""
    observations = _observations()
    batch = (to_batch([next(observations) for _ in range(1000)]) for _ in cycle([0]))
    return _guarded(bench, "POST", "/fhir", map(dumps, batch))


def headers_of(bench: Bench, method: str, path: str) -> dict[str, str]:
    """The headers of one guarded call on the first grant."""
    grant = bench.grants[0]
    return _headers(grant.access_token, ProofKey.from_jwk(grant.dpop_key or {}), method, bench.config.base_url + path)


def _guarded(bench: Bench, method: str, path: str, bodies: Iterator[str]) -> Requests:
    """Calls over every grant in turn."""
    url = bench.config.base_url + path.partition("?")[0]
    grants = [(grant, ProofKey.from_jwk(grant.dpop_key or {})) for grant in bench.grants]

    def requests(count: int) -> Iterator[bytes]:
        for (grant, key), _ in zip(cycle(grants), range(count), strict=False):
            body = next(bodies).replace(_PATIENT, grant.patient).encode()
            yield load.http(method, path, _headers(grant.access_token, key, method, url), body)

    return requests


def _headers(token: str, key: ProofKey, method: str, url: str) -> dict[str, str]:
    proof = key.proof(method, url, access_token=token)
    return {"Authorization": f"DPoP {token}", "DPoP": proof, "Accept": _FHIR, "Content-Type": _FHIR}


def _observations() -> Iterator[dict[str, object]]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    while True:
        at += timedelta(seconds=61)
        yield to_observation(Measure(kind="heart-rate", value=60 + at.minute, unit="/min", at=at), patient=_PATIENT)
