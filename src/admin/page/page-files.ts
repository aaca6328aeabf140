/**
 * The page for operators, as files: read into memory with the first request for one of them, and served by exact name,
 * so that no path can lead out of the folder.
 *
 *   dist/page ──read once──> name ──> bytes, and the same bytes as br and gzip     about 300 kB in all
 *
 * Names below `/assets/` carry a hash of their content and never change; `/` is asked for again each time.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { moduleFolder } from '../../base/module-url.ts'
import { MadeOnce } from '../made-once.ts'
import type { Answer, RequestHead } from '../http/request.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** What browsers accept, the smallest first, and the ending of the file that has it. */
const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const

/** Nothing from elsewhere, no code within the document, in no frame of others. */
export const PAGE_POLICY =
  "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const PAGE_HEADERS = { 'Content-Security-Policy': PAGE_POLICY, Vary: 'Accept-Encoding' } as const
const UNCHANGING = 'public, max-age=31536000, immutable'
const ASKED_AGAIN = 'no-cache'

interface PageFile {
  readonly type: string
  readonly tag: string
  /** By encoding; the empty one is the file itself. */
  readonly bytes: ReadonlyMap<string, Uint8Array>
}

type Files = ReadonlyMap<string, PageFile>

export class PageFiles {
  readonly #folders: readonly string[]
  readonly #files = new MadeOnce(() => this.#read())

  /** @param folders where the page may be; the first that exists is used */
  constructor(folders: readonly string[] = packageFolders()) {
    this.#folders = folders
  }

  /** @returns the answer to a GET of that path; `undefined` if it is no file of the page */
  async answer(path: string, { headers }: RequestHead): Promise<Answer | undefined> {
    const files = await this.#files.get()
    const file = files.get(path)
    if (file === undefined) return undefined
    const caching = path.startsWith('/assets/') ? UNCHANGING : ASKED_AGAIN
    const common = { ...PAGE_HEADERS, 'Cache-Control': caching, ETag: file.tag }
    if (headers['if-none-match'] === file.tag) return { status: 304, headers: common, body: [] }
    const accepted = headers['accept-encoding'] ?? ''
    const [encoding] = ENCODINGS.find(([name]) => file.bytes.has(name) && accepts(accepted, name)) ?? ['']
    const encoded = encoding === '' ? {} : { 'Content-Encoding': encoding }
    return {
      status: 200,
      headers: { ...common, ...encoded, 'Content-Type': file.type },
      body: [file.bytes.get(encoding)!],
    }
  }

  async #read(): Promise<Files> {
    for (const folder of this.#folders) {
      const names = await readdir(folder, { recursive: true }).catch(() => [])
      if (names.length > 0) return filesOf(folder, names)
    }
    return new Map()
  }
}

/** `dist/page` of this package, from `dist` and from where the tests are compiled to. */
function packageFolders(): readonly string[] {
  return ['page/', '../../dist/page/'].map((path) => fileURLToPath(new URL(path, moduleFolder)))
}

async function filesOf(folder: string, names: readonly string[]): Promise<Files> {
  const files = new Map<string, PageFile>()
  for (const name of names.filter((one) => extname(one) in TYPES)) {
    const bytes = new Map<string, Uint8Array>([['', await readFile(`${folder}/${name}`)]])
    for (const [encoding, ending] of ENCODINGS) {
      if (names.includes(name + ending)) bytes.set(encoding, await readFile(`${folder}/${name}${ending}`))
    }
    const hash = createHash('sha256').update(bytes.get('')!).digest('base64url')
    const file = { type: TYPES[extname(name)]!, tag: `"${hash.slice(0, 22)}"`, bytes }
    const path = `/${name.replaceAll('\\', '/')}`
    files.set(path === '/index.html' ? '/' : path, file)
  }
  return files
}

/** Whether a header such as `gzip, br;q=0.5` accepts that encoding. */
function accepts(header: string, encoding: string): boolean {
  return header.split(',').some((one) => {
    const [name, ...parameters] = one.split(';').map((part) => part.trim().toLowerCase())
    return name === encoding && !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))
  })
}
