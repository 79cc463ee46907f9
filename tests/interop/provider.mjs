// oidc-provider, a certified server, held to FAPI 2.0: what our negative tests say of a server must be true of it too.
// Settings come on the first line of the standard input; the issuer goes out once it listens.

import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { Provider } from 'oidc-provider'

const settings = JSON.parse((await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next()).value)
const server = createServer().listen(settings.port ?? 0, '127.0.0.1')
await new Promise((listening) => server.once('listening', listening))
const issuer = `http://127.0.0.1:${server.address().port}`

// The library's own memory forgets all but the last thousand values: a measure would lose its tokens.
const values = new Map()

class Memory {
  constructor(model) {
    this.model = model
  }
  key(id) {
    return `${this.model}:${id}`
  }
  async upsert(id, payload) {
    values.set(this.key(id), payload)
    if (payload.uid) values.set(this.key(`uid ${payload.uid}`), payload)
  }
  async find(id) {
    return values.get(this.key(id))
  }
  async findByUid(uid) {
    return values.get(this.key(`uid ${uid}`))
  }
  async consume(id) {
    values.get(this.key(id)).consumed = Math.floor(Date.now() / 1000)
  }
  async destroy(id) {
    values.delete(this.key(id))
  }
  async revokeByGrantId(grantId) {
    for (const [key, payload] of values) if (payload.grantId === grantId) values.delete(key)
  }
}

const provider = new Provider(issuer, {
  adapter: Memory,
  clients: settings.clients.map(({ client_id, redirect_uri, jwk }) => ({
    client_id,
    redirect_uris: [redirect_uri],
    jwks: { keys: [jwk] },
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
    token_endpoint_auth_method: 'private_key_jwt',
    token_endpoint_auth_signing_alg: 'ES256',
    id_token_signed_response_alg: 'ES256',
    dpop_bound_access_tokens: true,
  })),
  jwks: { keys: [settings.key] },
  clientAuthMethods: ['private_key_jwt'],
  scopes: ['openid', 'offline_access', 'ens:app'],
  features: {
    fapi: { enabled: true, profile: '2.0' },
    dPoP: { enabled: true },
    pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
    introspection: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
    revocation: { enabled: true },
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
  },
  pkce: { required: () => true },
  rotateRefreshToken: false,
  issueRefreshToken: () => true,
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  cookies: { keys: [settings.key.kid] },
})

// Whoever comes grants what is asked.
async function grantAll(request, response) {
  const { prompt, params, session } = await provider.interactionDetails(request, response)
  if (prompt.name === 'login') {
    return await provider.interactionFinished(request, response, { login: { accountId: 'camille' } })
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id })
  grant.addOIDCScope(params.scope)
  return await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } })
}

const respond = provider.callback()
server.on('request', (request, response) =>
  request.url.startsWith('/interaction/') ? grantAll(request, response) : respond(request, response),
)
process.stdin.resume()
process.stdin.on('end', () => process.exit())
process.stdout.write(`${issuer}\n`)
