/**
 * Saved connections: the connection flags of a broker under a name, in `~/.config/sluice/contexts.json`. The file may
 * contain passwords, so only its owner may read it (mode 0600).
 *
 * @module
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import { parseFlags } from './flags.ts'
import { settingsOf } from './settings.ts'

/** The content of the file. */
interface Saved {
  /** The context that applies if a command names no server. */
  readonly current?: string
  /** Flags by name, as they were written. */
  readonly contexts: Readonly<Record<string, readonly string[]>>
}

/** The flags of which a context may consist. */
const CONNECTION_FLAGS: readonly string[] = [
  ...['host', 'port', 'url', 'unix', 'A', 'username', 'pw', 'id', 'id-prefix', 'protocol-version', 'keepalive'],
  ...['cafile', 'capath', 'tls-use-os-certs', 'cert', 'key', 'keyform', 'ciphers', 'tls-version', 'tls-alpn'],
  ...['insecure', 'psk', 'psk-identity', 'proxy'],
]
/** Flags whose value is a file: a context applies in every folder. */
const PATHS = new Set(['--cafile', '--capath', '--cert', '--key', '--unix'])
/** Flags that name a server, so that the current context does not apply. */
const SERVER_FLAGS = ['host', 'url', 'unix', 'port'] as const

export class Contexts {
  readonly #path: string
  #saved: Saved

  /** @throws {UsageError} if the file exists and cannot be used */
  constructor(path: string = pathOfContexts()) {
    this.#path = path
    this.#saved = readSaved(path)
  }

  get names(): readonly string[] {
    return Object.keys(this.#saved.contexts)
  }

  get current(): string | undefined {
    return this.#saved.current
  }

  /** The flags of a context. @throws {UsageError} if there is none of that name */
  flags(name: string): readonly string[] {
    const flags = this.#saved.contexts[name]
    if (flags !== undefined) return flags
    const meant = nearest(name, this.names)
    const hint = meant === undefined ? '`sluice context ls` lists all.' : `Did you mean ${meant}?`
    throw new UsageError(`There is no context ${name}. ${hint}`)
  }

  /** @throws {UsageError} for flags that are wrong, or are not about a connection */
  add(name: string, flags: readonly string[]): void {
    const absolute = flags.map((word, at) => (PATHS.has(flags[at - 1] ?? '') ? resolve(word) : word))
    const parsed = parseFlags('pub', absolute)
    const other = parsed.names.find((flag) => !CONNECTION_FLAGS.includes(flag))
    if (other !== undefined) {
      throw new UsageError(
        `A context consists of connection options; ${other.length > 1 ? '--' : '-'}${other} is none.`,
      )
    }
    settingsOf(parsed)
    this.#save({ ...this.#saved, contexts: { ...this.#saved.contexts, [name]: absolute } })
  }

  /** @param name `undefined` for none */
  use(name: string | undefined): void {
    if (name !== undefined) this.flags(name)
    const { contexts } = this.#saved
    this.#save(name === undefined ? { contexts } : { contexts, current: name })
  }

  remove(name: string): void {
    this.flags(name)
    const { [name]: _, ...contexts } = this.#saved.contexts
    const { current } = this.#saved
    this.#save(current === undefined || current === name ? { contexts } : { contexts, current })
  }

  #save(saved: Saved): void {
    this.#saved = saved
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
    // In one step, so that nobody reads half of it.
    const temporary = `${this.#path}.${process.pid}`
    writeFileSync(temporary, `${JSON.stringify(saved, undefined, 2)}\n`, { mode: 0o600 })
    chmodSync(temporary, 0o600)
    renameSync(temporary, this.#path)
  }
}

/** Where contexts are kept. */
export function pathOfContexts(): string {
  return join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'sluice', 'contexts.json')
}

function readSaved(path: string): Saved {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { contexts: {} }
    throw new UsageError(`${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
  try {
    const saved = JSON.parse(text) as Saved
    if (typeof saved.contexts === 'object' && saved.contexts !== null) return saved
  } catch (error) {
    throw new UsageError(`${path} contains no JSON: ${(error as Error).message}`, { cause: error })
  }
  throw new UsageError(`${path} contains no contexts.`)
}

/**
 * The flags of the context that applies to a command line: the one that `--context` names, or the current one if no
 * flag names a server. The command line's own flags come after them, and so override them.
 *
 * @throws {UsageError} if the named context does not exist
 */
export function contextFlags(tool: 'pub' | 'sub' | 'rr', args: readonly string[]): readonly string[] {
  const flags = parseFlags(tool, args)
  const named = flags.value('context')
  if (named !== undefined) return new Contexts().flags(named)
  if (SERVER_FLAGS.some((name) => flags.has(name))) return []
  const contexts = new Contexts()
  return contexts.current === undefined ? [] : contexts.flags(contexts.current)
}
