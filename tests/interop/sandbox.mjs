// What the scripts share: their settings, the patient who answers at once, and the verdict they print.

import { createInterface } from 'node:readline'

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

async function readLine() {
  return (await lines.next()).value
}

export const DETAILS = [
  {
    type: 'urn:ens:health-data',
    datatypes: ['measures.body-weight'],
    actions: ['read', 'write'],
    purpose: 'prevention',
    periodicity: { max: 2, per: 'day' },
  },
]

/** Settings given on the first line of the standard input, the private key ready to sign. */
export async function readSettings() {
  const settings = JSON.parse(await readLine())
  const { kid, kty, crv, x, y, d } = settings.private_key ?? {}
  const algorithm = { name: 'ECDSA', namedCurve: crv }
  const key = d && (await crypto.subtle.importKey('jwk', { kty, crv, x, y, d }, algorithm, false, ['sign']))
  return { ...settings, key: key && { key, kid } }
}

/** The first synthetic patient answers; `call` is a fetch that presents the app's own token. */
export async function decide(call, issuer, question, decision = 'grant') {
  const { patients } = await (await call('GET', `${issuer}/api/v1/sandbox/patients`)).json()
  const body = JSON.stringify({ ...question, patient: patients[0].id, decision })
  const answer = await call('POST', `${issuer}/api/v1/sandbox/decisions`, body)
  if (answer.status !== 200) throw new Error(await answer.text())
  return await answer.json()
}

/** Show an address to the patient's browser; the address that it is sent back to in the end. */
export async function visit(url) {
  process.stdout.write(`${url}\n`)
  return new URL(await readLine())
}

/** Run the flow that the command line names and print what came out of it. */
export async function main(flows) {
  const verdict = await flows[process.argv[2]](await readSettings())
  process.stdout.write(JSON.stringify(verdict))
  process.stdin.destroy()
}
