"""`make bench`: requests a second, p50, p99, and ratios to a bare Flask route and to the bare SQL of the same run."""

import os
from collections.abc import Callable, Iterator

from benchmarks import authorization, consents, inside, load, memory, partner, searching, stage, store

SCALE = {"small": 1, "full": 5}[os.environ.get("SCALE", "small")]
_HEAD = f"\n{'':<52}{'req/s':>8}{'p50 ms':>9}{'p99 ms':>9}{'× bare':>9}{'× SQL':>9}"
_FOOT = """
Two web processes and their load share the same cores: only the ratios mean something. `× SQL` compares with the bare
statements over one connection, without HTTP, guard or validation."""


def main() -> None:
    """Run every measure and print the table."""
    with stage.started(grants=4) as bench, inside.application(bench):
        at_start = memory.sizes(bench.server_pid)
        bare = _measure(bench.bare_port, _bare, 6000 * SCALE)
        sql = inside.time_bare_sql(bench)
        print(_HEAD)
        _row("bare Flask JSON route", bare, bare.rate)
        token = _measure(bench.port, partner.tokens(bench), 500 * SCALE)
        _row("token (client_credentials, private_key_jwt, DPoP)", token, bare.rate)
        search = _measure(bench.port, partner.searches(bench), 2000 * SCALE)
        _row("guarded Observation search, 50 results", search, bare.rate, sql.search)
        create = _measure(bench.port, partner.creates(bench), 1200 * SCALE)
        _row("guarded create of one measure", create, bare.rate, sql.insert)
        batch = _measure(bench.port, partner.batches(bench), 30 * SCALE, connections=2)
        _row("batch of 1 000 measures, validated", batch, bare.rate, sql.insert_thousand)
        _row("bare Flask JSON route, again", _measure(bench.bare_port, _bare, 6000 * SCALE), bare.rate)
        decision = inside.time_decision(bench)
        print(
            f"\nIn one process, one after the other: a consent decision takes {decision.alone * 1000:.2f} ms, "
            f"{decision.alone / decision.search:.0%} of a guarded search ({decision.search * 1000:.2f} ms) and "
            f"{decision.alone / sql.search:.1f} × the bare SQL of that search."
        )
        print(_FOOT)
        _print_authorization(bench, bare.rate)
        memory.show(at_start, memory.sizes(bench.server_pid))
        _print_store(bench)
        consents.show(bench, os.environ.get("SCALE", "small"))
        searching.show(bench.config)


def _print_authorization(bench: stage.Bench, bare: float) -> None:
    """Each request to the authorization server, and how fast a certified one serves the same."""
    with authorization.peer() as other:
        beside = {name: (work, count) for name, work, count in authorization.measures(other)} if other else {}
        print(f"\n{'Authorization server':<52}{'req/s':>8}{'p50 ms':>9}{'× bare':>9}{'oidc-provider':>15}{'× it':>8}")
        server = authorization.ours(bench)
        for name, work, count in authorization.measures(server):
            found = _measure(server.port, work, count * SCALE)
            line = f"{name:<52}{found.rate:>8.0f}{found.percentile(0.5):>9.2f}{found.rate / bare:>9.3f}"
            if other and name in beside:
                theirs = _measure(other.port, beside[name][0], count * SCALE)
                line += f"{theirs.rate:>15.0f}{found.rate / theirs.rate:>8.2f}"
            print(line)
        print(
            "It keeps everything in the memory of one process and asks nobody; ours commits each answer to PostgreSQL."
            if other
            else "Without Node there is no oidc-provider to compare with (make interop)."
        )


def _print_store(bench: stage.Bench) -> None:
    """The pages of the store at each size, and how much dearer the largest is than the smallest."""
    costs = dict(store.measure(bench))
    heads = "".join(f"{f'{size} files':>14}" for size in costs)
    print(f"\n{'Pages of the store, in one process (ms)':<40}{heads}{'× smallest':>12}{'statements':>12}")
    for name in store.PAGES:
        seconds = [found[name].seconds for found in costs.values()]
        cells = "".join(f"{one * 1000:>14.1f}" for one in seconds)
        most = max(found[name].statements for found in costs.values())
        print(f"{name:<40}{cells}{seconds[-1] / seconds[0]:>12.2f}{most:>12}")


def _bare(count: int) -> Iterator[bytes]:
    return (load.http("GET", "/", {}) for _ in range(count))


def _measure(
    port: int, requests: Callable[[int], Iterator[bytes]], count: int, *, connections: int = load.CONNECTIONS
) -> load.Outcome:
    """Run a tenth first, then measure. Requests are made before the clock starts."""
    for share in (max(count // 10, 1), count):
        outcome = load.run(port, iter(list(requests(share))), connections=connections)
    wrong = {status: number for status, number in outcome.statuses.items() if status not in {200, 201}}
    if wrong:
        raise SystemExit(f"Refused while measuring: {wrong}")
    return outcome


def _row(name: str, outcome: load.Outcome, bare: float, sql_seconds: float | None = None) -> None:
    against_sql = f"{outcome.rate * sql_seconds:>9.3f}" if sql_seconds else ""
    print(
        f"{name:<52}{outcome.rate:>8.0f}{outcome.percentile(0.5):>9.2f}{outcome.percentile(0.99):>9.2f}"
        f"{outcome.rate / bare:>9.3f}{against_sql}"
    )


main()
