/**
 * Derives the user name from a client certificate, and decides whether the certificate is valid.
 *
 * @module
 */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { CertificateJudges } from '../broker/sessions/listener-state.ts'
import type { ListenerOptions } from '../config/options.ts'
import type { PeerCertificate, PeerTls, TlsView } from '../protocol/transport.ts'
import { firstAlternativeName } from './alternative-names.ts'
import { isInForce, leadsTo } from './certificate-chain.ts'
import type { Certificates, Trust } from './certificates.ts'
import type { Revocations } from './revocations.ts'

/** The part of a certificate that gives the user name. */
export type CertificateUserName = ListenerOptions['certificateUserName']

/** The result of a finished handshake. */
export type Verdict =
  | { readonly refused: string; readonly userName?: undefined }
  | { readonly refused?: undefined; readonly userName: string | undefined }

type Rules = Pick<ListenerOptions, 'clientCertificates' | 'certificateUserName'>

/**
 * Judges the client's certificate after a handshake. A certificate that is presented must be valid even if none is
 * required: a device with a revoked certificate is refused, not accepted as if it had none.
 */
export function judgePeer(
  socket: TLSSocket,
  rules: Rules,
  revocations: Revocations | undefined,
  nowMs: number,
): Verdict {
  return judge(socket, rules, (certificate) =>
    socket.authorized ? revocations?.problemOf(certificate, nowMs) : String(socket.authorizationError),
  )
}

/** The lists are out of date for every client, which says nothing about this one. */
const NOBODYS_FAULT = 'CRL_HAS_EXPIRED'

/** Judges an open connection again, by options and files that may have changed since its handshake. */
export function judgeAgain(
  socket: TLSSocket,
  rules: Rules,
  certificates: Pick<Certificates, 'authorities' | 'revocations' | 'trust'>,
  asOf: Trust,
  nowMs: number,
): Verdict {
  return judge(socket, rules, (certificate) => problemNow(certificate, certificates, asOf, nowMs))
}

function judge(
  socket: TLSSocket,
  { clientCertificates, certificateUserName }: Rules,
  problemOf: (certificate: X509Certificate) => string | undefined,
): Verdict {
  if (clientCertificates === 'off') return { userName: undefined }
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) {
    return clientCertificates === 'required' ? { refused: 'no client certificate' } : { userName: undefined }
  }
  const problem = problemOf(certificate)
  if (problem !== undefined) return { refused: `client certificate: ${problem}` }
  return { userName: userNameOf(certificate, certificateUserName) }
}

function problemNow(
  certificate: X509Certificate,
  { authorities, revocations, trust }: Pick<Certificates, 'authorities' | 'revocations' | 'trust'>,
  asOf: Trust,
  nowMs: number,
): string | undefined {
  if (!isInForce(certificate, nowMs)) return 'CERT_HAS_EXPIRED'
  if (trust.authorities !== asOf.authorities && !leadsTo(certificate, authorities, nowMs))
    return 'its CA is not trusted'
  if (trust.openSslLists !== asOf.openSslLists && trust.openSslLists !== '')
    return 'the new lists can only be checked in a handshake'
  const problem = revocations?.problemOf(certificate, nowMs)
  return problem === NOBODYS_FAULT ? undefined : problem
}

/**
 * The handshake and the certificate of a Connection, read from the socket on demand, so that nothing is stored twice.
 */
export class PresentedCertificate implements PeerCertificate, PeerTls {
  readonly #socket: TLSSocket
  readonly #asOf: Trust
  readonly #judges: CertificateJudges

  constructor(socket: TLSSocket, asOf: Trust, judges: CertificateJudges) {
    this.#socket = socket
    this.#asOf = asOf
    this.#judges = judges
  }

  get problem(): string | undefined {
    return this.#judges.judge?.(this.#socket, this.#asOf).refused
  }

  get userName(): string | undefined {
    return this.#judges.judge?.(this.#socket, this.#asOf).userName
  }

  view(): TlsView {
    const socket = this.#socket
    const { servername } = socket as { servername?: string | false | null }
    return {
      version: socket.getProtocol() ?? '',
      cipher: socket.getCipher()?.standardName ?? '',
      serverName: typeof servername === 'string' && servername !== '' ? servername : undefined,
      certificate: factsOf(socket.getPeerX509Certificate()),
    }
  }
}

function factsOf(certificate: X509Certificate | undefined): TlsView['certificate'] {
  if (certificate === undefined) return undefined
  const { subject, issuer, serialNumber, fingerprint256, validFrom, validTo } = certificate
  const validity = { validFromMs: Date.parse(validFrom), validToMs: Date.parse(validTo) }
  return { subject, issuer, serialNumber, fingerprint: fingerprint256, ...validity }
}

/**
 * Reads the user name from a verified certificate.
 *
 * - `cn`: the Common Name; none if the subject has several, because the choice would be a guess
 * - `subject`: the whole subject as RFC 2253 writes it, such as `CN=pump-7,O=Works`
 * - `san`: the first DNS name, URI or e-mail address among the Subject Alternative Names
 */
export function userNameOf(certificate: X509Certificate, from: CertificateUserName): string | undefined {
  if (from === 'off') return undefined
  const name = READERS[from](certificate)
  // Code that reads such a name later could cut it short.
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
