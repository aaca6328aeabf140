/** The version of this package, read from its package.json. @module */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** Finds the package.json above the compiled file, wherever it was compiled to. */
function read(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const found = require(path) as { name?: string; version?: string }
      if (found.name === 'sluice' && found.version !== undefined) return found.version
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  return 'unknown'
}

export const version: string = read()
