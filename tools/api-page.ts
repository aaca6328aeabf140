/**
 * Makes the API reference: a Markdown page for each entry point of the package, from what `api-entries.ts` reads.
 *
 *   ## Group                    by the folder of the source
 *   ### Kind: name              doc comment, signature
 *   - `property: type`          of an interface or a class
 *   #### name.method()          of a class
 *
 * @module
 */
import { format } from 'prettier'
import type { ApiEntry, ApiMember } from './api-entries.ts'
import type { DocComment, DocTag } from './doc-comment.ts'

/** A page of the reference. */
export interface ApiPage {
  readonly title: string
  /** The text before the list of names. */
  readonly introduction: string
  readonly entries: readonly ApiEntry[]
  /** The place where each name of the package is described: a link from this page. */
  readonly links: ReadonlyMap<string, string>
  /** For interfaces whose members are described elsewhere: a Markdown link, by name. */
  readonly membersElsewhere: ReadonlyMap<string, string>
}

/** Groups in the order of the page, with the folders and files of their sources; the longest match decides. */
const GROUPS: readonly { readonly title: string; readonly sources: readonly string[] }[] = [
  { title: 'The broker', sources: ['create-broker', 'broker/'] },
  { title: 'Administration', sources: ['admin/'] },
  { title: 'Testing', sources: ['testing/'] },
  { title: 'Messages and packets', sources: ['codec/', 'protocol/'] },
  {
    title: 'Events and figures',
    sources: [
      'access/broker-events',
      'access/listener-events',
      'base/histogram',
      'base/memory-account',
      'reporting/',
      'protocol/drop-cause',
      'protocol/server-side',
    ],
  },
  { title: 'Configuration', sources: ['config/'] },
  { title: 'Plugins and permissions', sources: ['access/', 'config/plugin-reference'] },
  { title: 'Stores', sources: ['stores/'] },
  { title: 'Errors', sources: ['base/errors', 'codec/protocol-error'] },
  { title: 'Runtime environment', sources: ['base/', 'limits/', 'protocol/transport'] },
]

const RANKS = ['function', 'class', 'constant', 'interface', 'type'] as const

/** The group in which an entry is listed. */
export function groupOf(file: string): string {
  const fitting = GROUPS.flatMap(({ title, sources }) => sources.map((source) => ({ title, source }))).filter(
    ({ source }) => file.startsWith(source),
  )
  const [best] = fitting.toSorted((a, b) => b.source.length - a.source.length)
  if (best === undefined) throw new Error(`no group of the API reference has ${file}: add it to GROUPS`)
  return best.title
}

/** Functions first, then classes; alphabetically within each kind. */
function inOrder(entries: readonly ApiEntry[]): ApiEntry[] {
  const rank = ({ kind }: ApiEntry): number => Math.min(RANKS.indexOf(kind), RANKS.indexOf('interface'))
  return entries.toSorted((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1))
}

export async function apiPage(page: ApiPage): Promise<string> {
  const groups = GROUPS.map(({ title }) => ({
    title,
    entries: inOrder(page.entries.filter(({ file }) => groupOf(file) === title)),
  })).filter(({ entries }) => entries.length > 0)
  const contents = groups.map(
    ({ title, entries }) => `- **${title}**: ${entries.map(({ name }) => link(page, name)).join(', ')}`,
  )
  const sections = groups.map(async ({ title, entries }) => {
    const texts = await Promise.all(entries.map(async (entry) => entryText(page, entry)))
    return `## ${title}\n\n${texts.join('\n')}`
  })
  const body = (await Promise.all(sections)).join('\n')
  return `# ${page.title}\n\n${page.introduction}\n${contents.join('\n')}\n\n${body}`
}

function link({ links }: ApiPage, name: string): string {
  const target = links.get(name)
  return target === undefined ? `\`${name}\`` : `[\`${name}\`](${target})`
}

async function entryText(page: ApiPage, entry: ApiEntry): Promise<string> {
  const blocks = [
    `### ${headingOf(entry)}`,
    prose(page, entry.doc?.text ?? ''),
    isPlainHeader(entry) ? '' : fence((await Promise.all(entry.signatures.map(formatted))).join('\n')),
    tagList(page, entry.doc),
    examples(entry.doc),
    await membersText(page, entry),
    usesText(page, entry),
  ]
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`
}

/** Includes the kind, so that `HistogramView` and `histogram.view()` have different anchors. */
export function headingOf({ kind, name }: ApiEntry): string {
  return `${kind.charAt(0).toUpperCase()}${kind.slice(1)}: ${name}`
}

/** The anchor that GitHub gives to a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-')
}

/** Whether the declaration of an interface or a class adds nothing to its name. */
function isPlainHeader({ signatures, name, kind }: ApiEntry): boolean {
  if (kind === 'constant') return true
  return signatures.length === 1 && signatures[0]!.replace(/\s+/g, '') === `${kind}${name}{}`
}

async function membersText(page: ApiPage, entry: ApiEntry): Promise<string> {
  const elsewhere = page.membersElsewhere.get(entry.name)
  if (elsewhere !== undefined) return elsewhere
  if (entry.members.length === 0) return ''
  if (entry.kind === 'constant') return constantTable(page, entry.members)
  const isClass = entry.kind === 'class'
  const listed = entry.members.filter(({ kind }) => !isClass || kind === 'property')
  const items = await Promise.all(listed.map(async (member) => memberItem(page, member)))
  const methods = entry.members.filter(({ kind }) => isClass && kind !== 'property')
  const texts = await Promise.all(methods.map(async (member) => methodText(page, entry, member)))
  return [items.join('\n'), ...texts].filter((text) => text !== '').join('\n\n')
}

/** `readonly` before a field takes much space and helps readers little. */
function shown(type: string): string {
  return type
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/\breadonly (?=[\w$]+\??:)/g, '')
    .replaceAll(/\s+/g, ' ')
    .replaceAll('; }', ' }')
}

async function memberItem(page: ApiPage, member: ApiMember): Promise<string> {
  const { name, kind, isOptional, signatures, doc } = member
  const heads =
    kind === 'method' ? signatures.map(shown) : [`${name}${isOptional ? '?' : ''}: ${shown(signatures[0]!)}`]
  const text = prose(page, doc?.text ?? '')
  const tags = tagList(page, doc)
  const head = `- ${heads.map((one) => `\`${one}\``).join(', ')}${text === '' ? '' : ' — '}`
  return indented(`${head}${text}${tags === '' ? '' : `\n${tags}`}`)
}

function indented(text: string): string {
  return text.replaceAll(/\n(?=.)/g, '\n  ')
}

async function methodText(page: ApiPage, entry: ApiEntry, { name, kind, signatures, doc }: ApiMember): Promise<string> {
  const instance = entry.name.charAt(0).toLowerCase() + entry.name.slice(1)
  const called = name.startsWith('[') ? `${instance}${name}` : `${instance}.${name}`
  const heading = kind === 'constructor' ? `new ${entry.name}()` : `${called}()`
  const members = await formatted(`interface X { ${signatures.join(';')} }`)
  const code = members
    .split('\n')
    .slice(1, -1)
    .map((line) => line.slice(2).replace(/^constructor\(/, `new ${entry.name}(`))
  const blocks = [
    `#### ${heading}`,
    prose(page, doc?.text ?? ''),
    fence(code.join('\n')),
    tagList(page, doc),
    examples(doc),
  ]
  return blocks.filter((block) => block !== '').join('\n\n')
}

function constantTable(page: ApiPage, members: readonly ApiMember[]): string {
  const rows = members.map(({ name, signatures: [type], doc }) => {
    const value = Number(type)
    const hex = Number.isNaN(value) ? '' : ` (0x${value.toString(16).toUpperCase().padStart(2, '0')})`
    return `| \`${name}\` | ${type}${hex} | ${prose(page, doc?.text ?? '').replaceAll('\n', ' ')} |`
  })
  const hasDocs = members.some(({ doc }) => doc !== undefined)
  if (hasDocs) return `| Name | Value | Meaning |\n| --- | --- | --- |\n${rows.join('\n')}`
  return `| Name | Value |\n| --- | --- |\n${rows.map((row) => row.replace(/\s*\|\s*\|$/, ' |')).join('\n')}`
}

/** Parameters, result and errors, as a list. */
function tagList(page: ApiPage, doc: DocComment | undefined): string {
  const items = (doc?.tags ?? []).flatMap((tag) => tagItem(page, tag) ?? [])
  return items.map((item) => indented(`- ${item}`)).join('\n')
}

function tagItem(page: ApiPage, { tag, name, text }: DocTag): string | undefined {
  if (tag === 'param') return `\`${name}\`: ${prose(page, text)}`
  if (tag === 'returns') return `Returns ${prose(page, text)}`
  if (tag === 'throws') return `Throws ${name === '' ? '' : `${link(page, name)} `}${prose(page, text)}`
  return undefined
}

function examples(doc: DocComment | undefined): string {
  const texts = (doc?.tags ?? []).filter(({ tag }) => tag === 'example').map(({ text }) => fence(text))
  return texts.length === 0 ? '' : `Example:\n\n${texts.join('\n\n')}`
}

/** Links to the names in the declarations. */
function usesText(page: ApiPage, entry: ApiEntry): string {
  const used = [...page.links.keys()].filter((name) => name !== entry.name && entry.mentions.has(name)).toSorted()
  return used.length === 0 ? '' : `See also ${used.map((name) => link(page, name)).join(', ')}.`
}

/** Text of a doc comment as Markdown: links resolved, drawings in a fence. */
function prose(page: ApiPage, text: string): string {
  const resolved = text
    .replaceAll(/\{@link ([\w$]+)\}/g, (_, name: string) => link(page, name))
    .replaceAll(/\{([A-Z]\w+)\}/g, (_, name: string) => link(page, name))
  return resolved
    .split(/\n{2,}/)
    .map((paragraph) => (isDrawing(paragraph) ? fence(paragraph, 'text') : paragraph))
    .join('\n\n')
}

function isDrawing(paragraph: string): boolean {
  return paragraph.split('\n').every((line) => line.startsWith('  '))
}

/** Not `ts`, because the check would take it for an example, which has to be a program. */
function fence(code: string, language = 'typescript'): string {
  return code === '' ? '' : `\`\`\`${language}\n${code}\n\`\`\``
}

async function formatted(declaration: string): Promise<string> {
  const text = await format(declaration, { parser: 'typescript', semi: false, singleQuote: true, printWidth: 100 })
  return text.trim().replace(/ \{\}$/, '')
}
