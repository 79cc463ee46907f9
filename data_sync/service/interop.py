"""Watching apps in the sandbox: what the journal shows of each ticks the interoperability tests of the store."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from oauth.rules.clients import Client
from platform_core import clock
from platform_core.journal import queries as journal
from platform_core.journal.queries import Conduct
from store.rules.interop import Behaviour
from store.service import interop

LOOKED_BACK = timedelta(hours=1)
SILENCE = timedelta(minutes=15)


def read_conduct(clients: Sequence[Client]) -> Sequence[Conduct]:
    """What these sandbox clients did in the last hour. Runs under the batch role."""
    now = clock.now()
    return journal.list_conduct(
        [client.app_id for client in clients], sealed_since=now - LOOKED_BACK, quiet_since=now - SILENCE
    )


def note_conduct(client: Client, conduct: Conduct) -> None:
    """Tell the store what the application of this client has shown. Telling it again changes nothing."""
    if client.application_id is None:
        return
    for behaviour in _shown(client, conduct):
        interop.observe(application_id=client.application_id, behaviour=behaviour)


def _shown(client: Client, conduct: Conduct) -> Iterator[Behaviour]:
    """A served call with a bound token carried a proof that held: the guard refuses the others."""
    if conduct.served and client.binds_tokens:
        yield Behaviour.PROOF_OF_POSSESSION
    if conduct.wrote:
        yield Behaviour.VALID_WRITE
    if conduct.waited:
        yield Behaviour.HONOURS_RETRY_AFTER
    if conduct.stopped:
        yield Behaviour.STOPS_AFTER_REVOCATION
