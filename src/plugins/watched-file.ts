/**
 * A text file whose content is kept parsed, and is reloaded when the file changes.
 *
 * Checks the file's status every two seconds instead of watching it through the operating system: this also detects a
 * file that is replaced by a rename, or by a symbolic link that moves, as editors and container platforms do. A change
 * that cannot be parsed is logged, and the last valid content stays in use.
 *
 * @module
 */
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Timer } from '../base/clock.ts'
import { ConfigError } from '../base/errors.ts'
import type { PluginContext } from '../access/plugin.ts'
import { decodeText } from '../config/text-file.ts'

/** Milliseconds between two checks of a file. */
export const FILE_LOOK_INTERVAL_MS = 2000

/**
 * Parses the text of a file. Messages of a `ConfigError` begin with the line, as in `line 3 …`; they quote no secrets.
 */
export type ParseFile<Content> = (text: string) => Content
type ParseBytes<Content> = (bytes: Uint8Array) => Content

interface FileState<Content> {
  /** The status from the operating system, as one text to compare. */
  readonly facts: string
  readonly content: Content
}

export class WatchedFile<Content> {
  /** Absolute path. */
  readonly path: string
  readonly #context: PluginContext
  readonly #parse: ParseBytes<Content>
  readonly #onChange: () => void
  #content: Content
  #facts: string
  #timer: Timer | undefined
  #closed = false

  private constructor(
    path: string,
    context: PluginContext,
    parse: ParseBytes<Content>,
    onChange: () => void,
    { facts, content }: FileState<Content>,
  ) {
    this.path = path
    this.#context = context
    this.#parse = parse
    this.#onChange = onChange
    this.#content = content
    this.#facts = facts
    this.#lookLater()
  }

  /**
   * Reads the file for the first time.
   *
   * @param path relative to the context's base folder, unless absolute
   * @param onChange called each time new content is in use
   * @throws {ConfigError} `ERR_CONFIG_FILE` if it cannot be read or parsed
   */
  static async open<Content>(
    path: string,
    context: PluginContext,
    parse: ParseFile<Content>,
    onChange: () => void = () => undefined,
  ): Promise<WatchedFile<Content>> {
    return WatchedFile.openBytes(path, context, (bytes) => parse(decodeText(bytes)), onChange)
  }

  /** The same for a file that need not be text. */
  static async openBytes<Content>(
    path: string,
    context: PluginContext,
    parse: ParseBytes<Content>,
    onChange: () => void = () => undefined,
  ): Promise<WatchedFile<Content>> {
    const absolute = resolve(context.baseFolder, path)
    return new WatchedFile(absolute, context, parse, onChange, await read(absolute, parse))
  }

  get content(): Content {
    return this.#content
  }

  /** Checks now; resolves when the content is up to date, or the reason why it is not has been logged. */
  async look(): Promise<void> {
    try {
      if ((await factsOf(this.path)) === this.#facts) return
      const { facts, content } = await read(this.path, this.#parse)
      if (this.#closed) return
      this.#facts = facts
      this.#content = content
      this.#context.log.info({ file: this.path }, `${this.path} changed and was reloaded`)
      this.#onChange()
    } catch (error) {
      await this.#keepLast(error)
    }
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  /** Logs once for each state of the file, not at each check. */
  async #keepLast(error: unknown): Promise<void> {
    const facts = await factsOf(this.path).catch(() => 'missing')
    if (facts === this.#facts) return
    this.#facts = facts
    const cause = error instanceof Error ? error.message : String(error)
    this.#context.log.error({ file: this.path }, `the previous content stays in use: ${cause}`)
  }

  #lookLater(): void {
    if (this.#closed) return
    this.#timer = this.#context.clock.setTimer(FILE_LOOK_INTERVAL_MS, () => {
      void this.look().then(() => this.#lookLater())
    })
  }
}

async function read<Content>(path: string, parse: ParseBytes<Content>): Promise<FileState<Content>> {
  // The status comes first: a change while the text is read is then detected at the next check.
  const facts = await factsOf(path).catch((error: unknown) => unreadable(path, error))
  try {
    return { facts, content: parse(await readFile(path)) }
  } catch (error) {
    if (!(error instanceof ConfigError)) return unreadable(path, error)
    const messages = error.problems.map(({ message }) => `${path}, ${message}`)
    throw new ConfigError('ERR_CONFIG_FILE', messages.join('\n'), { cause: error })
  }
}

async function factsOf(path: string): Promise<string> {
  const { ino, size, mtimeMs, ctimeMs } = await stat(path)
  return `${ino} ${size} ${mtimeMs} ${ctimeMs}`
}

function unreadable(path: string, error: unknown): never {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  throw new ConfigError('ERR_CONFIG_FILE', `${path} cannot be read (${code})`, { cause: error })
}
