/**
 * Reads and checks the PEM files of a listener one by one, so that an error names the option, the file and the remedy.
 *
 * @module
 */
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { ConfigError } from '../base/errors.ts'
import type { ServerCertificate } from '../config/options.ts'
import { decodePem } from '../config/text-file.ts'
import { Revocations } from './revocations.ts'

/** A certificate with its key, ready for use. */
export interface KeyPair {
  readonly serverName: string | undefined
  readonly certfile: string
  /** The server's own certificate first, then those between it and the root. */
  readonly chain: readonly X509Certificate[]
  readonly cert: string
  readonly key: string
}

const PEM_CERTIFICATE =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g
/** PKCS #8, and the older form that names its cipher in a header. */
const ENCRYPTED_KEY = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m

/** Reads the files of one listener and names it in errors. */
export class CertificateReader {
  readonly #listener: string

  constructor(listener: string) {
    this.#listener = listener
  }

  async text(key: string, path: string): Promise<string> {
    try {
      return decodePem(await readFile(path))
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException
      const reason = { ENOENT: 'it does not exist', EACCES: 'this user may not read it', EISDIR: 'it is a folder' }[
        code ?? ''
      ]
      throw this.#error('ERR_LISTENER_FILE', key, path, `cannot be read: ${reason ?? message}`, cause)
    }
  }

  async pair({ serverName, certfile, keyfile, keyfilePasswordFile }: ServerCertificate): Promise<KeyPair> {
    const [cert, keyText] = await Promise.all([this.text('certfile', certfile), this.text('keyfile', keyfile)])
    const chain = this.authorities('certfile', certfile, cert).map((pem) => new X509Certificate(pem))
    const privateKey = await this.#key(keyfile, keyText, keyfilePasswordFile)
    if (!chain[0]!.checkPrivateKey(privateKey)) {
      const message = `does not belong to the certificate in ${certfile}; use the key that belongs to this certificate`
      throw this.#error('ERR_LISTENER_CERTIFICATE', 'keyfile', keyfile, message)
    }
    const key = ENCRYPTED_KEY.test(keyText) ? (privateKey.export({ type: 'pkcs8', format: 'pem' }) as string) : keyText
    return { serverName, certfile, chain, cert, key }
  }

  /** Returns every certificate of a PEM text, checked, in the order of the text. */
  authorities(key: string, path: string, pem: string): string[] {
    const found = pem.match(PEM_CERTIFICATE) ?? []
    if (found.length === 0) {
      throw this.#error(
        'ERR_LISTENER_CERTIFICATE',
        key,
        path,
        'contains no certificate in PEM form (-----BEGIN CERTIFICATE-----)',
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
          `contains a damaged certificate, number ${index + 1}`,
          cause,
        )
      }
    }
    return found
  }

  /** Returns the certificates of all PEM files in a folder; other files are ignored. */
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
      'contains no PEM file (.pem, .crt, .cer) with a certificate',
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

  async #key(path: string, pem: string, passwordPath: string | undefined): Promise<KeyObject> {
    const isEncrypted = ENCRYPTED_KEY.test(pem)
    if (isEncrypted && passwordPath === undefined) {
      const message =
        'is encrypted; set `keyfile-password-file` to a file with its password, or store it without one (openssl pkey -in FILE -out FILE) and protect the file instead'
      throw this.#error('ERR_LISTENER_CERTIFICATE', 'keyfile', path, message)
    }
    const passphrase = isEncrypted ? await this.#password(passwordPath!) : undefined
    try {
      return createPrivateKey({ key: pem, ...(passphrase !== undefined && { passphrase }) })
    } catch (cause) {
      const message = isEncrypted
        ? `cannot be decrypted with the password in ${passwordPath}`
        : 'contains no private key in PEM form (-----BEGIN PRIVATE KEY-----)'
      throw this.#error('ERR_LISTENER_CERTIFICATE', 'keyfile', path, message, cause)
    }
  }

  /** Returns the first line: a password may begin or end with spaces, but cannot contain a line break. */
  async #password(path: string): Promise<string> {
    const [password = ''] = (await this.text('keyfile-password-file', path)).split(/\r?\n/)
    if (password !== '') return password
    throw this.#error(
      'ERR_LISTENER_FILE',
      'keyfile-password-file',
      path,
      'has an empty first line, where the password is expected',
    )
  }

  /** @returns the lists, or a text that explains why OpenSSL has to check them */
  async revocations(path: string, authorities: readonly X509Certificate[]): Promise<Revocations | string> {
    const pem = await this.text('crlfile', path)
    try {
      return Revocations.parse(pem, authorities)
    } catch (cause) {
      throw this.#error(
        'ERR_LISTENER_CERTIFICATE',
        'crlfile',
        path,
        `cannot be used: ${(cause as Error).message}`,
        cause,
      )
    }
  }

  #error(code: string, key: string, path: string, message: string, cause?: unknown): ConfigError {
    const sentence = `Listener \`${this.#listener}\`: \`${key}\` ${path} ${message}`
    const problems = [{ path: `listeners.${this.#listener}.${key}`, message: sentence }]
    return new ConfigError(code, sentence, { cause, problems })
  }
}
