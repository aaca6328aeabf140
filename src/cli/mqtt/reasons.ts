/** Failures in words, with what to type about them. @module */
import type { ClientError } from '../../client/client-error.ts'

/** What to do about a Reason Code of a CONNACK or DISCONNECT. */
const ADVICE: Readonly<Record<number, string>> = {
  0x84: 'Try another version: -V mqttv311 or -V mqttv5.',
  0x85: 'Choose another client identifier: -i ID.',
  0x86: 'Check the user name and the password: -u USER -P PASSWORD.',
  0x87: 'The server requires a login, or does not allow this one: -u USER -P PASSWORD.',
  0x8a: 'The operator of the server has banned this client.',
  0x8c: 'The server does not know this Authentication Method.',
  0x8e: 'Another client uses the same client identifier: choose another one with -i ID.',
  0x95: 'The server accepts smaller packets only.',
  0x9a: 'The server keeps no retained messages: leave out -r.',
  0x9b: 'Choose a lower QoS: -q 0 or -q 1.',
}

/** The same for the return codes before 5.0. */
const ADVICE_BEFORE_5: Readonly<Record<number, string>> = {
  1: ADVICE[0x84]!,
  2: ADVICE[0x85]!,
  4: ADVICE[0x86]!,
  5: ADVICE[0x87]!,
}

/** A sentence or two about a failure. */
export function explain({ message, code, reasonCode, serverReference }: ClientError): string {
  const known = reasonCode === undefined ? undefined : (ADVICE[reasonCode] ?? ADVICE_BEFORE_5[reasonCode])
  const other = serverReference === undefined ? undefined : `The server suggests ${serverReference}.`
  const advice = code === 'ERR_CLIENT_NOT_SUPPORTED' ? undefined : known
  return [`${message.replace(/\.$/, '')}.`, advice, other].filter((part) => part !== undefined).join(' ')
}

/** Codes of Node's errors about certificates, and of OpenSSL. */
const TLS_ERROR = /^ERR_(?:TLS|SSL)|CERT|ISSUER|SIGNATURE|CRL/

/** The exit code for a failure, as Mosquitto's tools have it. */
export function exitCodeOf({ code, reasonCode, cause }: ClientError, hasConnected: boolean): number {
  switch (code) {
    case 'ERR_CLIENT_REFUSED':
      return reasonCode ?? 1
    case 'ERR_CLIENT_PROTOCOL':
      return 2
    case 'ERR_CLIENT_UNREACHABLE':
      return TLS_ERROR.test((cause as NodeJS.ErrnoException).code ?? '') ? 8 : 1
    default:
      return hasConnected ? 7 : 1
  }
}
