/**
 * How the page is built: into `dist/page`, each file also as Brotli and gzip, and with the routes of the operations,
 * which are taken from the compiled table.
 *
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { defineConfig, type Plugin } from 'vite'
import type { OperationTable, ParameterRow } from '../src/admin/operation.ts'

const ROUTES = 'virtual:routes'

/** Names, methods, paths and the places of parameters; descriptions would be half of the page. */
function routes(): Plugin {
  return {
    name: 'routes',
    resolveId: (id) => (id === ROUTES ? `\0${ROUTES}` : undefined),
    async load(id) {
      if (id !== `\0${ROUTES}`) return undefined
      // As the package has it, or as the tests were compiled.
      const compiled = ['../dist/modules/admin', '../build/src/admin']
        .map((folder) => new URL(`${folder}/operation-table.js`, import.meta.url))
        .find((url) => existsSync(url))
      if (compiled === undefined) throw new Error('compile the source first: npm run build')
      const { operationTable } = (await import(compiled.href)) as { readonly operationTable: OperationTable }
      const entries = Object.entries(operationTable).map(([name, { method, path, role, parameters }]) => {
        const rows = Object.entries(parameters as Readonly<Record<string, ParameterRow>>)
        return [name, { method, path, role, places: Object.fromEntries(rows.map(([key, { place }]) => [key, place])) }]
      })
      return `export const routes = ${JSON.stringify(Object.fromEntries(entries))}`
    },
  }
}

/**
 * Compressed once, when it is built, as small as possible; from the files as written, because Vite changes chunks until
 * then.
 */
function compressed(): Plugin {
  return {
    name: 'compressed',
    writeBundle({ dir }, bundle) {
      for (const fileName of Object.keys(bundle)) {
        const path = join(dir!, fileName)
        const source = readFileSync(path)
        writeFileSync(`${path}.br`, brotliCompressSync(source))
        writeFileSync(`${path}.gz`, gzipSync(source, { level: 9 }))
      }
    },
  }
}

export default defineConfig({
  base: './',
  plugins: [routes(), compressed()],
  build: {
    outDir: '../dist/page',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    // To compress as far as it goes takes most of the time, and is meant to.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
})
