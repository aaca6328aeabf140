/**
 * Creates certificate authorities, certificates and revocation lists for tests with `node:crypto` alone: X.509 consists
 * of nested DER lists with a signature at the end (RFC 5280). Keys are P-256, dates are fixed.
 *
 * @module
 */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'

/** A certificate and its key, both PEM. */
export interface Identity {
  readonly certificate: string
  readonly key: string
  readonly serial: number
}

export interface CertificateRequest {
  /** Attributes of the subject in order, such as `[['O', 'Works'], ['CN', 'pump-7']]`. */
  readonly subject?: readonly (readonly [attribute: 'CN' | 'O' | 'OU', value: string])[]
  /** Subject Alternative Names such as `DNS:localhost`, `IP:127.0.0.1`, `URI:urn:x`, `email:a@b.c`. */
  readonly names?: readonly string[]
  /** Valid until 2021 instead of 2049. */
  readonly expired?: boolean
}

export interface ListRequest {
  /** UTCTime, such as `210101000000Z`. */
  readonly issued?: string
  readonly expires?: string
  /** Adds the critical extension which states that the list contains no CAs. */
  readonly isForDevicesOnly?: true
}

/** Signs certificates and revocation lists. */
export class TestAuthority {
  /** Its own certificate, PEM. */
  readonly certificate: string
  readonly serial: number
  readonly #name: Buffer
  readonly #key: KeyObject
  #lastSerial = 1

  /** @param parent signs its certificate; without one it is self-signed */
  constructor(name: string, parent?: TestAuthority) {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#name = distinguishedName([['CN', name]])
    this.#key = privateKey
    this.serial = parent === undefined ? 1 : ++parent.#lastSerial
    const isAuthority = extension('2.5.29.19', sequence(BOOLEAN_TRUE), true)
    const maySign = extension('2.5.29.15', der(0x03, Buffer.from([1, 0x06])), true)
    const signer = parent ?? this
    const body = signer.#body(this.serial, this.#name, publicKey, [isAuthority, maySign], false)
    this.certificate = signer.#sign('CERTIFICATE', body)
  }

  issue({ subject = [['CN', 'test']], names = [], expired = false }: CertificateRequest = {}): Identity {
    const serial = ++this.#lastSerial
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const extensions = names.length === 0 ? [] : [extension('2.5.29.17', sequence(...names.map(alternativeName)))]
    const body = this.#body(serial, distinguishedName(subject), publicKey, extensions, expired)
    return {
      certificate: this.#sign('CERTIFICATE', body),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      serial,
    }
  }

  /** Creates a list of revoked certificates, PEM. */
  revoke(...identities: readonly Pick<Identity, 'serial'>[]): string {
    return this.list(identities)
  }

  /** The same with further contents. */
  list(identities: readonly Pick<Identity, 'serial'>[], more: ListRequest = {}): string {
    const revoked = identities.map(({ serial }) => sequence(integer(serial), time('200101000000Z')))
    const list = revoked.length === 0 ? [] : [sequence(...revoked)]
    const dates = [time(more.issued ?? '200101000000Z'), time(more.expires ?? '491231235959Z')]
    const scope = extension('2.5.29.28', sequence(der(0x81, Buffer.of(0xff))), true)
    const extensions = more.isForDevicesOnly ? [der(0xa0, sequence(scope))] : []
    return this.#sign('X509 CRL', sequence(integer(1), ECDSA_SHA256, this.#name, ...dates, ...list, ...extensions))
  }

  #body(serial: number, subject: Buffer, publicKey: KeyObject, extensions: Buffer[], expired: boolean): Buffer {
    return sequence(
      der(0xa0, integer(2)),
      integer(serial),
      ECDSA_SHA256,
      this.#name,
      sequence(time('200101000000Z'), time(expired ? '210101000000Z' : '491231235959Z')),
      subject,
      publicKey.export({ type: 'spki', format: 'der' }),
      ...(extensions.length === 0 ? [] : [der(0xa3, sequence(...extensions))]),
    )
  }

  #sign(label: string, body: Buffer): string {
    const signature = der(0x03, Buffer.concat([Buffer.of(0), sign('sha256', body, this.#key)]))
    const base64 = sequence(body, ECDSA_SHA256, signature).toString('base64').replaceAll(/.{64}/g, '$&\n')
    return `-----BEGIN ${label}-----\n${base64.trimEnd()}\n-----END ${label}-----\n`
  }
}

const BOOLEAN_TRUE = Buffer.of(0x01, 1, 0xff)
const ECDSA_SHA256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'))
const ATTRIBUTES = { CN: '2.5.4.3', O: '2.5.4.10', OU: '2.5.4.11' } as const
const NAME_TAGS: Readonly<Record<string, number>> = { email: 0x81, DNS: 0x82, URI: 0x86, IP: 0x87 }

/** Tag, length, content. */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content])
  if (length < 0x100) return Buffer.concat([Buffer.of(tag, 0x81, length), content])
  return Buffer.concat([Buffer.of(tag, 0x82, length >> 8, length & 0xff), content])
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts))
}

/** Encodes serial numbers and versions, which are small and positive. */
function integer(value: number): Buffer {
  return der(0x02, Buffer.of(value))
}

function time(text: string): Buffer {
  return der(0x17, Buffer.from(text))
}

function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return der(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(value: number): number[] {
  const bytes = [value & 0x7f]
  for (let rest = value >> 7; rest > 0; rest >>= 7) bytes.unshift((rest & 0x7f) | 0x80)
  return bytes
}

function distinguishedName(attributes: NonNullable<CertificateRequest['subject']>): Buffer {
  const parts = attributes.map(([attribute, value]) => {
    const text = der(0x0c, Buffer.from(value))
    return der(0x31, sequence(objectIdentifier(ATTRIBUTES[attribute]), text))
  })
  return sequence(...parts)
}

function extension(identifier: string, content: Buffer, critical = false): Buffer {
  return sequence(objectIdentifier(identifier), ...(critical ? [BOOLEAN_TRUE] : []), der(0x04, content))
}

function alternativeName(name: string): Buffer {
  const kind = name.slice(0, name.indexOf(':'))
  const value = name.slice(kind.length + 1)
  return der(NAME_TAGS[kind]!, kind === 'IP' ? Buffer.from(value.split('.').map(Number)) : Buffer.from(value))
}
