/**
 * Checks that the examples in the documentation are correct. There are two kinds, by the conventions of
 * docs/examples.md:
 *
 *   - `@example` in a docstring of `src/`: statements, with the module's exports in scope; a line `expression // value`
 *     must give that value.
 *   - ```js and ```ts blocks of README.md and docs/, and the files of examples/embedding/: each is a program that imports
 *     `sluice` as a user does. A ```yaml block is a configuration, which must be a good one.
 *
 * All of them become one TypeScript project in `build/examples/`, so they are type-checked together; what is not marked
 * `no-run` is then run, docstrings in one process, blocks in a process each, in an empty folder and with a time limit.
 *
 *     node build/tools/examples.js
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { blocksIn, docstringProgram, fileProgram } from './example-text.ts'
import type { Program } from './example-text.ts'
import { isMain, root } from './main.ts'
import { filesUnder } from './source.ts'

const RUN_LIMIT_MS = 15_000
const FOLDER = 'build/examples'
const STANDARD_PORT = '1883'

/** The compiler options for examples: strict, like those of many users, without our own rules. */
const TSCONFIG = {
  extends: '../../tsconfig.base.json',
  compilerOptions: {
    rootDir: 'source',
    outDir: 'compiled',
    allowJs: true,
    checkJs: true,
    noUncheckedIndexedAccess: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
    verbatimModuleSyntax: false,
    declaration: false,
    sourceMap: false,
    incremental: false,
  },
  include: ['source'],
}

/** All examples as programs. */
function collect(): Program[] {
  const docstrings = filesUnder(root, 'src', '.ts').map((file) => docstringProgram(file, read(file)))
  const manual = ['README.md', ...filesUnder(root, 'docs', '.md').filter((file) => !file.startsWith('docs/decisions/'))]
  const embedding = ['.js', '.ts'].flatMap((extension) => filesUnder(root, 'examples/embedding', extension))
  return [
    ...docstrings.filter((one) => one.lines.length > 0),
    ...manual.flatMap((file) => blocksIn(file, read(file))),
    ...embedding.map((file) => fileProgram(file, read(file))),
  ]
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** The port in the manual is in use on many machines, so its programs run with a free one. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function write(programs: readonly Program[]): Promise<void> {
  rmSync(join(root, FOLDER), { recursive: true, force: true })
  for (const program of programs) {
    const path = join(root, FOLDER, 'source', program.name)
    const port = program.file.startsWith('src/') ? STANDARD_PORT : String(await freePort())
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, program.lines.map((line) => line.text.replaceAll(STANDARD_PORT, port)).join('\n'))
  }
  writeFileSync(join(root, FOLDER, 'tsconfig.json'), JSON.stringify(TSCONFIG))
}

/** Type-checks and compiles; errors are reported with the line of the documentation. */
function compile(programs: readonly Program[]): string[] {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', '.', '--pretty', 'false'], {
    cwd: join(root, FOLDER),
    encoding: 'utf8',
  })
  const byName = new Map(programs.map((program) => [program.name, program]))
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const match = /^source\/(.+?)\((\d+),\d+\): error (.*)$/.exec(line)
      const program = match === null ? undefined : byName.get(match[1]!)
      return program === undefined
        ? line
        : `${program.file}:${program.lines[Number(match![2]) - 1]?.line ?? 1}: ${match![3]}`
    })
}

function run(program: Program): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-example-'))
  const compiled = join(root, FOLDER, 'compiled', program.name.replace(/ts$/, 'js'))
  try {
    const { status, stdout, stderr, error } = spawnSync(process.execPath, [compiled], {
      cwd: folder,
      encoding: 'utf8',
      timeout: RUN_LIMIT_MS,
      killSignal: 'SIGKILL',
    })
    if (status === 0) return undefined
    const tooLong = (error as NodeJS.ErrnoException | undefined)?.code === 'ETIMEDOUT'
    const cause = tooLong ? `did not end within ${RUN_LIMIT_MS / 1000} s` : `ended with ${status}`
    return `${program.file}:${program.lines[0]?.line ?? 1}: ${cause}\n${stdout}${stderr}`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function main(): Promise<boolean> {
  const programs = collect()
  await write(programs)
  let complaints = compile(programs)
  if (complaints.length === 0) {
    complaints = programs.filter((program) => program.runs).flatMap((program) => run(program) ?? [])
  }
  for (const complaint of complaints) console.error(complaint)
  const ran = programs.filter((program) => program.runs).length
  console.log(`${programs.length} programs of examples, ${ran} of them run, ${complaints.length} complaints`)
  return complaints.length === 0
}

if (isMain(import.meta.url)) process.exitCode = (await main()) ? 0 : 1
