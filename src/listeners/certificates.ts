/**
 * Loads the certificates of a listener: reads the files, checks them so that an error is reported here and not by a
 * failing handshake, and creates the options for `node:tls`.
 *
 * @module
 */
import { createHash, X509Certificate } from 'node:crypto'
import type { SecureContext, SecureContextOptions } from 'node:tls'
import type { ListenerCertificate } from '../broker/host/open-listeners.ts'
import type { ListenerOptions, ServerCertificate } from '../config/options.ts'
import { isInForce, leadsTo } from './certificate-chain.ts'
import { datedCertificate, dateProblem, subjectOf, type Dated } from './certificate-dates.ts'
import { CertificateReader, type KeyPair } from './certificate-reader.ts'
import { revocationListsIn } from './revocation-list.ts'
import type { Revocations } from './revocations.ts'

/** Certificates that are ready for use. */
export interface Certificates {
  /** Equal for equal contents of all files. */
  readonly fingerprint: string
  /** For clients that name no server, or one for which there is no other certificate. */
  readonly context: SecureContextOptions
  /** The certificate for the server name that a client sends (SNI); `undefined` means the first one. */
  contextFor(serverName: string): SecureContext | undefined
  readonly authorities: readonly X509Certificate[]
  readonly trust: Trust
  /** Whether a client certificate is in force, and leads to one of the CAs. */
  accepts(certificate: X509Certificate, nowMs: number): boolean
  /** One entry for each certificate of the listener. */
  readonly summary: readonly ListenerCertificate[]
  /** The lists in which client certificates are looked up; `undefined` without a `crlfile`, or if OpenSSL checks it. */
  readonly revocations: Revocations | undefined
  /** Problems that do not prevent the start but make the broker refuse clients now or soon, one sentence each. */
  warnings(nowMs: number): string[]
}

/** The files by which OpenSSL has judged a certificate: equal for equal files. */
export interface Trust {
  readonly authorities: string
  /** The lists that only OpenSSL reads; empty if there are none. */
  readonly openSslLists: string
}

/** Warnings of each kind: a folder may contain every public CA. The rest is counted. */
const MAX_WARNINGS = 5

/** What has to be known of whatever uses TLS. */
export type CertificateOptions = Pick<
  ListenerOptions,
  | 'name'
  | 'certfile'
  | 'keyfile'
  | 'keyfilePasswordFile'
  | 'cafile'
  | 'capath'
  | 'cadata'
  | 'crlfile'
  | 'certificates'
  | 'minTlsVersion'
  | 'certificateWarningDays'
>

/** Files and folders whose change may mean new certificates. */
export function certificatePaths(options: ListenerOptions): string[] {
  const { cafile, capath, crlfile } = options
  const pairs = keyPairs(options).flatMap((pair) => [pair.certfile, pair.keyfile, pair.keyfilePasswordFile])
  return [...pairs, cafile, capath, crlfile].filter((path) => path !== undefined)
}

/**
 * Reads and checks all files of a TLS listener.
 *
 * @throws {ConfigError} `ERR_LISTENER_FILE` or `ERR_LISTENER_CERTIFICATE`; it names the listener, the option and the
 * file
 */
export async function loadCertificates(options: CertificateOptions): Promise<Certificates> {
  const reader = new CertificateReader(options.name)
  const pairs = await Promise.all(keyPairs(options).map((pair) => reader.pair(pair)))
  const { cadata, capath, cafile, crlfile } = options
  const ca = [
    ...(cafile === undefined ? [] : reader.authorities('cafile', cafile, await reader.text('cafile', cafile))),
    ...(capath === undefined ? [] : await reader.folder(capath)),
    ...(cadata === undefined ? [] : reader.authorities('cadata', 'its text', cadata)),
  ]
  const authorities = distinct(ca.map((pem) => new X509Certificate(pem)))
  const found = crlfile === undefined ? undefined : await reader.revocations(crlfile, authorities)
  const revocations = typeof found === 'object' ? found : undefined
  const shared: SecureContextOptions = {
    minVersion: `TLSv${options.minTlsVersion}`,
    ...(ca.length > 0 && { ca }),
    // One by one, because Node reads only the first of a text.
    ...(typeof found === 'string' && { crl: revocationListsIn(await reader.text('crlfile', crlfile!)) }),
  }
  const contexts = pairs.map(({ cert, key }) => ({ ...shared, cert, key }))
  const secure = contexts.map((context, index) => reader.secureContext(context, pairs[index]!.certfile, crlfile))
  const hash = createHash('sha256')
    .update(JSON.stringify(contexts))
    .update(revocations?.text ?? '')
  return {
    fingerprint: hash.digest('hex'),
    context: contexts[0]!,
    contextFor: (serverName) => secure[pairs.findIndex((pair) => isFor(pair, serverName))],
    summary: pairs.map(({ certfile, chain: [certificate] }) => ({
      certfile,
      subject: subjectOf(certificate!),
      validFromMs: Date.parse(certificate!.validFrom),
      validToMs: Date.parse(certificate!.validTo),
    })),
    revocations,
    authorities,
    trust: {
      authorities: authorities
        .map(({ fingerprint256 }) => fingerprint256)
        .toSorted()
        .join(),
      openSslLists: typeof found === 'string' ? createHash('sha256').update(String(shared.crl)).digest('hex') : '',
    },
    accepts: (certificate, nowMs) => isInForce(certificate, nowMs) && leadsTo(certificate, authorities, nowMs),
    warnings(nowMs) {
      const late = (list: readonly Dated[]): string[] =>
        list.flatMap((dated) => dateProblem(dated, nowMs, options.certificateWarningDays) ?? [])
      const trust = found === undefined ? [] : typeof found === 'string' ? [openSslWarning(found)] : found.gaps()
      return [
        ...late(pairs.flatMap(datesOfPair)),
        ...abridged(late(authorities.map(datesOfAuthority))),
        ...late(revocations?.dates() ?? []),
        ...abridged(trust),
      ].map((sentence) => `Listener \`${options.name}\`: ${sentence}`)
    },
  }
}

function datesOfPair({ certfile, chain }: KeyPair): Dated[] {
  return chain.map((certificate, index) => {
    const kind = index === 0 ? 'certificate' : 'CA certificate'
    const name = `the ${kind} ${subjectOf(certificate)} in ${certfile}`
    return datedCertificate(certificate, name, 'clients that verify it cannot connect')
  })
}

function datesOfAuthority(certificate: X509Certificate): Dated {
  return datedCertificate(certificate, `the CA ${subjectOf(certificate)}`, 'clients with its certificates are refused')
}

function openSslWarning(cause: string): string {
  return `\`crlfile\` must contain a list for every CA in a client's chain, including the root, because ${cause}`
}

function abridged(sentences: readonly string[]): string[] {
  const rest = sentences.length - MAX_WARNINGS
  return rest <= 1 ? [...sentences] : [...sentences.slice(0, MAX_WARNINGS), `and the same applies to ${rest} other CAs`]
}

function distinct(certificates: readonly X509Certificate[]): X509Certificate[] {
  return [...new Map(certificates.map((one) => [one.fingerprint256, one])).values()]
}

/** The listener's own pair first, then those that are chosen by SNI. */
function keyPairs({ certfile, keyfile, keyfilePasswordFile, certificates }: CertificateOptions): ServerCertificate[] {
  if (certfile === undefined || keyfile === undefined) return [...certificates]
  const password = keyfilePasswordFile === undefined ? {} : { keyfilePasswordFile }
  return [{ certfile, keyfile, ...password }, ...certificates]
}

function isFor({ serverName, chain }: KeyPair, asked: string): boolean {
  if (serverName === undefined) return chain[0]!.checkHost(asked) !== undefined
  const [pattern, name] = [serverName.toLowerCase(), asked.toLowerCase()]
  return pattern.startsWith('*.') ? name.slice(name.indexOf('.')) === pattern.slice(1) : name === pattern
}
