"""Bundles as text: pages of a search, answers to a transaction or a batch. Resources are spliced in, not re-read."""

from collections.abc import Sequence

from platform_core import renderers
from platform_core.errors import DomainError, Fault
from platform_core.fhir import wire
from platform_core.fhir.registry import Outcome, Page, Stored
from platform_core.fhir.search import Query


def searchset(page: Page, query: Query, base: str) -> str:
    """The searchset Bundle of a page, with its `self`, `previous` and `next` links (FHIR R4 §3.1.1.3)."""
    address = query.address(base)
    links = [("self", query.offset)]
    if query.offset:
        links.append(("previous", query.offset - 1))
    if page.has_more:
        links.append(("next", query.offset + 1))
    head = wire.write([{"relation": relation, "url": f"{address}{offset}"} for relation, offset in links])
    total = f'"total":{page.total},' if page.total is not None else ""
    entries = [_entry(base, match, "match") for match in page.matches]
    entries += [_entry(base, included, "include") for included in page.included]
    body = f',"entry":[{",".join(entries)}]' if entries else ""
    return f'{{"resourceType":"Bundle","type":"searchset",{total}"link":{head}{body}}}'


def _entry(base: str, found: tuple[str, str, str], mode: str) -> str:
    type_, identifier, text = found
    return f'{{"fullUrl":"{base}/{type_}/{identifier}","resource":{text},"search":{{"mode":"{mode}"}}}}'


def history(versions: Sequence[Stored], base: str) -> str:
    """The history Bundle of one resource, the newest version first (FHIR R4 §3.1.0.12)."""
    entries = [_version(stored, base) for stored in versions]
    total = len(versions)
    return f'{{"resourceType":"Bundle","type":"history","total":{total},"entry":[{",".join(entries)}]}}'


def _version(stored: Stored, base: str) -> str:
    method, status = ("POST", "201 Created") if stored.created else ("PUT", "200 OK")
    url = stored.type if stored.created else stored.reference
    answer = {"status": status, "etag": f'W/"{stored.version}"', "lastModified": stored.updated_at.isoformat()}
    return (
        f'{{"fullUrl":"{base}/{stored.reference}","resource":{stored.text()},'
        f'"request":{{"method":"{method}","url":"{url}"}},"response":{wire.write(answer)}}}'
    )


def response(kind: str, outcomes: Sequence[Outcome]) -> str:
    """The `transaction-response` or `batch-response`: one entry for each entry of the request, in its order."""
    entries = [_refused(outcome) if isinstance(outcome, DomainError) else _stored(outcome) for outcome in outcomes]
    return f'{{"resourceType":"Bundle","type":"{kind}-response","entry":[{",".join(entries)}]}}'


def _stored(stored: Stored) -> str:
    status = "201 Created" if stored.created else "200 OK"
    modified = stored.updated_at.isoformat()
    outcome = f',"outcome":{wire.write(_remarks(stored.warnings))}' if stored.warnings else ""
    return (
        f'{{"response":{{"status":"{status}","location":"{stored.reference}","etag":"W/\\"{stored.version}\\"",'
        f'"lastModified":"{modified}"{outcome}}}}}'
    )


def _refused(error: DomainError) -> str:
    rendered = renderers.operation_outcome(error)
    status = f"{rendered.status} {renderers.TITLES.get(rendered.status, 'Error')}"
    return wire.write({"response": {"status": status, "outcome": rendered.body}})


def _remarks(warnings: Sequence[Fault]) -> dict[str, object]:
    issues = [
        {"severity": "warning", "code": fault.code, "diagnostics": fault.message, "expression": [fault.where]}
        for fault in warnings
    ]
    return {"resourceType": "OperationOutcome", "issue": issues}
