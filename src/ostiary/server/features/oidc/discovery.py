"""Where the OpenID Connect endpoints are, what they can do, and the keys to check their tokens with."""

from ostiary.contract.tokens import JwkSet, OidcDiscoveryMetadata
from ostiary.server.core.call import Call
from ostiary.server.core.scopes import CLAIMS
from ostiary.server.guards.service import Service

_METHODS = ["client_secret_post", "client_secret_basic", "none"]


async def openid_configuration(service: Service, _call: Call, _form: None) -> OidcDiscoveryMetadata:
    """OpenID Connect Discovery 1.0 §4. There is no authorization endpoint yet, so no response type either."""
    issuer = service.signer.issuer
    return OidcDiscoveryMetadata(
        issuer=issuer,
        token_endpoint=f"{issuer}/token",
        userinfo_endpoint=f"{issuer}/me",
        jwks_uri=f"{issuer}/.well-known/jwks.json",
        introspection_endpoint=f"{issuer}/token/introspection",
        revocation_endpoint=f"{issuer}/token/revocation",
        scopes_supported=list(CLAIMS),
        claims_supported=[*(claim for claims in CLAIMS.values() for claim in claims), "amr"],
        claim_types_supported=["normal"],
        response_types_supported=[],
        grant_types_supported=["refresh_token", "client_credentials"],
        subject_types_supported=["public"],
        id_token_signing_alg_values_supported=["RS256", "ES256", "HS256"],
        token_endpoint_auth_methods_supported=_METHODS,
        introspection_endpoint_auth_methods_supported=[method for method in _METHODS if method != "none"],
        revocation_endpoint_auth_methods_supported=_METHODS,
    )


async def jwks(service: Service, _call: Call, _form: None) -> JwkSet:
    """RFC 7517 §5: the public keys of every pool; a token's `kid` says which one is its own."""
    return JwkSet(keys=await service.signer.jwks())
