/**
 * A copy of the compiled project, of which one file at a time is broken; the project itself is never touched. @module
 */
import { rmSync } from 'node:fs'
import { cp, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../../../tools/main.ts'

const COPIED = ['build/src', 'build/test', 'build/tools']
/** What tests only read. */
const LINKED = ['docs', 'node_modules', 'package.json', 'src', 'test']

export class Scratch {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  static async make(): Promise<Scratch> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-mutants-'))
    const filter = (path: string): boolean => !/\.(?:d\.ts|map)$/.test(path)
    await Promise.all([
      ...COPIED.map((name) => cp(join(root, name), join(folder, name), { recursive: true, filter })),
      ...LINKED.map((name) => symlink(join(root, name), join(folder, name))),
    ])
    return new Scratch(folder)
  }

  /** Where the source file `file` lies, compiled. */
  compiledPath(file: string): string {
    return join(this.folder, 'build', file.replace(/\.ts$/, '.js'))
  }

  /** Calls `task` while the compiled form of `file` is `code`. */
  async withBroken<T>(file: string, code: string, task: () => Promise<T>): Promise<T> {
    const path = this.compiledPath(file)
    const original = await readFile(path)
    await writeFile(path, code)
    try {
      return await task()
    } finally {
      await writeFile(path, original)
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
