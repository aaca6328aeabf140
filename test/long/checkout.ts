/** A checkout as somebody gets it who clones the project: tracked files only, and the dependencies. @module */
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { root } from '../../tools/main.ts'

/** Runs a program to its end. @returns what it said on standard output @throws with all that it said when it fails */
export async function run(folder: string, command: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { cwd: folder, maxBuffer: 1 << 24 })
  return stdout
}

/** A folder that is gone when the test ends. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-long-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Copies what git knows of, as it stands now: nothing that was built, nothing that is ignored. @returns the folder */
export async function cleanCheckout(t: TestContext): Promise<string> {
  const folder = temporaryFolder(t)
  const files = await run(root, 'git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard')
  for (const file of files.split('\0')) {
    if (file === 'node_modules' || !existsSync(join(root, file)) || file === '') continue
    cpSync(join(root, file), join(folder, file))
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}
