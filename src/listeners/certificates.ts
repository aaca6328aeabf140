/**
 * The certificates of a listener: read from their files, checked so that a mistake is named here and not by a failing
 * handshake, and made into what `node:tls` wants.
 *
 * @module
 */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { ConfigError } from '../base/errors.ts'
import type { ListenerOptions, ServerCertificate } from '../broker/options.ts'
import { decodePem } from '../broker/text-file.ts'

/** Certificates that are ready to be used. */
export interface Certificates {
  /** The same for the same content of all files. */
  readonly fingerprint: string
  /** For Clients that name no Server, or one that no other certificate is for. */
  readonly context: SecureContextOptions
  /** The certificate for a name that a Client asks for by SNI; `undefined` means the first one. */
  contextFor(serverName: string): SecureContext | undefined
  /** For the log: one entry for each certificate of the listener. */
  readonly summary: readonly { readonly certfile: string; readonly subject: string; readonly validTo: string }[]
}

interface KeyPair {
  readonly serverName: string | undefined
  readonly certfile: string
  readonly certificate: X509Certificate
  readonly cert: string
  readonly key: string
}

const PEM_CERTIFICATE =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g

/** Files and folders whose change may mean other certificates. */
export function certificatePaths(options: ListenerOptions): string[] {
  const { cafile, capath, crlfile } = options
  const pairs = keyPairs(options).flatMap(({ certfile, keyfile }) => [certfile, keyfile])
  return [...pairs, cafile, capath, crlfile].filter((path) => path !== undefined)
}

/**
 * Reads and checks everything that a TLS listener needs.
 *
 * @throws {ConfigError} `ERR_LISTENER_FILE` or `ERR_LISTENER_CERTIFICATE`; it names the listener, the key and the file
 */
export async function loadCertificates(options: ListenerOptions): Promise<Certificates> {
  const reader = new CertificateReader(options.name)
  const pairs = await Promise.all(keyPairs(options).map((pair) => reader.pair(pair)))
  const { cadata, capath, cafile, crlfile } = options
  const ca = [
    ...(cafile === undefined ? [] : reader.authorities('cafile', cafile, await reader.text('cafile', cafile))),
    ...(capath === undefined ? [] : await reader.folder(capath)),
    ...(cadata === undefined ? [] : reader.authorities('cadata', 'its text', cadata)),
  ]
  const crl = crlfile === undefined ? undefined : await reader.text('crlfile', crlfile)
  const shared: SecureContextOptions = {
    minVersion: `TLSv${options.minTlsVersion}`,
    ...(ca.length > 0 && { ca }),
    ...(crl !== undefined && { crl }),
  }
  const contexts = pairs.map(({ cert, key }) => ({ ...shared, cert, key }))
  const secure = contexts.map((context, index) => reader.secureContext(context, pairs[index]!.certfile, crlfile))
  return {
    fingerprint: createHash('sha256').update(JSON.stringify(contexts)).digest('hex'),
    context: contexts[0]!,
    contextFor: (serverName) => secure[pairs.findIndex((pair) => isFor(pair, serverName))],
    summary: pairs.map(({ certfile, certificate }) => ({
      certfile,
      subject: certificate.subject?.replaceAll('\n', ', ') ?? '',
      validTo: certificate.validTo,
    })),
  }
}

/** The listener's own pair first, then those that are chosen by SNI. */
function keyPairs({ certfile, keyfile, certificates }: ListenerOptions): ServerCertificate[] {
  return certfile === undefined || keyfile === undefined ? [...certificates] : [{ certfile, keyfile }, ...certificates]
}

function isFor({ serverName, certificate }: KeyPair, asked: string): boolean {
  if (serverName === undefined) return certificate.checkHost(asked) !== undefined
  const [wanted, name] = [serverName.toLowerCase(), asked.toLowerCase()]
  return wanted.startsWith('*.') ? name.slice(name.indexOf('.')) === wanted.slice(1) : name === wanted
}

/** Reads for one listener, and says so in its errors. */
class CertificateReader {
  readonly #listener: string

  constructor(listener: string) {
    this.#listener = listener
  }

  async text(key: string, path: string): Promise<string> {
    try {
      return decodePem(await readFile(path))
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException
      const why = { ENOENT: 'it does not exist', EACCES: 'this user may not read it', EISDIR: 'it is a folder' }[
        code ?? ''
      ]
      throw this.#error('ERR_LISTENER_FILE', key, path, `cannot be read: ${why ?? message}`, cause)
    }
  }

  async pair({ serverName, certfile, keyfile }: ServerCertificate): Promise<KeyPair> {
    const [cert, key] = await Promise.all([this.text('certfile', certfile), this.text('keyfile', keyfile)])
    const [first] = this.authorities('certfile', certfile, cert)
    const certificate = new X509Certificate(first!)
    if (!certificate.checkPrivateKey(this.#key(keyfile, key))) {
      const message = `does not belong to the certificate in ${certfile}; give the key that the certificate was made for`
      throw this.#error('ERR_LISTENER_CERTIFICATE', 'keyfile', keyfile, message)
    }
    return { serverName, certfile, certificate, cert, key }
  }

  /** Every certificate of a PEM text, each checked, in the order of the text. */
  authorities(key: string, path: string, pem: string): string[] {
    const found = pem.match(PEM_CERTIFICATE) ?? []
    if (found.length === 0) {
      throw this.#error(
        'ERR_LISTENER_CERTIFICATE',
        key,
        path,
        'holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)',
      )
    }
    for (const [index, one] of found.entries()) {
      try {
        new X509Certificate(one)
      } catch (cause) {
        throw this.#error(
          'ERR_LISTENER_CERTIFICATE',
          key,
          path,
          `holds a damaged certificate, number ${index + 1}`,
          cause,
        )
      }
    }
    return found
  }

  /** The certificates of all PEM files in a folder; other files in it are left alone. */
  async folder(path: string): Promise<string[]> {
    let names: string[]
    try {
      names = await readdir(path)
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      throw this.#error('ERR_LISTENER_FILE', 'capath', path, `cannot be read as a folder (${code})`, cause)
    }
    const files = names.filter((name) => /\.(pem|crt|cer|\d+)$/.test(name)).toSorted()
    const texts = await Promise.all(files.map((name) => this.text('capath', join(path, name))))
    const found = texts.flatMap((text, index) =>
      text.search(PEM_CERTIFICATE) === -1 ? [] : this.authorities('capath', join(path, files[index]!), text),
    )
    if (found.length > 0) return found
    throw this.#error(
      'ERR_LISTENER_CERTIFICATE',
      'capath',
      path,
      'has no PEM file (.pem, .crt, .cer) with a certificate',
    )
  }

  secureContext(options: SecureContextOptions, certfile: string, crlfile: string | undefined): SecureContext {
    try {
      return createSecureContext(options)
    } catch (cause) {
      const { message } = cause as Error
      const [key, path] = /crl/i.test(message) ? ['crlfile', crlfile ?? ''] : ['certfile', certfile]
      throw this.#error('ERR_LISTENER_CERTIFICATE', key, path, `cannot be used: ${message}`, cause)
    }
  }

  #key(path: string, pem: string) {
    try {
      return createPrivateKey(pem)
    } catch (cause) {
      const isEncrypted = (cause as NodeJS.ErrnoException).code === 'ERR_MISSING_PASSPHRASE'
      const message = isEncrypted
        ? 'is encrypted; store it without a passphrase (openssl pkey -in FILE -out FILE) and protect the file instead'
        : 'holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)'
      throw this.#error('ERR_LISTENER_CERTIFICATE', 'keyfile', path, message, cause)
    }
  }

  #error(code: string, key: string, path: string, message: string, cause?: unknown): ConfigError {
    return new ConfigError(code, `Listener \`${this.#listener}\`: \`${key}\` ${path} ${message}`, { cause })
  }
}
