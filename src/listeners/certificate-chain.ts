/**
 * Checks whether a chain of certificates still leads to a CA of a listener. OpenSSL checks this in the handshake, with
 * the CAs of that moment; here it is checked again for an open Connection, after the CAs have changed.
 *
 * @module
 */
import type { X509Certificate } from 'node:crypto'

/** More CAs than any real chain has. */
const MAX_CHAIN = 16

/**
 * @param certificate with the CAs that its Client sent along, if its TLS session still has them
 * @param authorities the trusted CAs; the chain has to end in a root among them, as OpenSSL requires
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

/** Whether `nowMs` is within the certificate's validity. */
export function isInForce({ validFrom, validTo }: X509Certificate, nowMs: number): boolean {
  return Date.parse(validFrom) <= nowMs && nowMs <= Date.parse(validTo)
}

/** Searches those CAs and the ones that the Client sent along. */
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
