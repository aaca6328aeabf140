/**
 * Reads the Subject Alternative Names of a certificate (RFC 5280 §4.2.1.6) from its bytes. Node returns them as one
 * text with escaped commas and quotes. The names are chosen by whoever presents the certificate, and a text of 64 KiB
 * can be parsed in many wrong ways; here each byte is examined once.
 *
 *   Certificate ─ TBSCertificate ─ [3] extensions ─ subjectAltName ─ OCTET STRING ─ GeneralNames
 *
 * @module
 */
import type { X509Certificate } from 'node:crypto'
import { DER_OCTET_STRING, DER_SEQUENCE, derChildren, objectIdentifier, readDer } from './der.ts'

const EXTENSIONS = 0xa3
const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17'
/** Tags of the names that can serve as a user name: rfc822Name, dNSName and uniformResourceIdentifier. */
const TEXTS: ReadonlySet<number> = new Set([0x81, 0x82, 0x86])

/**
 * Returns the first DNS name, URI or e-mail address.
 *
 * @returns `undefined` if there is none
 * @throws {RangeError} if the bytes are not a certificate
 */
export function firstAlternativeName({ raw }: Pick<X509Certificate, 'raw'>): string | undefined {
  const extension = alternativeNamesIn(raw)
  if (extension === undefined) return undefined
  for (const { tag, content } of derChildren(readDer(extension))) {
    if (TEXTS.has(tag)) return content.toString('latin1')
  }
  return undefined
}

/** The value of the extension. */
function alternativeNamesIn(certificate: Buffer): Buffer | undefined {
  const body = readDer(readDer(certificate).content)
  for (const part of derChildren(body)) {
    if (part.tag !== EXTENSIONS) continue
    for (const extension of derChildren(readDer(part.content))) {
      const fields = extension.tag === DER_SEQUENCE ? [...derChildren(extension)] : []
      // The flag "critical" may come between the two.
      const value = fields.at(-1)
      if (value?.tag === DER_OCTET_STRING && objectIdentifier(fields[0]!) === SUBJECT_ALTERNATIVE_NAME) {
        return value.content
      }
    }
  }
  return undefined
}
