/** The client's part of SCRAM-SHA-256 (RFC 5802, RFC 7677). @module */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'

const hmac = (key: Uint8Array, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** The last message of the client, and the required answer of the server; written from the RFC. */
export function clientFinal(password: string, clientFirstBare: string, serverFirst: string, channel = 'biws') {
  const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst)!
  const salted = pbkdf2Sync(password, Buffer.from(salt!, 'base64'), Number(iterations), 32, 'sha256')
  const clientKey = hmac(salted, 'Client Key')
  const withoutProof = `c=${channel},r=${nonce}`
  const authMessage = `${clientFirstBare},${serverFirst},${withoutProof}`
  const signature = hmac(createHash('sha256').update(clientKey).digest(), authMessage)
  const proof = clientKey.map((byte, index) => byte ^ signature[index]!)
  return {
    message: `${withoutProof},p=${Buffer.from(proof).toString('base64')}`,
    verifier: `v=${hmac(hmac(salted, 'Server Key'), authMessage).toString('base64')}`,
  }
}
