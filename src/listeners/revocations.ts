/**
 * Whether a client certificate has been revoked.
 *
 *   device  <── Works CA  <── Root CA            `crlfile` with the list of …
 *     │            │
 *     │            └── Root CA: looked up where that list is there
 *     └─────────────── Works CA: must be there, in force, and not name the device
 *
 * OpenSSL can be asked to check the certificate alone, or all of the chain; Node asks for all of it, so that a file with
 * nothing but the list of the CA that issues the devices' certificates would turn every device away. So the lists are looked
 * up here, once OpenSSL has found that the chain is good. What more there can be to a list (one for part of the certificates,
 * one about other CAs' certificates) is still OpenSSL's, with its demand for every list of the chain.
 *
 * @module
 */
import type { X509Certificate } from 'node:crypto'
import { issuerOf, isIssuedBy } from './certificate-chain.ts'
import { subjectOf, type Dated } from './certificate-dates.ts'
import { marksOf, NotUnderstood, parseRevocationLists, type RevocationList } from './revocation-list.ts'

/** More CAs than any chain has. */
const MAX_CHAIN = 16
/** OpenSSL's words, as in all other refusals of certificates. */
const NO_LIST = 'UNABLE_TO_GET_CRL'

export class Revocations {
  /** What it was made of. */
  readonly text: string
  readonly #lists: readonly RevocationList[]
  readonly #authorities: readonly X509Certificate[]

  constructor(text: string, authorities: readonly X509Certificate[]) {
    this.text = text
    this.#lists = parseRevocationLists(text)
    this.#authorities = authorities
    if (this.#lists.length === 0) throw new RangeError('it holds no list in PEM form (-----BEGIN X509 CRL-----)')
  }

  /**
   * @param authorities of `cafile` and its like
   * @returns text that says why these lists are OpenSSL's
   * @throws {RangeError} for text without a list, or with a damaged one
   */
  static parse(pem: string, authorities: readonly X509Certificate[]): Revocations | string {
    try {
      return new Revocations(pem, authorities)
    } catch (error) {
      if (error instanceof NotUnderstood) return error.message
      throw error
    }
  }

  /** From when to when the lists are in force. */
  dates(): Dated[] {
    return this.#lists.map((list) => {
      const authority = this.#authorities.find((one) => marksOf(one).subject === list.issuer)
      return {
        name: `the revocation list of ${authority === undefined ? 'another CA' : subjectOf(authority)} in \`crlfile\``,
        startsAtMs: list.issuedAtMs,
        endsAtMs: list.expiresAtMs,
        consequence: 'clients with certificates of that CA are turned away',
      }
    })
  }

  /** What is not there, and what that means; one sentence for each CA without a list. */
  gaps(): string[] {
    return this.#authorities
      .filter((authority) => !this.#lists.some((list) => isOf(list, authority)))
      .map((authority) => {
        const name = subjectOf(authority)
        const isAbove = this.#authorities.some((other) => other !== authority && isIssuedBy(other, authority))
        return isAbove
          ? `\`crlfile\` has no list of ${name}: whether the CAs below it were revoked is not checked`
          : `\`crlfile\` has no list of ${name}: clients with its certificates are turned away`
      })
  }

  /**
   * @param certificate of a chain that OpenSSL has found good
   * @returns what is wrong with it, in OpenSSL's words
   */
  problemOf(certificate: X509Certificate, nowMs: number): string | undefined {
    let subject = certificate
    for (let depth = 0; depth < MAX_CHAIN; depth++) {
      const issuer = issuerOf(subject, this.#authorities)
      if (issuer === undefined) return depth === 0 ? this.#problemWithoutIssuer(subject, nowMs) : undefined
      const problem = this.#problemAt(subject, issuer, nowMs)
      // A CA for which there is no list cannot be looked up; the certificate itself has to be.
      if (problem !== undefined && (problem !== NO_LIST || depth === 0)) return problem
      if (issuer.fingerprint256 === subject.fingerprint256) return undefined
      subject = issuer
    }
    return 'CERT_CHAIN_TOO_LONG'
  }

  #problemAt(subject: X509Certificate, issuer: X509Certificate, nowMs: number): string | undefined {
    return problemIn(
      this.#newest((list) => isOf(list, issuer)),
      subject,
      nowMs,
    )
  }

  /** A resumed TLS session knows the client's certificate, but not the CAs that came with it at first: then this list was found. */
  #problemWithoutIssuer(subject: X509Certificate, nowMs: number): string | undefined {
    const { issuer } = marksOf(subject)
    return problemIn(
      this.#newest((list) => list.issuer === issuer && list.isVerified),
      subject,
      nowMs,
    )
  }

  #newest(isMeant: (list: RevocationList) => boolean): RevocationList | undefined {
    return this.#lists.filter(isMeant).toSorted((a, b) => b.issuedAtMs - a.issuedAtMs)[0]
  }
}

/** By its name, and by its key, since a CA may have had another one. */
function isOf(list: RevocationList, authority: X509Certificate): boolean {
  return list.issuer === marksOf(authority).subject && list.isSignedBy(authority)
}

function problemIn(list: RevocationList | undefined, subject: X509Certificate, nowMs: number): string | undefined {
  if (list === undefined) return NO_LIST
  if (list.has(marksOf(subject).serial)) return 'CERT_REVOKED'
  if (list.issuedAtMs > nowMs) return 'CRL_NOT_YET_VALID'
  return list.expiresAtMs !== undefined && list.expiresAtMs < nowMs ? 'CRL_HAS_EXPIRED' : undefined
}
