/**
 * Whether a chain of certificates still leads to a CA of a listener. OpenSSL answers that in the handshake, for the CAs of that
 * moment; here it is asked again about a Connection that is open, after they have changed.
 *
 * @module
 */
import type { X509Certificate } from 'node:crypto'

/** More CAs than any chain has. */
const MAX_CHAIN = 16

/**
 * @param certificate with the CAs that its Client has sent along, if its TLS session still knows them
 * @param authorities those that are trusted; the chain has to end in a root among them, as OpenSSL wants it
 */
export function leadsTo(certificate: X509Certificate, authorities: readonly X509Certificate[], nowMs: number): boolean {
  let subject = certificate
  for (let depth = 0; depth < MAX_CHAIN; depth++) {
    if (!isInForce(subject, nowMs)) return false
    if (isIssuedBy(subject, subject)) return authorities.some((one) => one.fingerprint256 === subject.fingerprint256)
    const issuer = issuerOf(subject, authorities)
    if (issuer === undefined || !issuer.ca) return false
    subject = issuer
  }
  return false
}

/** Whether that moment is within its dates. */
export function isInForce({ validFrom, validTo }: X509Certificate, nowMs: number): boolean {
  return Date.parse(validFrom) <= nowMs && nowMs <= Date.parse(validTo)
}

/** Among those CAs, or as the Client has sent it along. */
export function issuerOf(
  subject: X509Certificate,
  authorities: readonly X509Certificate[],
): X509Certificate | undefined {
  const sent = subject.issuerCertificate
  return [...authorities, ...(sent === undefined ? [] : [sent])].find((one) => isIssuedBy(subject, one))
}

export function isIssuedBy(subject: X509Certificate, issuer: X509Certificate): boolean {
  return subject.checkIssued(issuer) && subject.verify(issuer.publicKey)
}
