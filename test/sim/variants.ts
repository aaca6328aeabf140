/**
 * Do the oracles bite? Breaks the broker in one place, and looks whether a simulation turns red.
 *
 *   a copy of the tree ──one text changed──> tsc ──> seeds 1, 2, 3 … until an oracle speaks up
 *
 * @module
 */
import { spawnSync } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeededRandom } from '../../src/testing/random.ts'
import { root } from '../../tools/main.ts'
import { Progress } from '../../tools/progress.ts'
import { runBatch } from './batch.ts'
import { variants, type Variant } from './variants/index.ts'

const COPIED = ['src', 'test/sim', 'test/support/sessions.ts', 'tools', 'package.json', 'tsconfig.base.json']
const TSCONFIG = {
  extends: './tsconfig.base.json',
  // What is broken may leave something unused.
  compilerOptions: {
    noUnusedLocals: false,
    noUnusedParameters: false,
    rootDir: '.',
    outDir: 'build',
    tsBuildInfoFile: 'build/.tsbuildinfo',
  },
  include: ['src', 'test/sim', 'test/support/sessions.ts', 'tools'],
}
const WITHIN_SEEDS = 40

async function makeScratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-variants-'))
  await Promise.all(COPIED.map((name) => cp(join(root, name), join(folder, name), { recursive: true })))
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG))
  return folder
}

/** @returns what the compiler says; empty if all is well */
function compile(folder: string): string {
  const { stdout } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'], {
    cwd: folder,
    encoding: 'utf8',
  })
  return stdout.trim()
}

/** @returns what an oracle said, and after how many seeds; `problem` if none did */
async function tryVariant(
  folder: string,
  variant: Variant,
  workers: number | undefined,
): Promise<{ problem?: string; caught?: string }> {
  const { file, from, to, within = WITHIN_SEEDS, stored = false } = variant
  const path = join(folder, file)
  const original = await readFile(path, 'utf8')
  const places = original.split(from).length - 1
  if (places !== 1) return { problem: `its text stands ${places} times in ${file}` }
  await writeFile(
    path,
    original.replace(from, () => to),
  )
  try {
    const said = compile(folder)
    if (said !== '') return { problem: `does not compile: ${said}` }
    const { failed, runs } = await runBatch({
      firstSeed: 1,
      seeds: within,
      folder,
      shrinks: false,
      stored,
      ...(workers && { workers }),
    })
    if (failed !== undefined) return { caught: `seed ${failed.seed}: ${failed.violation}` }
    return { problem: runs === within ? `not caught within ${within} seeds` : 'the simulation itself broke' }
  } finally {
    await writeFile(path, original)
  }
}

/** @returns so many of the variants, which ones the seed decides */
export function sampleVariants(count: number, seed: number): readonly Variant[] {
  const random = new SeededRandom(seed)
  const left = [...variants]
  return Array.from({ length: Math.min(count, left.length) }, () => left.splice(random.integer(left.length), 1)[0]!)
}

/** @returns whether every one of them was caught */
export async function runVariants(variants: readonly Variant[], workers?: number): Promise<boolean> {
  const progress = new Progress('variants', { total: variants.length })
  const folder = await makeScratch()
  let missed = 0
  try {
    for (const [index, variant] of variants.entries()) {
      const { problem, caught } = await tryVariant(folder, variant, workers)
      progress.finish()
      if (problem !== undefined) missed++
      console.log(`${problem === undefined ? 'caught' : 'MISSED'} ${variant.name}\n       ${problem ?? caught}`)
      progress.update(index + 1, `${missed} missed`)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
  progress.finish()
  console.log(`${variants.length - missed} of ${variants.length} variants caught`)
  return missed === 0
}
