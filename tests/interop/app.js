// The smallest SMART app without a server: `/launch?iss=…&client_id=…` starts, `/` is where the person comes back.

const SCOPE = 'launch/patient openid fhirUser offline_access patient/Observation.rs'

async function start(parameters) {
  await FHIR.oauth2.authorize({
    iss: parameters.get('iss'),
    clientId: parameters.get('client_id'),
    scope: SCOPE,
    redirectUri: '/',
    pkceMode: 'required',
  })
}

async function use() {
  FHIR.oauth2.settings.refreshTokenWithClientId = true
  const client = await FHIR.oauth2.ready()
  const bundle = await client.request('Observation?code=29463-7')
  const earlier = client.getState('tokenResponse.refresh_token')
  await client.refresh()
  const again = await client.request('Observation?code=29463-7')
  window.outcome = {
    patient: client.patient.id,
    user: client.user.fhirUser,
    types: [bundle.resourceType, again.resourceType],
    rotated: client.getState('tokenResponse.refresh_token') !== earlier,
    challenge: client.getState('codeChallengeMethods'),
    scope: client.getState('tokenResponse.scope'),
  }
}

const run = location.pathname === '/launch' ? start(new URLSearchParams(location.search)) : use()
run.then(
  () => (document.getElementById('state').textContent = 'Connecté'),
  (error) => (document.getElementById('state').textContent = `Échec : ${error.message}`),
)
