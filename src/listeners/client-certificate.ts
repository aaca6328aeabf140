/**
 * What a client certificate says about who its owner is, and whether that is good enough.
 *
 * @module
 */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { ListenerOptions } from '../broker/options.ts'
import { firstAlternativeName } from './alternative-names.ts'
import type { Revocations } from './revocations.ts'

/** Where the user name of a certificate's owner is read from. */
export type CertificateUserName = ListenerOptions['certificateUserName']

/** What a finished handshake means for a listener. */
export type Verdict =
  | { readonly refused: string; readonly userName?: undefined }
  | { readonly refused?: undefined; readonly userName: string | undefined }

type Rules = Pick<ListenerOptions, 'clientCertificates' | 'certificateUserName'>

/**
 * Judges the peer of a finished handshake. A certificate that is shown must be good also where none is needed: a device
 * with a revoked certificate is turned away, not let in as if it had none.
 */
export function judgePeer(
  socket: TLSSocket,
  { clientCertificates, certificateUserName }: Rules,
  revocations: Revocations | undefined,
  nowMs: number,
): Verdict {
  if (clientCertificates === 'off') return { userName: undefined }
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) {
    return clientCertificates === 'required' ? { refused: 'no client certificate' } : { userName: undefined }
  }
  const problem = socket.authorized ? revocations?.problemOf(certificate, nowMs) : String(socket.authorizationError)
  if (problem !== undefined) return { refused: `client certificate: ${problem}` }
  return { userName: userNameOf(certificate, certificateUserName) }
}

/**
 * Reads the user name out of a verified certificate.
 *
 * - `cn`: the Common Name; none if the subject has several, since which one counts would be a guess
 * - `subject`: the whole subject as RFC 2253 writes it, such as `CN=pump-7,O=Works`
 * - `san`: the first DNS name, URI or e-mail address among the Subject Alternative Names
 */
export function userNameOf(certificate: X509Certificate, from: CertificateUserName): string | undefined {
  if (from === 'off') return undefined
  const name = READERS[from](certificate)
  // Such a name could be cut short by whoever reads it next.
  return name === undefined || name === '' || name.includes('\0') ? undefined : name
}

const READERS: Readonly<
  Record<Exclude<CertificateUserName, 'off'>, (certificate: X509Certificate) => string | undefined>
> = {
  cn(certificate) {
    const names: unknown = certificate.toLegacyObject().subject?.CN
    return typeof names === 'string' ? names : undefined
  },
  subject: (certificate) => certificate.subject?.split('\n').toReversed().join(','),
  san: firstAlternativeName,
}
