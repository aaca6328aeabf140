/**
 * Checks the structure drawn in docs/ARCHITECTURE.md: imports point down only (types too), there are no cycles,
 * `protocol/` and everything below it uses no socket, file, clock, randomness or `await`, and only
 * `turn/clock.ts` (besides the program, the benchmark and a lock between processes) reads real time or
 * randomness. It also limits the length of files, and the part of the source that is in one folder.
 *
 *     node build/tools/floors.js
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { filesUnder, importsOf, lineAt, readSource } from './source.ts'
import type { Import } from './source.ts'
import { isMain, root } from './main.ts'

/**
 * The floor of each folder of `src/` (or of a single file there). A file imports from lower floors and its own folder.
 */
export const FLOORS: Readonly<Record<string, number>> = {
  base: 0,
  codec: 1,
  topics: 1,
  protocol: 2,
  stores: 3,
  // Other nodes of a cluster: empty for now.
  cluster: 3,
  // A client of our own, for tools, bridges and tests.
  client: 3,
  access: 3,
  config: 3.5,
  // What the broker is built on: each knows nothing of those above it.
  reporting: 3.6,
  limits: 3.7,
  turn: 3.8,
  routing: 3.9,
  broker: 4,
  listeners: 5,
  plugins: 5,
  telemetry: 5,
  admin: 5,
  bridges: 5,
  // Drives any broker over the network, including ours; it starts the program and imports no part of it above this
  // floor.
  bench: 5,
  // Connects the floors: it passes listeners and plugins to the broker below them.
  'create-broker.ts': 5.4,
  'index.ts': 5.5,
  // For users' tests: a whole Broker in memory.
  testing: 5.6,
  cli: 6,
}

/**
 * The rooms inside a folder, lowest first: a file imports from its own room and from those below. Files outside the
 * rooms, at the top of the folder, are above all of them.
 */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  broker: ['sessions', 'durable', 'host'],
}

/** The most lines of a source file. */
const MOST_LINES = 400

/** Tables, whose rows are short, and what is made from them, may be longer. */
const TABLES: readonly string[] = ['src/config/option-table.ts', 'src/config/option-types.ts']

/** The largest part of the source that a folder may hold, where everything meets and code gathers by itself. */
const LARGEST_SHARES: Readonly<Record<string, number>> = { broker: 0.2 }

/** The highest pure floor: it sees bytes and `now`, and nothing else from outside. */
const PURE_UP_TO = FLOORS['protocol']!

/** Files that may read real time and randomness. */
const TIME_KEEPERS = ['src/turn/clock.ts']

/** Folders that may do so as well: the program, and the benchmark, which measures real brokers in real time. */
const REAL_TIME_PARTS = ['cli', 'bench']

const WORLD_MODULES =
  /^node:(?:net|tls|http|https|http2|dgram|dns|fs|timers|crypto|process|os|child_process|cluster|worker_threads|perf_hooks)(?:\/|$)/

interface Ban {
  readonly pattern: RegExp
  readonly instead: string
}

const REAL_TIME: readonly Ban[] = [
  { pattern: /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)/g, instead: 'use clock.wallNow()' },
  { pattern: /\bperformance\.now\b|\bprocess\.(?:hrtime|uptime)\b/g, instead: 'use clock.now()' },
  { pattern: /\bMath\.random\b/g, instead: 'use clock.random()' },
  {
    pattern:
      /\b(?:web)?crypto\.(?:random\w+|getRandomValues)\b|\bimport\s*\{[^}]*\brandom(?:Bytes|UUID|Int|FillSync)\b/g,
    instead: 'use clock.randomBytes()',
  },
  {
    pattern: /(?<![.\w$#])(?:setTimeout|setInterval)\b|\bAbortSignal\.timeout\b/g,
    instead: 'use clock.setTimer()',
  },
  { pattern: /(?<![.\w$#])setImmediate\b|\bprocess\.nextTick\b/g, instead: 'use clock.atEndOfTurn()' },
]

const WAITING: Ban = {
  pattern: /(?<![.\w$#])(?:async|await)\b/g,
  instead: 'return Pending or a MaybePromise; the machine itself never awaits',
}

/** One violation, ready to print. */
export interface Finding {
  readonly file: string
  readonly line: number
  readonly message: string
}

/** `src/broker/x.ts` is in `broker`, `src/index.ts` is in `index.ts`. */
function partOf(file: string): string {
  return file.split('/')[1] ?? ''
}

/**
 * Finds violations.
 *
 * @param files every source file, by its path from the project's folder, such as `src/base/errors.ts`
 */
export function findBreaches(files: ReadonlyMap<string, string>): Finding[] {
  const findings: Finding[] = []
  const graph = new Map<string, readonly string[]>()
  for (const [file, text] of files) {
    const part = partOf(file)
    const floor = FLOORS[part]
    if (floor === undefined) {
      findings.push({ file, line: 1, message: `${part} has no floor; give it one in tools/floors.ts` })
      continue
    }
    const rooms = ROOMS[part]
    if (rooms !== undefined && roomOf(file, rooms) < 0) {
      findings.push({ file, line: 1, message: `its room is not listed for ${part}; add it in tools/floors.ts` })
    }
    const lines = text.split('\n').length - 1
    if (lines > MOST_LINES && !TABLES.includes(file)) {
      findings.push({
        file,
        line: MOST_LINES + 1,
        message: `has ${lines} lines, and may have ${MOST_LINES}; a file holds one noun`,
      })
    }
    const { code } = readSource(text)
    const imports = importsOf(text, code)
    graph.set(
      file,
      imports.filter((one) => one.specifier.startsWith('.')).map((one) => target(file, one)),
    )
    for (const one of imports) {
      const message = one.specifier.startsWith('.') ? wrongWay(file, floor, one, files) : notPure(floor, one)
      if (message !== undefined) findings.push({ file, line: one.line, message })
    }
    for (const ban of bansFor(file, floor)) {
      for (const match of code.matchAll(ban.pattern)) {
        const message = `\`${match[0].trim()}\` is not allowed in ${part}: ${ban.instead}`
        findings.push({ file, line: lineAt(text, match.index), message })
      }
    }
  }
  return [...findings, ...findCycles(graph)]
}

/** Finds folders that hold too large a part of the source, by lines. */
export function findLargeFolders(files: ReadonlyMap<string, string>): Finding[] {
  const lines = new Map<string, number>()
  let all = 0
  for (const [file, text] of files) {
    const count = text.split('\n').length - 1
    lines.set(partOf(file), (lines.get(partOf(file)) ?? 0) + count)
    all += count
  }
  return Object.entries(LARGEST_SHARES).flatMap(([folder, share]) => {
    const count = lines.get(folder) ?? 0
    if (count <= share * all) return []
    const message = `has ${count} of ${all} lines, and may have ${share * 100} %; move a room to a floor of its own`
    return [{ file: `src/${folder}`, line: 1, message }]
  })
}

function target(file: string, one: Import): string {
  return posix.join(dirname(file), one.specifier)
}

function wrongWay(file: string, floor: number, one: Import, files: ReadonlyMap<string, string>): string | undefined {
  const to = target(file, one)
  if (!to.startsWith('src/')) return `imports ${one.specifier}, which is outside src/`
  if (!files.has(to)) return `imports ${one.specifier}, which is not a file; relative imports end in .ts`
  const part = partOf(to)
  if (part === partOf(file)) return wrongRoom(file, to, part)
  const other = FLOORS[part] ?? Infinity
  if (other < floor) return undefined
  const where = other === floor ? 'beside it, on the same floor' : `above it, on floor ${other}`
  return `imports ${to}: ${partOf(file)} is on floor ${floor} and ${part} is ${where}; imports point down only (pass it in instead)`
}

/** Checks an import within one folder. */
function wrongRoom(file: string, to: string, part: string): string | undefined {
  const rooms = ROOMS[part]
  if (rooms === undefined) return undefined
  const from = roomOf(file, rooms)
  const other = roomOf(to, rooms)
  if (other <= from) return undefined
  const above = rooms[other] ?? `the top of ${part}`
  return `imports ${to}: the room ${rooms[from]} lies below ${above}; imports point down only (pass it in instead)`
}

/** Index of the room that `file` is in, -1 for an unknown one; the number of rooms for a file at the top. */
function roomOf(file: string, rooms: readonly string[]): number {
  const [, , folder = '', ...rest] = file.split('/')
  return rest.length === 0 ? rooms.length : rooms.indexOf(folder)
}

function notPure(floor: number, one: Import): string | undefined {
  if (floor > PURE_UP_TO) return undefined
  if (!one.specifier.startsWith('node:'))
    return `imports the package ${one.specifier}; floors 0 to ${PURE_UP_TO} need none`
  if (!WORLD_MODULES.test(one.specifier)) return undefined
  return `imports ${one.specifier}; floors 0 to ${PURE_UP_TO} use bytes and \`now\` only (pass it in instead)`
}

function bansFor(file: string, floor: number): readonly Ban[] {
  if (floor <= PURE_UP_TO) return [...REAL_TIME, WAITING]
  return TIME_KEEPERS.includes(file) || REAL_TIME_PARTS.includes(partOf(file)) ? [] : REAL_TIME
}

/** Each cycle of imports once, at the file where it was entered. */
function findCycles(graph: ReadonlyMap<string, readonly string[]>): Finding[] {
  const findings: Finding[] = []
  const finished = new Set<string>()
  const path: string[] = []
  const visit = (file: string): void => {
    if (finished.has(file)) return
    const entered = path.indexOf(file)
    if (entered !== -1) {
      const circle = [...path.slice(entered), file].join(' -> ')
      findings.push({ file, line: 1, message: `imports form a cycle: ${circle}` })
      return
    }
    path.push(file)
    for (const next of graph.get(file) ?? []) visit(next)
    path.pop()
    finished.add(file)
  }
  for (const file of graph.keys()) visit(file)
  return findings
}

if (isMain(import.meta.url)) {
  const paths = filesUnder(root, 'src', '.ts')
  const files = new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]))
  const findings = [...findBreaches(files), ...findLargeFolders(files)]
  for (const { file, line, message } of findings) console.error(`${file}:${line}: ${message}`)
  console.log(`${paths.length} files, ${findings.length} breaches`)
  process.exitCode = findings.length === 0 ? 0 : 1
}
