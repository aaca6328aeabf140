/**
 * Compiles all broken files at once. Each is written next to its original, in a copy of the source:
 *
 *   src/protocol/session.ts            the original
 *   src/protocol/session.mutant-2.ts   the same with one text replaced
 *
 * so that one run of the compiler, of a few seconds, is enough for hundreds of them.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../../../tools/main.ts'
import type { Mutant } from './mutant.ts'

/** A mutant as JavaScript, or why there is none. */
export type CompiledMutant =
  { readonly mutant: Mutant; readonly code: string } | { readonly mutant: Mutant; readonly problem: string }

const TSCONFIG = {
  extends: join(root, 'tsconfig.base.json'),
  compilerOptions: { rootDir: '.', outDir: 'build', declaration: false, sourceMap: false, incremental: false },
  include: ['src'],
}

/**
 * Says that a type does not fit where it is given. A class with private parts is another type than the same class in
 * the file that it was copied from, so such messages say nothing about a mutant. Every other message does.
 */
const TYPE_DOES_NOT_FIT = new Set(['TS2322', 'TS2345'])

/** Compiles `mutants`, in their order. */
export async function compileMutants(mutants: readonly Mutant[]): Promise<CompiledMutant[]> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-mutants-'))
  try {
    await cp(join(root, 'src'), join(folder, 'src'), { recursive: true })
    for (const name of ['node_modules', 'package.json']) await symlink(join(root, name), join(folder, name))
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG))
    const places = await Promise.all(mutants.map((mutant, at) => writeBroken(folder, mutant, at)))
    const problems = problemsIn(await runCompiler(folder))
    return await Promise.all(mutants.map((mutant, at) => compiled(folder, mutant, at, places[at]!, problems)))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function brokenFile(file: string, at: number, extension: 'ts' | 'js'): string {
  return file.replace(/\.ts$/, `.mutant-${at}.${extension}`)
}

/** @returns how many times the text that is to be replaced was found; anything but 1 is a mistake in the table */
async function writeBroken(folder: string, { file, from, to }: Mutant, at: number): Promise<number> {
  const original = await readFile(join(root, file), 'utf8')
  const parts = original.split(from)
  if (parts.length === 2) await writeFile(join(folder, brokenFile(file, at, 'ts')), parts.join(to))
  return parts.length - 1
}

/** @returns what the compiler prints */
async function runCompiler(folder: string): Promise<string> {
  const options = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '--pretty', 'false']
  const compiler = spawn(process.execPath, options, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  for await (const chunk of compiler.stdout) output += String(chunk)
  return output
}

/** The first message for each file. */
function problemsIn(output: string): Map<string, string> {
  const problems = new Map<string, string>()
  for (const [, file, message, code] of output.matchAll(/^([^\s(]+)\(\d+,\d+\): error ((TS\d+): .*)$/gm)) {
    if (!TYPE_DOES_NOT_FIT.has(code!) && !problems.has(file!)) problems.set(file!, message!)
  }
  return problems
}

async function compiled(
  folder: string,
  mutant: Mutant,
  at: number,
  places: number,
  problems: ReadonlyMap<string, string>,
): Promise<CompiledMutant> {
  const { file } = mutant
  if (places !== 1) return { mutant, problem: `its text was found ${places} times in ${file}` }
  const message = problems.get(brokenFile(file, at, 'ts'))
  if (message !== undefined) return { mutant, problem: `does not compile: ${message}` }
  return { mutant, code: await readFile(join(folder, 'build', brokenFile(file, at, 'js')), 'utf8') }
}
