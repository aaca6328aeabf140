/**
 * Keys for the HTTP API. A key is an identifier that is no secret, and 32 random bytes:
 *
 *   sluice_3f9a01b2c4d5_Zm9vYmFyYmF6cXV4…      the file has: 3f9a01b2c4d5, SHA-256 of the bytes, name, role, times
 *          └ keyId      └ secret
 *
 * Nobody can guess 256 bits, so a fast hash is enough; and because the identifier finds the entry, one comparison in
 * constant time decides. The file is replaced as a whole: written beside, then renamed.
 *
 * @module
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Clock } from '../base/clock.ts'
import { ConfigError, SluiceError, UsageError } from '../base/errors.ts'
import { messageOf } from '../base/thrown.ts'
import type { ApiKeyRequest, ApiKeyView, CreatedApiKey } from '../broker/host/api-key-views.ts'
import { parseKeyFile, type StoredKey } from './api-key-file.ts'
import { replaceFile } from './replaced-file.ts'

/** Keys of one broker. */
const MAX_KEYS = 1000
const SECRET_BYTES = 32
const ID_BYTES = 6
const MAX_NAME_LENGTH = 64
const KEY = /^sluice_([\da-f]{12})_([\w-]{43})$/
/** Compared with where there is no such key, so that this takes as long. */
const NO_HASH = Buffer.alloc(32)

/** A key as it was presented. */
export interface PresentedKey {
  readonly keyId: string
  readonly secret: string
}

/** @returns `undefined` for what does not look like a key */
export function presentedKey(text: string): PresentedKey | undefined {
  const [, keyId, secret] = KEY.exec(text) ?? []
  return keyId === undefined || secret === undefined ? undefined : { keyId, secret }
}

export class ApiKeys {
  readonly #path: string
  readonly #clock: Clock
  #keys: ReadonlyMap<string, StoredKey>
  readonly #lastUsedAtMs = new Map<string, number>()
  /** Changes one after the other. */
  #changing: Promise<unknown> = Promise.resolve()

  private constructor(path: string, clock: Clock, keys: ReadonlyMap<string, StoredKey>) {
    this.#path = path
    this.#clock = clock
    this.#keys = keys
  }

  /**
   * @param path of the file; empty: keys cannot be made
   * @throws {ConfigError} `ERR_ADMIN_KEYS` if the file cannot be read
   */
  static async open(path: string, clock: Clock): Promise<ApiKeys> {
    return new ApiKeys(path, clock, new Map((await readKeys(path)).map((key) => [key.keyId, key])))
  }

  /** @returns what the key is, if there is one like it that has not expired */
  check({ keyId, secret }: PresentedKey): ApiKeyView | undefined {
    const stored = this.#keys.get(keyId)
    const expected = stored === undefined ? NO_HASH : Buffer.from(stored.hash, 'base64url')
    const isRight = timingSafeEqual(hashOf(secret), expected)
    const nowMs = this.#clock.wallNow()
    if (stored === undefined || !isRight || (stored.expiresAtMs ?? Infinity) <= nowMs) return undefined
    this.#lastUsedAtMs.set(keyId, nowMs)
    return this.#viewOf(stored)
  }

  /** Whether there is such a key, and it has not expired. */
  isValid(keyId: string): boolean {
    return (this.#keys.get(keyId)?.expiresAtMs ?? Infinity) > this.#clock.wallNow() && this.#keys.has(keyId)
  }

  all(): ApiKeyView[] {
    return [...this.#keys.values()].map((key) => this.#viewOf(key))
  }

  /** @throws {UsageError} if there can be no such key */
  create({ name, role, expiresInSeconds }: ApiKeyRequest): Promise<CreatedApiKey> {
    return this.#change(async () => {
      this.#mustBePossible(name)
      const nowMs = this.#clock.wallNow()
      const keyId = Buffer.from(this.#clock.randomBytes(ID_BYTES)).toString('hex')
      const secret = Buffer.from(this.#clock.randomBytes(SECRET_BYTES)).toString('base64url')
      const expiresAtMs = expiresInSeconds === undefined ? undefined : nowMs + expiresInSeconds * 1000
      const hash = hashOf(secret).toString('base64url')
      const stored: StoredKey = { keyId, hash, name, role, createdAtMs: nowMs, expiresAtMs }
      await this.#store(new Map([...this.#keys, [keyId, stored]]))
      return { ...this.#viewOf(stored), key: `sluice_${keyId}_${secret}` }
    })
  }

  /** @returns whether there was one */
  delete(keyId: string): Promise<boolean> {
    return this.#change(async () => {
      if (!this.#keys.has(keyId)) return false
      await this.#store(new Map([...this.#keys].filter(([other]) => other !== keyId)))
      this.#lastUsedAtMs.delete(keyId)
      return true
    })
  }

  #mustBePossible(name: string): void {
    if (this.#path === '') throw new UsageError('keys cannot be stored: set `admin.keys-file`')
    if (name === '' || name.length > MAX_NAME_LENGTH) {
      throw new UsageError(`the name of a key has 1 to ${MAX_NAME_LENGTH} characters, this one has ${name.length}`)
    }
    if (this.#keys.size >= MAX_KEYS) throw new UsageError(`there are ${MAX_KEYS} keys already; delete some first`)
  }

  #change<Result>(change: () => Promise<Result>): Promise<Result> {
    const done = this.#changing.then(change)
    this.#changing = done.catch(() => {})
    return done
  }

  async #store(keys: ReadonlyMap<string, StoredKey>): Promise<void> {
    const text = `${JSON.stringify({ version: 1, keys: [...keys.values()] }, null, 2)}\n`
    try {
      await replaceFile(this.#path, text)
    } catch (cause) {
      throw new SluiceError('ERR_ADMIN_KEYS', `cannot write ${this.#path}: ${messageOf(cause)}`, { cause })
    }
    this.#keys = keys
  }

  #viewOf({ keyId, name, role, createdAtMs, expiresAtMs }: StoredKey): ApiKeyView {
    return { keyId, name, role, createdAtMs, expiresAtMs, lastUsedAtMs: this.#lastUsedAtMs.get(keyId) }
  }
}

function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

async function readKeys(path: string): Promise<readonly StoredKey[]> {
  if (path === '') return []
  try {
    return parseKeyFile(await readFile(path, 'utf8'))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    const message = `admin.keys-file: ${path} cannot be used: ${messageOf(cause)}`
    throw new ConfigError('ERR_ADMIN_KEYS', message, { cause })
  }
}
