/**
 * Finds the plugins that npm packages declare: the project around a folder, and its dependencies.
 *
 *   "sluice": { "plugins": { "auth.mine": "./dist/mine.js" } }     in the package.json of either
 *
 * @module
 */
import { dirname, join, resolve } from 'node:path'
import { readTextSync } from './text-file.ts'
import { pluginRefusal } from './plugin-object.ts'

/** Plugin paths by name. If several packages declare the same name, the first one wins. */
export function findPackagedPlugins(folder: string): ReadonlyMap<string, string> {
  const root = upward(folder).find((parent) => readPackage(parent) !== undefined)
  const found = new Map<string, string>()
  if (root === undefined) return found
  const { dependencies, devDependencies, optionalDependencies } = readPackage(root)!
  const names = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })
  for (const packageFolder of [root, ...names.flatMap((name) => findPackage(root, name))]) {
    const plugins = readPackage(packageFolder)?.sluice?.plugins ?? {}
    for (const [name, path] of Object.entries(plugins)) {
      if (!found.has(name)) found.set(name, resolve(packageFolder, path))
    }
  }
  return found
}

/** The places where Node would find an installed package, whatever its `exports` are. */
function findPackage(root: string, name: string): string[] {
  const candidates = upward(root).map((parent) => join(parent, 'node_modules', name))
  return candidates.filter((candidate) => readPackage(candidate) !== undefined).slice(0, 1)
}

function upward(folder: string): string[] {
  const start = resolve(folder)
  const parent = dirname(start)
  return parent === start ? [start] : [start, ...upward(parent)]
}

interface PackageFile {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly sluice?: { readonly plugins?: Readonly<Record<string, string>> }
}

/** @returns `undefined` if there is no package.json */
function readPackage(folder: string): PackageFile | undefined {
  const path = join(folder, 'package.json')
  try {
    return JSON.parse(readTextSync(path)) as PackageFile
  } catch (error) {
    if (error instanceof SyntaxError) throw pluginRefusal(`${path} is not JSON`, error)
    return undefined
  }
}
