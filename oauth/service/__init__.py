"""Acts of the authorization server: clients, requests, codes, tokens, grants."""

from oauth.service.access import check_proof, verify_access
from oauth.service.authentication import authenticate_client, endpoint, read_binding
from oauth.service.ceilings import get_ceiling
from oauth.service.clients import (
    disable_client,
    generate_key,
    issue_client,
    issue_sandbox_client,
    public_half,
    replace_redirect_uris,
    rotate_key,
)
from oauth.service.codes import RedeemedCode, redeem_code
from oauth.service.grants import Grant, end_own_grant, find_own_grant, get_grant
from oauth.service.identity import ALGORITHMS, SIGNING_USE, user_claims
from oauth.service.replays import forget_expired as forget_replays
from oauth.service.requests import (
    OpenedRequest,
    answer_request,
    direct_refusal_url,
    hand_over,
    open_pushed_request,
    push_request,
    refusal_url,
    store_direct_request,
)
from oauth.service.tokens import (
    describe_token,
    find_refresh_token,
    forget_dead,
    issue_for_app,
    issue_for_code,
    refresh,
    revoke_token,
)

__all__ = [
    "ALGORITHMS",
    "SIGNING_USE",
    "Grant",
    "OpenedRequest",
    "RedeemedCode",
    "answer_request",
    "authenticate_client",
    "check_proof",
    "describe_token",
    "direct_refusal_url",
    "disable_client",
    "end_own_grant",
    "endpoint",
    "find_own_grant",
    "find_refresh_token",
    "forget_dead",
    "forget_replays",
    "generate_key",
    "get_ceiling",
    "get_grant",
    "hand_over",
    "issue_client",
    "issue_for_app",
    "issue_for_code",
    "issue_sandbox_client",
    "open_pushed_request",
    "public_half",
    "push_request",
    "read_binding",
    "redeem_code",
    "refresh",
    "refusal_url",
    "replace_redirect_uris",
    "revoke_token",
    "rotate_key",
    "store_direct_request",
    "user_claims",
    "verify_access",
]
