// openid-client, unchanged: a certified relying party, strict about everything that it receives.

import * as client from 'openid-client'
import { DETAILS, decide, main } from './sandbox.mjs'

const { allowInsecureRequests, enableNonRepudiationChecks } = client

async function connect(settings) {
  const authentication = settings.key ? client.PrivateKeyJwt(settings.key) : client.None()
  const metadata = { id_token_signed_response_alg: settings.profile === 'fapi2' ? 'ES256' : 'RS256' }
  // Loopback addresses have no certificate; signatures of id_tokens are checked nevertheless.
  const execute = [allowInsecureRequests, enableNonRepudiationChecks]
  const config = await client.discovery(new URL(settings.issuer), settings.client_id, metadata, authentication, {
    execute,
  })
  const DPoP =
    settings.profile === 'fapi2'
      ? client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
      : undefined
  return { config, options: { DPoP }, call: (token) => fetchWith(config, token, { DPoP }) }
}

function fetchWith(config, token, options) {
  const headers = new Headers({ 'Content-Type': 'application/json' })
  return (method, url, body) =>
    client.fetchProtectedResource(config, token, new URL(url), method, body, headers, options)
}

async function answer({ config, options, call }, settings, question, decision) {
  const own = await client.clientCredentialsGrant(config, { scope: 'ens:app' }, options)
  return await decide(call(own.access_token), settings.issuer, question, decision)
}

async function authorize(session, settings, parameters, decision) {
  const { config, options } = session
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
  }
  const url = await client.buildAuthorizationUrlWithPAR(
    config,
    {
      redirect_uri: settings.redirect_uri,
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: checks.expectedState,
      nonce: checks.expectedNonce,
      ...parameters,
    },
    options,
  )
  const question = { request_uri: url.searchParams.get('request_uri') }
  const { redirect_to } = await answer(session, settings, question, decision)
  return await client.authorizationCodeGrant(config, new URL(redirect_to), checks, undefined, options)
}

async function use(session, settings, tokens) {
  const { config, options, call } = session
  const { access_token, refresh_token } = tokens
  const weights = `${settings.issuer}/fhir/Observation?code=29463-7`
  const search = await call(access_token)('GET', weights)
  const userinfo = await client.fetchUserInfo(config, access_token, tokens.claims().sub, options)
  const refreshed = await client.refreshTokenGrant(config, refresh_token, undefined, options)
  const before = await client.tokenIntrospection(config, refreshed.access_token)
  await client.tokenRevocation(config, refresh_token)
  const after = await client.tokenIntrospection(config, refreshed.access_token)
  return { tokens, claims: tokens.claims(), search: search.status, userinfo, refreshed, before, after }
}

const RICH = { scope: 'openid fhirUser offline_access', authorization_details: JSON.stringify(DETAILS) }

await main({
  async fapi2(settings) {
    const session = await connect(settings)
    return await use(session, settings, await authorize(session, settings, RICH))
  },

  async smart(settings) {
    const session = await connect(settings)
    const scope = 'openid fhirUser offline_access launch/patient patient/Observation.rs'
    const parameters = { scope, aud: `${settings.issuer}/fhir` }
    return await use(session, settings, await authorize(session, settings, parameters))
  },

  async refusal(settings) {
    const session = await connect(settings)
    try {
      return await authorize(session, settings, RICH, 'refuse')
    } catch (error) {
      return { name: error.constructor.name, error: error.error }
    }
  },

  async device(settings) {
    const session = await connect(settings)
    const { config, options } = session
    const started = await client.initiateDeviceAuthorization(config, RICH)
    await answer(session, settings, { user_code: started.user_code })
    const tokens = await client.pollDeviceAuthorizationGrant(config, started, undefined, options)
    return { started, ...(await use(session, settings, tokens)) }
  },

  async logout(settings) {
    const session = await connect(settings)
    const tokens = await authorize(session, settings, { ...RICH, aud: `${settings.issuer}/fhir` })
    const url = client.buildEndSessionUrl(session.config, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: settings.redirect_uri,
      state: 'until-next-time',
    })
    return { url: url.href }
  },
})
