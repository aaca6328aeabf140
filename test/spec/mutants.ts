/**
 * Do the tests notice? Breaks the source in one line, and looks whether the tests of the statements at hand turn red.
 *
 *   a copy of the tree ──one line changed──> tsc ──> only tests that name the ids ──> every id has a red test?
 *
 * One copy for each processor; the tree itself is never touched. A mutant has to compile: what the compiler finds needs no
 * test.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { cp, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../../tools/main.ts'
import { Progress } from '../../tools/progress.ts'
import { keysIn } from './ledger.ts'
import { mutants, type Mutant } from './mutants/index.ts'
import { runFiles, type Result } from './run.ts'

const COPIED = ['src', 'test', 'tools', 'bench', 'package.json', 'tsconfig.base.json', 'tsconfig.json']

/** A copy of the tree to break. */
class Scratch {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async make(): Promise<Scratch> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-mutants-'))
    await Promise.all(COPIED.map((name) => cp(join(root, name), join(folder, name), { recursive: true })))
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    const scratch = new Scratch(folder)
    await scratch.compile()
    return scratch
  }

  /** @returns what the compiler says; empty if all is well */
  async compile(): Promise<string> {
    const arguments_ = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json']
    const compiler = spawn(process.execPath, arguments_, { cwd: this.folder, stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    for await (const chunk of compiler.stdout) said += String(chunk)
    return said
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Tries one mutant. @returns what is wrong with it; `undefined` if it was killed by every id that it names */
async function tryMutant(scratch: Scratch, mutant: Mutant, baseline: readonly Result[]): Promise<string | undefined> {
  const path = join(scratch.folder, mutant.file)
  const original = await readFile(path, 'utf8')
  const places = original.split(mutant.from).length - 1
  if (places !== 1) return `its text stands ${places} times in ${mutant.file}`
  const keys = keysIn(`[${mutant.breaks}]`)
  const unproven = keys.filter((key) => !baseline.some(({ keys: named, passed }) => passed && named.includes(key)))
  if (unproven.length > 0) return `no passing test names ${unproven.join(', ')}`
  await writeFile(
    path,
    original.replace(mutant.from, () => mutant.to),
  )
  try {
    const said = await scratch.compile()
    if (said !== '') return `does not compile: ${said.trim()}`
    const results = await runNamed(scratch, keys, baseline)
    const survived = keys.filter((key) => !results.some((result) => !result.passed && result.keys.includes(key)))
    return survived.length === 0 ? undefined : `survived the tests of ${survived.join(', ')}`
  } finally {
    await writeFile(path, original)
  }
}

async function runNamed(scratch: Scratch, keys: readonly string[], baseline: readonly Result[]): Promise<Result[]> {
  const wanted = baseline.filter((result) => result.keys.some((key) => keys.includes(key)))
  const files = [...new Set(wanted.map(({ file }) => file))]
  const patterns = keys.map((key) => new RegExp(`${key.split(' ')[1]!.replaceAll('.', String.raw`\.`)}(?!\\d)`))
  const compiled = files.map((file) => join(scratch.folder, 'build', file.replace(/\.ts$/, '.js')))
  return runFiles(compiled, { folder: scratch.folder, patterns, atOnce: 1 })
}

/**
 * Tries all mutants whose name or ids hold `only`.
 *
 * @param baseline what the tests say of the source as it is
 * @returns whether every one was killed by the ids that it names
 */
export async function runMutants(baseline: readonly Result[], only: string): Promise<boolean> {
  const chosen = mutants.filter(({ name, breaks }) => name.includes(only) || breaks.includes(only))
  const progress = new Progress('mutants', { total: chosen.length })
  const survivors: string[] = []
  const waiting = [...chosen]
  const scratches = await Promise.all(Array.from({ length: availableParallelism() }, () => Scratch.make()))
  const removeAll = (): void => scratches.forEach((scratch) => scratch.remove())
  const interrupted = (): void => {
    removeAll()
    process.exit(130)
  }
  process.once('SIGINT', interrupted)
  process.once('SIGTERM', interrupted)
  const work = async (scratch: Scratch): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const problem = await tryMutant(scratch, next, baseline)
      if (problem !== undefined) survivors.push(`${next.name} [${next.breaks}]: ${problem}`)
      progress.update(chosen.length - waiting.length, `${survivors.length} alive`)
    }
  }
  try {
    await Promise.all(scratches.map(work))
  } finally {
    process.off('SIGINT', interrupted)
    process.off('SIGTERM', interrupted)
    removeAll()
  }
  progress.finish()
  for (const survivor of survivors) console.log(survivor)
  console.log(`${chosen.length - survivors.length} of ${chosen.length} mutants killed by the ids that they name`)
  return survivors.length === 0 && chosen.length > 0
}
