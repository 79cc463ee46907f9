"""Acts of the authorization server: clients, requests, codes, tokens, grants."""

from oauth.service.access import check_proof, verify_access
from oauth.service.authentication import (
    authenticate_by_certificate,
    authenticate_client,
    certificate_methods,
    endpoint,
    read_binding,
)
from oauth.service.ceilings import get_ceiling
from oauth.service.clients import (
    add_redirect_uri,
    disable_client,
    end_key,
    generate_key,
    issue_client,
    issue_sandbox_client,
    public_half,
    publish_keys_at,
    remove_redirect_uri,
    replace_redirect_uris,
    require_certificate,
    rotate_key,
    set_introspection,
)
from oauth.service.codes import RedeemedCode, redeem_code
from oauth.service.devices import (
    WaitingDevice,
    find_device,
    find_own_device,
    forget_devices,
    hand_over_device,
    poll,
    start_device,
)
from oauth.service.grants import Grant, end_own_grant, find_own_grant, get_grant
from oauth.service.identity import ALGORITHMS, SIGNING_USE, user_claims
from oauth.service.introspection import MEDIA_TYPE as INTROSPECTION_JWT
from oauth.service.introspection import authorise_introspection, introspect, sign_introspection
from oauth.service.keysets import fetch_keyset, keep_keyset
from oauth.service.nonces import at_token_endpoint as uses_nonces
from oauth.service.nonces import issue_nonce
from oauth.service.registration import (
    close_registration,
    end_registration,
    forget_initial_tokens,
    open_registration,
    register_client,
    show_registration,
    update_registration,
)
from oauth.service.replays import forget_idle as forget_replays
from oauth.service.requests import (
    OpenedRequest,
    answer_request,
    direct_refusal,
    hand_over,
    open_pushed_request,
    push_request,
    refusal,
    store_direct_request,
)
from oauth.service.tokens import (
    find_refresh_token,
    forget_dead,
    issue_for_app,
    issue_for_code,
    refresh,
    revoke_token,
)

__all__ = [
    "ALGORITHMS",
    "INTROSPECTION_JWT",
    "SIGNING_USE",
    "Grant",
    "OpenedRequest",
    "RedeemedCode",
    "WaitingDevice",
    "add_redirect_uri",
    "answer_request",
    "authenticate_by_certificate",
    "authenticate_client",
    "authorise_introspection",
    "certificate_methods",
    "check_proof",
    "close_registration",
    "direct_refusal",
    "disable_client",
    "end_key",
    "end_own_grant",
    "end_registration",
    "endpoint",
    "fetch_keyset",
    "find_device",
    "find_own_device",
    "find_own_grant",
    "find_refresh_token",
    "forget_dead",
    "forget_devices",
    "forget_initial_tokens",
    "forget_replays",
    "generate_key",
    "get_ceiling",
    "get_grant",
    "hand_over",
    "hand_over_device",
    "introspect",
    "issue_client",
    "issue_for_app",
    "issue_for_code",
    "issue_nonce",
    "issue_sandbox_client",
    "keep_keyset",
    "open_pushed_request",
    "open_registration",
    "poll",
    "public_half",
    "publish_keys_at",
    "push_request",
    "read_binding",
    "redeem_code",
    "refresh",
    "refusal",
    "register_client",
    "remove_redirect_uri",
    "replace_redirect_uris",
    "require_certificate",
    "revoke_token",
    "rotate_key",
    "set_introspection",
    "show_registration",
    "sign_introspection",
    "start_device",
    "store_direct_request",
    "update_registration",
    "user_claims",
    "uses_nonces",
    "verify_access",
]
