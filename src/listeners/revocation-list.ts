/**
 * One certificate revocation list (RFC 5280 §5), decoded. Its contents count only after its signature was verified
 * against the certificate of its issuer.
 *
 * @module
 */
import { verify, type KeyObject, type X509Certificate } from 'node:crypto'
import {
  DER_BIT_STRING,
  DER_BOOLEAN,
  DER_GENERALIZED_TIME,
  DER_INTEGER,
  DER_SEQUENCE,
  DER_UTC_TIME,
  derChildren,
  derTimeMs,
  objectIdentifier,
  readDer,
  type DerValue,
} from './der.ts'

const PEM_LIST = /-----BEGIN X509 CRL-----[^-]*-----END X509 CRL-----/g
/** [0] of a list: its extensions; of a certificate: its version. */
const EXTENSIONS = 0xa0
const VERSION = 0xa0

/** The digest of each signature algorithm; `undefined` where the algorithm implies it. */
const DIGESTS: Readonly<Record<string, string | undefined>> = {
  '1.2.840.113549.1.1.5': 'sha1',
  '1.2.840.113549.1.1.14': 'sha224',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
  '1.2.840.10045.4.1': 'sha1',
  '1.2.840.10045.4.3.1': 'sha224',
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.3.101.112': undefined,
  '1.3.101.113': undefined,
}

/** The fields of a certificate that a list repeats byte for byte: as DER in base64. */
export interface CertificateMarks {
  readonly serial: string
  readonly issuer: string
  readonly subject: string
}

/** @throws {RangeError} if it is not a certificate */
export function marksOf({ raw }: X509Certificate): CertificateMarks {
  const body = [...derChildren(first(readDer(raw)))]
  // The version comes first unless it is 1.
  const at = body[0]?.tag === VERSION ? 1 : 0
  const serial = expected(body[at], DER_INTEGER)
  const [issuer, subject] = [expected(body[at + 2], DER_SEQUENCE), expected(body[at + 4], DER_SEQUENCE)]
  return { serial: text(serial.content), issuer: text(issuer.whole), subject: text(subject.whole) }
}

export class RevocationList {
  /** As DER in base64. */
  readonly issuer: string
  readonly issuedAtMs: number
  /** When the next list is due; `undefined` if the list does not state it. */
  readonly expiresAtMs: number | undefined
  readonly #serials: ReadonlySet<string>
  readonly #signed: Buffer
  readonly #signature: Buffer
  readonly #digest: string | undefined
  readonly #isSignedBy = new Map<string, boolean>()

  /**
   * @throws {RangeError} if it is not a list
   * @throws {NotUnderstood} if it contains more than a list of serial numbers
   */
  constructor(der: Buffer) {
    const [signed, algorithm, signature] = [...derChildren(expected(readDer(der), DER_SEQUENCE))]
    const name = objectIdentifier(first(expected(algorithm, DER_SEQUENCE)))
    if (!Object.hasOwn(DIGESTS, name)) throw new NotUnderstood(`it is signed with the unsupported algorithm ${name}`)
    this.#digest = DIGESTS[name]
    this.#signed = expected(signed, DER_SEQUENCE).whole
    this.#signature = expected(signature, DER_BIT_STRING).content.subarray(1)
    const body = [...derChildren(signed!)]
    let at = body[0]?.tag === DER_INTEGER ? 2 : 1
    this.issuer = text(expected(body[at++], DER_SEQUENCE).whole)
    this.issuedAtMs = derTimeMs(body[at++]!)
    this.expiresAtMs = isTime(body[at]) ? derTimeMs(body[at++]!) : undefined
    this.#serials = new Set(body[at]?.tag === DER_SEQUENCE ? serialsOf(body[at++]!) : [])
    if (body[at]?.tag === EXTENSIONS) checkExtensions(first(body[at]!))
  }

  has(serial: string): boolean {
    return this.#serials.has(serial)
  }

  /** Whether its signature was verified against a CA. */
  get isVerified(): boolean {
    return [...this.#isSignedBy.values()].includes(true)
  }

  /** Whether the owner of that certificate signed this list. */
  isSignedBy({ fingerprint256, publicKey }: X509Certificate): boolean {
    const known = this.#isSignedBy.get(fingerprint256)
    if (known !== undefined) return known
    const isSigned = this.#verify(publicKey)
    this.#isSignedBy.set(fingerprint256, isSigned)
    return isSigned
  }

  #verify(key: KeyObject): boolean {
    try {
      return verify(this.#digest, this.#signed, key, this.#signature)
    } catch {
      // The key is of a different kind than the signature.
      return false
    }
  }
}

/** A valid list with contents that are not checked here. */
export class NotUnderstood extends Error {}

/** Every list of a PEM text, as PEM. */
export function revocationListsIn(pem: string): string[] {
  return pem.match(PEM_LIST) ?? []
}

/** @throws {RangeError} {@link NotUnderstood} as the constructor of a list */
export function parseRevocationLists(pem: string): RevocationList[] {
  return revocationListsIn(pem).map(
    (one) => new RevocationList(Buffer.from(one.replaceAll(/-----[^-]*-----/g, ''), 'base64')),
  )
}

function* serialsOf(entries: DerValue): IterableIterator<string> {
  for (const entry of derChildren(entries)) {
    const [serial, , extensions] = [...derChildren(entry)]
    if (extensions !== undefined) checkExtensions(extensions)
    yield text(expected(serial, DER_INTEGER).content)
  }
}

/** A critical extension changes the meaning of a list: it may be incomplete, or cover other CAs (RFC 5280 §5.2). */
function checkExtensions(extensions: DerValue): void {
  for (const extension of derChildren(extensions)) {
    const [name, critical] = [...derChildren(extension)]
    if (critical?.tag === DER_BOOLEAN)
      throw new NotUnderstood(`it has the critical extension ${objectIdentifier(name!)}`)
  }
}

function isTime(value: DerValue | undefined): boolean {
  return value?.tag === DER_UTC_TIME || value?.tag === DER_GENERALIZED_TIME
}

function first(value: DerValue): DerValue {
  return readDer(value.content)
}

function expected(value: DerValue | undefined, tag: number): DerValue {
  if (value?.tag === tag) return value
  throw new RangeError('a field is not of the type that the standard requires')
}

function text(bytes: Buffer): string {
  return bytes.toString('base64')
}
