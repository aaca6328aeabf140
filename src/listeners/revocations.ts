/**
 * Decides whether a client certificate has been revoked.
 *
 *   device  <── Works CA  <── Root CA            `crlfile` contains the list of …
 *     │            │
 *     │            └── Root CA: looked up if that list is present
 *     └─────────────── Works CA: required, valid, and must not name the device
 *
 * OpenSSL can check the certificate alone, or the whole chain. Node makes it check the whole chain, so a file with only
 * the list of the CA that issues the devices' certificates would make the broker refuse every device. The lists are
 * therefore checked here, after OpenSSL has verified the chain. Lists with further contents (for part of the
 * certificates, or for other CAs' certificates) are left to OpenSSL, which then requires a list for every CA of the
 * chain.
 * @module
 */
import type { X509Certificate } from 'node:crypto'
import { issuerOf, isIssuedBy } from './certificate-chain.ts'
import { subjectOf, type Dated } from './certificate-dates.ts'
import { marksOf, NotUnderstood, parseRevocationLists, type RevocationList } from './revocation-list.ts'

/** More CAs than any real chain has. */
const MAX_CHAIN = 16
/** OpenSSL's error code, as in all other refusals of certificates. */
const NO_LIST = 'UNABLE_TO_GET_CRL'

export class Revocations {
  /** The text it was parsed from. */
  readonly text: string
  readonly #lists: readonly RevocationList[]
  readonly #authorities: readonly X509Certificate[]

  constructor(text: string, authorities: readonly X509Certificate[]) {
    this.text = text
    this.#lists = parseRevocationLists(text)
    this.#authorities = authorities
    if (this.#lists.length === 0) throw new RangeError('it contains no list in PEM form (-----BEGIN X509 CRL-----)')
  }

  /**
   * @param authorities the CAs of `cafile` and the like
   * @returns a text that explains why OpenSSL has to check these lists
   * @throws {RangeError} if the text contains no list, or a damaged one
   */
  static parse(pem: string, authorities: readonly X509Certificate[]): Revocations | string {
    try {
      return new Revocations(pem, authorities)
    } catch (error) {
      if (error instanceof NotUnderstood) return error.message
      throw error
    }
  }

  /** The period in which each list is valid. */
  dates(): Dated[] {
    return this.#lists.map((list) => {
      const authority = this.#authorities.find((one) => marksOf(one).subject === list.issuer)
      return {
        name: `the revocation list of ${authority === undefined ? 'another CA' : subjectOf(authority)} in \`crlfile\``,
        startsAtMs: list.issuedAtMs,
        endsAtMs: list.expiresAtMs,
        consequence: 'clients with certificates of that CA are refused',
      }
    })
  }

  /** Describes missing lists and their effect, one sentence for each CA. */
  gaps(): string[] {
    return this.#authorities
      .filter((authority) => !this.#lists.some((list) => isOf(list, authority)))
      .map((authority) => {
        const name = subjectOf(authority)
        const isAbove = this.#authorities.some((other) => other !== authority && isIssuedBy(other, authority))
        return isAbove
          ? `\`crlfile\` contains no list of ${name}: revocations of the CAs below it are not checked`
          : `\`crlfile\` contains no list of ${name}: clients with its certificates are refused`
      })
  }

  /**
   * @param certificate of a chain that OpenSSL has verified
   * @returns the problem, as OpenSSL's error code
   */
  problemOf(certificate: X509Certificate, nowMs: number): string | undefined {
    let subject = certificate
    for (let depth = 0; depth < MAX_CHAIN; depth++) {
      const issuer = issuerOf(subject, this.#authorities)
      if (issuer === undefined) return depth === 0 ? this.#problemWithoutIssuer(subject, nowMs) : undefined
      const problem = this.#problemAt(subject, issuer, nowMs)
      // A CA without a list cannot be checked; the certificate itself must be.
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

  /**
   * A resumed TLS session has the client's certificate but not the CAs that came with it, for which this list was found
   * at first.
   */
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

/** Compares the name and the key, because a CA may have changed its key. */
function isOf(list: RevocationList, authority: X509Certificate): boolean {
  return list.issuer === marksOf(authority).subject && list.isSignedBy(authority)
}

function problemIn(list: RevocationList | undefined, subject: X509Certificate, nowMs: number): string | undefined {
  if (list === undefined) return NO_LIST
  if (list.has(marksOf(subject).serial)) return 'CERT_REVOKED'
  if (list.issuedAtMs > nowMs) return 'CRL_NOT_YET_VALID'
  return list.expiresAtMs !== undefined && list.expiresAtMs < nowMs ? 'CRL_HAS_EXPIRED' : undefined
}
