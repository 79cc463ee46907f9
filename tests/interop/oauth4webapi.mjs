// oauth4webapi, unchanged: each message of the protocol sent and checked one by one.

import * as oauth from 'oauth4webapi'
import { DETAILS, decide, main, visit } from './sandbox.mjs'

// Loopback addresses have no certificate.
const INSECURE = { [oauth.allowInsecureRequests]: true }

async function connect(settings) {
  const base = new URL(`${settings.issuer}/fhir`)
  const resource = await oauth.processResourceDiscoveryResponse(
    base,
    await oauth.resourceDiscoveryRequest(base, INSECURE),
  )
  const issuer = new URL(resource.authorization_servers[0])
  const as = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...INSECURE }),
  )
  const isBound = settings.profile === 'fapi2'
  const client = { client_id: settings.client_id, id_token_signed_response_alg: isBound ? 'ES256' : 'RS256' }
  const authentication = settings.key ? oauth.PrivateKeyJwt(settings.key) : oauth.None()
  const DPoP = isBound ? oauth.DPoP(client, await oauth.generateKeyPair('ES256')) : undefined
  return { as, client, authentication, options: { DPoP, ...INSECURE }, settings, resource }
}

// A server may ask for a nonce of its own in the proof (RFC 9449 §8): the library keeps it, the caller tries again.
async function proving(send, read) {
  try {
    return await read(await send())
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    return await read(await send())
  }
}

async function ownCall({ as, client, authentication, options }) {
  const own = await proving(
    () => oauth.clientCredentialsGrantRequest(as, client, authentication, { scope: 'ens:app' }, options),
    (response) => oauth.processClientCredentialsResponse(as, client, response),
  )
  return resourceCall(own.access_token, options)
}

function resourceCall(token, options) {
  const headers = new Headers({ 'Content-Type': 'application/json' })
  return (method, url, body) =>
    oauth.protectedResourceRequest(token, method, new URL(url), headers, body, options)
}

async function newRequest(settings, parameters) {
  const verifier = oauth.generateRandomCodeVerifier()
  const checks = { state: oauth.generateRandomState(), nonce: oauth.generateRandomNonce(), verifier }
  const request = {
    response_type: 'code',
    client_id: settings.client_id,
    redirect_uri: settings.redirect_uri,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state: checks.state,
    nonce: checks.nonce,
    ...parameters,
  }
  return { request, checks }
}

async function exchange({ as, client, authentication, options, settings }, callback, checks) {
  const answer = oauth.validateAuthResponse(as, client, callback, checks.state)
  return await proving(
    () =>
      oauth.authorizationCodeGrantRequest(
        as, client, authentication, answer, settings.redirect_uri, checks.verifier, options,
      ),
    async (response) => {
      const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
        expectedNonce: checks.nonce,
        requireIdToken: true,
      })
      await oauth.validateApplicationLevelSignature(as, response, INSECURE)
      return { tokens, claims: oauth.getValidatedIdTokenClaims(tokens) }
    },
  )
}

async function refresh({ as, client, authentication, options }, token) {
  return await proving(
    () => oauth.refreshTokenGrantRequest(as, client, authentication, token, options),
    (response) => oauth.processRefreshTokenResponse(as, client, response),
  )
}

async function introspect({ as, client, authentication, options }, token) {
  const response = await oauth.introspectionRequest(as, client, authentication, token, options)
  return await oauth.processIntrospectionResponse(as, client, response)
}

async function revoke({ as, client, authentication, options }, token) {
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(as, client, authentication, token, options),
  )
}

async function userinfo({ as, client, options }, token, subject) {
  return await proving(
    () => oauth.userInfoRequest(as, client, token, options),
    (response) => oauth.processUserInfoResponse(as, client, subject, response),
  )
}

async function refused(promise) {
  try {
    return await promise
  } catch (error) {
    return error.error
  }
}

await main({
  async fapi2(settings) {
    const session = await connect(settings)
    const { as, client, authentication, options } = session
    const { request, checks } = await newRequest(settings, {
      scope: 'openid fhirUser offline_access',
      authorization_details: JSON.stringify(DETAILS),
    })
    const pushed = await proving(
      () => oauth.pushedAuthorizationRequest(as, client, authentication, request, options),
      (response) => oauth.processPushedAuthorizationResponse(as, client, response),
    )
    const { redirect_to } = await decide(await ownCall(session), settings.issuer, {
      request_uri: pushed.request_uri,
    })
    const { tokens, claims } = await exchange(session, new URL(redirect_to), checks)
    const search = await resourceCall(tokens.access_token, options)(
      'GET', `${settings.issuer}/fhir/Observation?code=29463-7`,
    )
    const told = await userinfo(session, tokens.access_token, claims.sub)
    const refreshed = await refresh(session, tokens.refresh_token)
    const before = await introspect(session, refreshed.access_token)
    await revoke(session, tokens.refresh_token)
    const after = await introspect(session, refreshed.access_token)
    const lifetime = pushed.expires_in
    return { lifetime, tokens, claims, search: search.status, userinfo: told, refreshed, before, after }
  },

  async public(settings) {
    const session = await connect(settings)
    const { request, checks } = await newRequest(settings, {
      scope: 'openid fhirUser offline_access launch/patient patient/Observation.rs',
      aud: `${settings.issuer}/fhir`,
    })
    const url = new URL(session.as.authorization_endpoint)
    url.search = new URLSearchParams(request)
    const { tokens, claims } = await exchange(session, await visit(url.href), checks)
    const patient = await resourceCall(tokens.access_token, session.options)(
      'GET', `${settings.issuer}/fhir/Observation?patient=${tokens.patient}`,
    )
    const rotated = await refresh(session, tokens.refresh_token)
    const reused = await refused(refresh(session, tokens.refresh_token))
    const family = await refused(refresh(session, rotated.refresh_token))
    return { tokens, claims, search: patient.status, rotated, reused, family }
  },
})
