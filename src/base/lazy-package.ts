/**
 * Packages that few brokers need: each is loaded when it is first used, so that it costs a bare broker neither start-up
 * time nor memory. `import()` does the same where one can wait for it.
 *
 * @module
 */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/**
 * Returns a function that loads a package once, and returns what it exports.
 *
 * @param name a dependency of this package that is a CommonJS module
 *
 * @example
 * const path = lazyPackage<typeof import('node:path')>('node:path')
 * path().basename('a/b') // 'b'
 */
export function lazyPackage<Package>(name: string): () => Package {
  let loaded: Package | undefined
  return () => (loaded ??= require(name) as Package)
}
