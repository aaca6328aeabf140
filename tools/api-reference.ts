/** The pages of the API reference: the page of each entry point, and its introduction. @module */
import { join } from 'node:path'
import { apiEntry, type ApiEntry } from './api-entries.ts'
import { anchorOf, apiPage, headingOf } from './api-page.ts'
import { entryPoints, readDeclarations } from './declarations.ts'
import { root } from './main.ts'

const INTRODUCTION = `<!-- Made from the declarations and doc comments in src/ by tools/reference.ts: change them there. -->
`

/** The page of each entry point, and its introduction. */
const PAGES: Readonly<Record<string, { readonly file: string; readonly title: string; readonly text: string }>> = {
  sluice: {
    file: 'api.md',
    title: 'API reference: `sluice`',
    text: `Everything that \`import { … } from 'sluice'\` offers. Begin with [\`createBroker\`](#function-createbroker); what a test needs is in
[\`sluice/testing\`](testing.md). A configuration has [a page of its own](configuration.md), and so have [events](events.md) and
[metrics](metrics.md).

In lists of members, \`readonly\` is left out: what the broker returns is to be read only.
`,
  },
  'sluice/testing': {
    file: 'testing.md',
    title: 'API reference: `sluice/testing`',
    text: `Everything that \`import { … } from 'sluice/testing'\` offers; [Testing](../testing.md) shows how it is used. The types of a
store are exported here as well, and described in [\`sluice\`](api.md#stores).
`,
  },
}

/** An entry point and its exports. */
export interface ApiEntryPoint {
  readonly specifier: string
  readonly entries: readonly ApiEntry[]
}

/** Reads all entry points from the compiled package in `build/`. */
export function readApi(): ApiEntryPoint[] {
  const folder = join(root, 'build/src')
  return readDeclarations(folder, entryPoints(join(root, 'package.json'), folder), (points) =>
    points.map(({ specifier, exports }) => ({ specifier, entries: exports.map(apiEntry) })),
  )
}

/**
 * The text of each page, by its entry point. A name that several export is described on the page of the first.
 *
 * @param membersElsewhere see `ApiPage`
 */
export async function apiPages(membersElsewhere: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, string>> {
  const homes = new Map<string, { readonly file: string; readonly anchor: string }>()
  const texts = new Map<string, string>()
  for (const { specifier, entries } of readApi()) {
    const { file, title, text } = PAGES[specifier]!
    const own = entries.filter(({ name }) => !homes.has(name))
    for (const entry of own) homes.set(entry.name, { file, anchor: anchorOf(headingOf(entry)) })
    const links = new Map(
      [...homes].map(([name, home]) => [name, `${home.file === file ? '' : home.file}#${home.anchor}`]),
    )
    const introduction = `${INTRODUCTION}\n${text}`
    texts.set(specifier, await apiPage({ title, introduction, entries: own, links, membersElsewhere }))
  }
  return texts
}
