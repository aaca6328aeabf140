/**
 * Which client certificates are a login to the API: those that a CA of `cafile` has signed. OpenSSL checks that in the
 * handshake, with the CAs of that moment; it is looked at again with each request and each second of a stream, because
 * a reload may have replaced or removed the CAs.
 *
 * @module
 */
import type { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import type { ClientCertificate } from './request.ts'

/** The files of TLS, read. */
export interface TlsFiles {
  readonly context: SecureContextOptions
  /** Equal for the same CAs; empty without any. */
  readonly trust: { readonly authorities: string }
  /** Whether a certificate is in force, and leads to one of the CAs. */
  accepts(certificate: X509Certificate, nowMs: number): boolean
}

export class TrustedCertificates {
  #files: TlsFiles | undefined
  readonly #wallNow: () => number
  /** The CAs by which OpenSSL judges each connection. */
  readonly #asOf = new WeakMap<Socket, string>()

  /** @param wallNow wall-clock milliseconds */
  constructor(files: TlsFiles | undefined, wallNow: () => number) {
    this.#files = files
    this.#wallNow = wallNow
  }

  /** Other files hold from now on, also for connections that are open. */
  set files(files: TlsFiles) {
    this.#files = files
  }

  /** A connection begins its handshake. @param below the socket below TLS */
  begin(below: Socket): void {
    if (this.#files !== undefined) this.#asOf.set(below, this.#files.trust.authorities)
  }

  /** @returns `undefined` if the client has none, or none that is trusted */
  of(socket: TLSSocket, below: Socket): ClientCertificate | undefined {
    const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined
    if (certificate === undefined) return undefined
    const isTrusted = (): boolean => this.#isTrusted(certificate, below)
    if (!isTrusted()) return undefined
    return { name: nameOf(socket), fingerprint: certificate.fingerprint256, isTrusted }
  }

  #isTrusted(certificate: X509Certificate, below: Socket): boolean {
    const authorities = this.#files?.trust.authorities ?? ''
    // Without `cafile`, Node would trust every CA that browsers trust.
    if (authorities === '') return false
    const now = this.#wallNow()
    if (this.#asOf.get(below) === authorities) return now <= Date.parse(certificate.validTo)
    return this.#files!.accepts(certificate, now)
  }
}

function nameOf(socket: TLSSocket): string {
  const { subject } = socket.getPeerCertificate()
  return String(subject?.CN ?? subject?.O ?? 'without a name')
}
