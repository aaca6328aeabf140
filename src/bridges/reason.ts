/**
 * Why a bridge is not connected, in a sentence: what Node reports about sockets and TLS is a code and a call. @module
 */
import type { Address } from '../client/address.ts'
import type { ClientError } from '../client/client-error.ts'
import { PacketTooLargeError } from '../codec/protocol-error.ts'

type Sentence = (address: Address) => string

const UNTRUSTED: Sentence = () => 'The certificate of the other broker is not trusted; `cafile` names the CA to trust'

const SENTENCES: Readonly<Record<string, Sentence>> = {
  ENOTFOUND: ({ host }) => `The name ${host} is unknown`,
  EAI_AGAIN: ({ host }) => `The name ${host} cannot be looked up now`,
  ECONNREFUSED: ({ host, port }) => `Port ${port} of ${host} refuses connections`,
  EHOSTUNREACH: ({ host }) => `There is no route to ${host}`,
  ENETUNREACH: ({ host }) => `There is no route to ${host}`,
  ETIMEDOUT: ({ host, port }) => `Port ${port} of ${host} does not answer`,
  ECONNRESET: ({ host, port }) => `${host} closed the connection at once; its port ${port} may not speak TLS`,
  CERT_HAS_EXPIRED: () => 'The certificate of the other broker has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
}

/** @returns the sentence, with what was reported behind it */
export function reasonOf(error: ClientError, address: Address): string {
  if (error.cause instanceof PacketTooLargeError) {
    const { size, limit } = error.cause
    return `The other broker sent a packet of ${size} bytes; \`max-packet-size\` of the bridge is ${limit}`
  }
  const { code } = (error.cause ?? {}) as NodeJS.ErrnoException
  const sentence = error.code === 'ERR_CLIENT_UNREACHABLE' && code !== undefined ? SENTENCES[code] : undefined
  return sentence === undefined ? error.message : `${sentence(address)} (${error.message})`
}
