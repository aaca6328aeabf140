/**
 * Bundles the modules that the compiler has made into the files that the package has (`docs/decisions/bundle.md`).
 *
 *   src ──tsc──> dist/modules ──rolldown──> dist/index.js, dist/testing/index.js, dist/cli/main.js, files for threads
 *          └───> dist/**.d.ts                   └──> dist/chunks: what they share, and what is loaded later
 *
 * What every broker loads is one chunk; what the program adds, the store and the door of the HTTP API are one each:
 * opening, resolving and linking a module takes Node 0.5 to 1 ms whatever its size. All files come from one run, so
 * that a class exists once, whoever imports it.
 *
 * @module
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import type { Plugin, RolldownOptions } from 'rolldown'

const MODULES = resolve('dist/modules')
const moduleOf = (name: string): string => join(MODULES, `${name}.js`)

/** For one such character, in a string or a pattern, V8 keeps two bytes for each character of the whole file. */
const WIDE = /[^\0-\xff]/g

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** The ways in, which keep their names. */
const ENTRIES = ['index', 'testing/index', 'cli/main']

/**
 * The chunks in order: each has what its roots import statically, without the entries themselves and what is in an
 * earlier one.
 */
const CHUNKS: Readonly<Record<string, readonly string[]>> = {
  broker: ['index'],
  store: ['stores/journal-store'],
  door: ['admin/http/http-door'],
  program: ['cli/main', 'cli/start'],
}

interface ModuleGraph {
  getModuleInfo(id: string): { readonly importedIds: readonly string[] } | null
}

/** Which chunk a module belongs to, once the graph is known. */
function chunks(): (id: string, graph: ModuleGraph) => string | null {
  let placed: Map<string, string> | undefined
  const place = (graph: ModuleGraph): Map<string, string> => {
    const places = new Map<string, string>()
    for (const [chunk, roots] of Object.entries(CHUNKS)) {
      const visit = (id: string): void => {
        if (places.has(id)) return
        places.set(id, chunk)
        graph.getModuleInfo(id)?.importedIds.forEach(visit)
      }
      for (const root of roots.map(moduleOf)) {
        if (graph.getModuleInfo(root) === null) throw new Error(`there is no module ${root}`)
        visit(root)
      }
    }
    // The program waits in its entry for what is loaded later, and that must not wait for the entry.
    ENTRIES.forEach((name) => places.delete(moduleOf(name)))
    return places
  }
  return (id, graph) => (placed ??= place(graph)).get(id) ?? null
}

/** Reads a module with its source map, and makes a file of each module that is found by its address (`moduleUrl`). */
function compiledModules(): Plugin {
  return {
    name: 'compiled modules',
    load(id) {
      if (!id.startsWith(MODULES)) return undefined
      const code = readFileSync(id, 'utf8')
      for (const [, name = ''] of code.matchAll(/\bmoduleUrl\('([^']+)'\)/g)) {
        if (ENTRIES.includes(name)) continue
        if (!existsSync(moduleOf(name))) throw new Error(`${relative(MODULES, id)}: there is no module ${name}`)
        this.emitFile({ type: 'chunk', id: moduleOf(name), fileName: `${name}.js` })
      }
      return { code, map: readFileSync(`${id}.map`, 'utf8') }
    },
    generateBundle(_, bundle) {
      rmSync('dist/chunks', { recursive: true, force: true })
      for (const file of Object.values(bundle)) {
        if (file.type === 'chunk') file.code = file.code.replaceAll(WIDE, escaped)
      }
    },
  }
}

const options: RolldownOptions = {
  input: Object.fromEntries(ENTRIES.map((name) => [name, moduleOf(name)])),
  platform: 'node',
  external: (id) => !id.startsWith('.') && !id.startsWith('/'),
  // What is shipped is what is tested.
  treeshake: false,
  plugins: [compiledModules()],
  output: {
    dir: 'dist',
    format: 'esm',
    sourcemap: true,
    // They are in the source map, with the source.
    comments: false,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name].js',
    codeSplitting: { groups: [{ debugName: 'chunks', name: chunks() }] },
  },
}

export default options
