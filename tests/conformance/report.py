"""What `docs/conformance.md` says: the requirements of outside specifications, and the tests that prove them."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "conformance.md"
Proofs = Mapping[str, Mapping[str, bool]]
"""By requirement: its tests, and whether each one passed."""

PAGES = {
    "launch": "App launch",
    "scopes": "Scopes and launch context",
    "backend": "Backend services",
    "introspection": "Token introspection",
    "asymmetric": "Asymmetric client authentication",
    "symmetric": "Symmetric client authentication",
    "conformance": "Discovery and capabilities",
    "brands": "User-access brands",
}
SMART_REASONS = {
    "brands": "No brand is published: the platform is one service with one endpoint.",
    "backend": "No backend service reaches patients' data: `client_credentials` gives `ens:app`, for ten minutes.",
    "ehr": "Nothing launches an app from inside a record: a person starts from the app.",
    "user": "Scopes `user/` are not served to apps: professionals' software has an interface of its own.",
    "capability": "The capability is not among those that the SMART configuration claims.",
    "optional": "The specification leaves the choice; it is not offered.",
    "condition": "The case does not arise: no update creates, no patient is linked to another, no context is added,"
    " nobody is a Person.",
    "v1": "The scope granted is told in version 2, the form in which the patient chose and each call is checked.",
    "deployment": "The proxy in front ends TLS; in production the platform refuses to start without an https address.",
}
OPENID_REASONS = {
    "national": "Profiles of other countries.",
    "jar": "Request objects are not read: parameters are pushed by the client that authenticates.",
    "relying": "About relying parties, or keys of clients that encrypt.",
    "browser-logout": "Logout through frames of the browser, which browsers no longer carry out.",
    "secret": "No client has a secret.",
    "personal": "An app learns a pairwise identifier, and no name, address, telephone or e-mail.",
    "unsigned": "No id_token is unsigned.",
    "registration": "What patients see of an app comes from its referencing, not from its registration.",
    "unregistered": "Redirect addresses are always registered.",
    "userinfo": "Userinfo is answered as JSON.",
    "silence": "Each request is put before the person (decision 20): `prompt=none` is told `consent_required`.",
    "implicit": "About the implicit and hybrid flows, which are not served.",
}
_INTRODUCTION = """# Conformance

Each line names a requirement of an outside specification and the tests that prove it. Written by `make conformance`
from a run of those tests; a test of the repository fails when this page and the tests no longer agree.

The requirements of SMART App Launch 2.2 carry the numbers of the public list of its test kit, the modules of OpenID
their names in the conformance suite; the words are ours. A requirement left out says why.
"""


def read(name: str) -> list[dict[str, str]]:
    """The rows of a list of requirements."""
    with (HERE / f"{name}.tsv").open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@cache
def known() -> frozenset[str]:
    """Every id that a test may claim."""
    return frozenset(row["id"] for name in ("smart", "openid", "checklist", "screens") for row in read(name))


def row_of(requirement: str) -> str:
    """The row that a claim counts for: its own, or that of the section that it belongs to. Raises `ValueError`."""
    rows = known()
    section = requirement.partition(".")[0].partition("-")[0]
    found = next((one for one in (requirement, section) if one in rows), None)
    if found is None:
        raise ValueError(f"{requirement} is in none of the lists of tests/conformance.")
    return found


def without_verdict(proofs: Proofs) -> list[str]:
    """The binding requirements of SMART that no test claims and that are not left out for a reason."""
    return [
        row["id"]
        for row in read("smart")
        if row["level"].startswith("SHALL") and not row["left_out"] and row["id"] not in proofs
    ]


def write(proofs: Proofs) -> str:
    """The document."""
    return "\n".join([_INTRODUCTION, *_smart(proofs), *_openid(proofs), *_checklist(proofs), *_screens(proofs)]) + "\n"


def _smart(proofs: Proofs) -> Iterator[str]:
    rows = read("smart")
    yield "## SMART App Launch 2.2\n"
    yield "| | SHALL, SHALL NOT | others |\n|---|---|---|"
    counts = Counter((_verdict(row, proofs), row["level"].startswith("SHALL")) for row in rows)
    for verdict in sorted({verdict for verdict, _ in counts}, reverse=True):
        yield f"| {verdict} | {counts[verdict, True]} | {counts[verdict, False]} |"
    yield "\nLeft out:\n"
    yield from _reasons(SMART_REASONS, rows)
    for page, title in PAGES.items():
        yield f"\n### {title}\n"
        yield "| id | level | requirement | verdict | tests |\n|---|---|---|---|---|"
        for row in rows:
            if row["page"] == page:
                cells = [row["id"], row["level"], row["text"], _verdict(row, proofs), _tests(row["id"], proofs)]
                yield f"| {' | '.join(cells)} |"


def _openid(proofs: Proofs) -> Iterator[str]:
    rows = read("openid")
    yield "\n## Modules of the OpenID conformance suite\n"
    yield "Left out, with those of federation and of shared signals, which are not offered:\n"
    yield from _reasons(OPENID_REASONS, rows)
    yield "\n| module | verdict | tests |\n|---|---|---|"
    for row in rows:
        yield f"| {row['id']} | {_verdict(row, proofs)} | {_tests(row['id'], proofs)} |"


def _checklist(proofs: Proofs) -> Iterator[str]:
    yield "\n## OAuth 2.0, its extensions, and past faults of its libraries\n"
    yield "| id | what holds | verdict | tests |\n|---|---|---|---|"
    yield from _lines("checklist", proofs)


def _screens(proofs: Proofs) -> Iterator[str]:
    yield "\n## Screens of the consent (C) and of the permissions dashboard (D)\n"
    yield "What the rules on consent to sharing data ask of a screen (CDR, OBIE, SMART, CNIL, EDPB).\n"
    yield "| id | what holds | verdict | tests |\n|---|---|---|---|"
    yield from _lines("screens", proofs)


def _lines(name: str, proofs: Proofs) -> Iterator[str]:
    for row in read(name):
        yield f"| {row['id']} | {row['text']} | {_verdict(row, proofs)} | {_tests(row['id'], proofs)} |"


def _reasons(reasons: Mapping[str, str], rows: list[dict[str, str]]) -> Iterator[str]:
    used = {row["left_out"] for row in rows}
    return (f"- **{family}**: {reason}" for family, reason in reasons.items() if family in used)


def _verdict(row: Mapping[str, str], proofs: Proofs) -> str:
    if results := proofs.get(row["id"]):
        return "passes" if all(results.values()) else "**fails**"
    left_out = row.get("left_out")
    return f"left out: {left_out}" if left_out else "no test"


def _tests(requirement: str, proofs: Proofs) -> str:
    return "<br>".join(f"`{name.removeprefix('tests/')}`" for name in sorted(proofs.get(requirement, {})))
