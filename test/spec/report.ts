/**
 * From test results to what is proven: for the terminal, and for `docs/reference/conformance.md`.
 *
 * @module
 */
import type { Ledger, Statement, Version } from './ledger.ts'
import { VERSIONS } from './ledger.ts'
import type { Result } from './run.ts'

/** A statement with the evidence for it. */
export interface Evidence {
  readonly statement: Statement
  /** Tests that name it. */
  readonly tests: readonly Result[]
  /** Where all tests together stand for it: why. */
  readonly suiteBecause: string | undefined
  readonly isProven: boolean
}

/** Most ids that one test may name: more would prove too little of each. */
const MAX_IDS = 3

/** What the tests show of each statement, in the ledger's order. */
export function gather(ledger: Ledger, results: readonly Result[]): Evidence[] {
  const allPassed = results.every((result) => result.passed)
  return ledger.statements.map((statement) => {
    const tests = results.filter(({ keys }) => keys.includes(statement.key))
    const suiteBecause = ledger.standIns.find(({ key, stands }) => key === statement.key && stands === 'suite')?.why
    const isProven = tests.length > 0 ? tests.every(({ passed }) => passed) : suiteBecause !== undefined && allPassed
    return { statement, tests, suiteBecause, isProven }
  })
}

/** Mistakes in names and ledger files. */
export function problemsOf(ledger: Ledger, results: readonly Result[]): string[] {
  const known = new Set(ledger.statements.map(({ key }) => key))
  const named = new Set(results.flatMap(({ file, keys }) => keys.map((key) => `${file} ${key}`)))
  return [
    ...results.flatMap(({ name, keys }) => [
      ...keys.filter((key) => !known.has(key)).map((key) => `no statement is called ${key}: ${name}`),
      ...(keys.length > MAX_IDS ? [`a test names at most ${MAX_IDS} statements: ${name}`] : []),
    ]),
    ...[...ledger.standIns, ...ledger.deviations]
      .filter(({ key }) => !known.has(key))
      .map(({ key }) => `ledger: no statement is called ${key}`),
    ...ledger.standIns
      .filter(({ key, stands }) => stands !== 'suite' && !named.has(`${stands} ${key}`))
      .map(({ key, stands }) => `ledger: no test of ${stands} names ${key}`),
  ]
}

interface Count {
  readonly title: string
  readonly statements: number
  readonly bound: number
  readonly proven: number
}

function countOf(title: string, evidence: readonly Evidence[]): Count {
  const bound = evidence.filter(({ statement }) => statement.bindsServer)
  const proven = bound.filter(({ isProven }) => isProven).length
  return { title, statements: evidence.length, bound: bound.length, proven }
}

function part(evidence: readonly Evidence[], version: Version, isNumbered: boolean): Evidence[] {
  return evidence.filter(({ statement }) => statement.version === version && statement.isNumbered === isNumbered)
}

function chaptersOf(evidence: readonly Evidence[], version: Version): Count[] {
  const numbered = part(evidence, version, true)
  const chapters = [...new Set(numbered.map(({ statement }) => statement.section.split('.')[0]!))]
  return [
    ...chapters.map((chapter) =>
      countOf(
        `chapter ${chapter}`,
        numbered.filter(({ statement }) => statement.section.split('.')[0] === chapter),
      ),
    ),
    countOf('without a number', part(evidence, version, false)),
  ]
}

/** Bound statements without a passing test. */
export function unproven(evidence: readonly Evidence[]): Evidence[] {
  return evidence.filter(({ statement, isProven }) => statement.bindsServer && !isProven)
}

/** The last lines: `3.1.1: 130 of 130 proven`. */
function totals(evidence: readonly Evidence[]): string[] {
  const line = (title: string, some: readonly Evidence[]): string => {
    const { bound, proven } = countOf(title, some)
    return `${title}: ${proven} of ${bound} proven`
  }
  return [
    ...VERSIONS.map((version) => line(`${version} without a number`, part(evidence, version, false))),
    ...VERSIONS.map((version) => line(version, part(evidence, version, true))),
  ]
}

/** What the terminal shows. */
export function summary(evidence: readonly Evidence[]): string {
  const row = (cells: readonly (string | number)[]): string =>
    cells.map((cell, at) => (at === 0 ? String(cell).padEnd(24) : String(cell).padStart(10))).join(' ')
  const tables = VERSIONS.map((version) => [
    row([version, 'statements', 'bound', 'proven']),
    ...chaptersOf(evidence, version).map(({ title, statements, bound, proven }) =>
      row([`  ${title}`, statements, bound, proven]),
    ),
    '',
  ])
  const missing = unproven(evidence).map(({ statement, tests }) => {
    const state = tests.length === 0 ? 'no test ' : 'fails   '
    return `${state} ${statement.key.padEnd(26)} ${statement.summary}`
  })
  return [...tables.flat(), ...missing, ...totals(evidence)].join('\n')
}

/** Text that Markdown shows as it is, in a cell of a table; what stands in backticks is code already. */
function plain(text: string): string {
  const escape = (part: string): string => part.replaceAll(/[[\]*_]/g, String.raw`\$&`).replaceAll('<', '&lt;')
  const parts = text.split('`').map((part, at) => (at % 2 === 0 ? escape(part) : part))
  return parts.join('`').replaceAll('|', String.raw`\|`)
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

const TAGS = /\s*\[[^\]]*\]/g

function shownBy({ statement, tests, suiteBecause, isProven }: Evidence): string {
  if (!statement.bindsServer) return 'binds the Client alone'
  const shown = tests.map(({ name, file, passed }) => {
    const sentence = plain(name.replaceAll(TAGS, ''))
    return `${passed ? '' : '**fails** '}[${sentence}](../../${file})`
  })
  if (suiteBecause !== undefined) shown.push(`all tests together: ${suiteBecause}`)
  if (!isProven) shown.push('**not proven**')
  return shown.join('<br>')
}

/** The page `docs/reference/conformance.md`. */
export function page(ledger: Ledger, evidence: readonly Evidence[]): string {
  const sections = VERSIONS.flatMap((version) =>
    [true, false].map((isNumbered) => {
      const rows = part(evidence, version, isNumbered).map((one) => {
        const { id, section, level, summary: what } = one.statement
        return [id, `§${section}`, level, plain(what), shownBy(one)]
      })
      const title = isNumbered ? `MQTT ${version}` : `MQTT ${version}: obligations without a number`
      return `## ${title}\n\n${tableOf(['id', 'section', 'level', 'what is asked', 'shown by'], rows)}\n`
    }),
  )
  const counts = VERSIONS.flatMap((version) =>
    chaptersOf(evidence, version).map(({ title, statements, bound, proven }) => [
      version,
      title,
      String(statements),
      String(bound),
      String(proven),
    ]),
  )
  const deviations = ledger.deviations.map(({ key, deviation, reason }) => [key, plain(deviation), plain(reason)])
  const standIns = ledger.standIns.map(({ key, stands, why }) => [key, stands, plain(why)])
  return `# Conformance

<!-- Made from the test run by test/spec/conformance.ts: npm run conformance. -->

Every normative statement of MQTT 3.1.1 and 5.0, and the tests that show that this Server keeps it. A statement counts as
proven when at least one executed test names it and every test that names it passes. \`npm run conformance -- --mutants\`
breaks the source in one line at a time and shows that the tests of the statement at hand turn red.

${totals(evidence)
  .map((line) => `- ${line}`)
  .join('\n')}

${tableOf(['version', 'chapter', 'statements', 'bind a Server', 'proven'], counts)}

## Known deviations

${deviations.length === 0 ? 'None.' : tableOf(['statement', 'what we do', 'why'], deviations)}

## What one exchange of packets cannot show

${tableOf(['statement', 'what stands for it', 'why'], standIns)}

${sections.join('\n')}`
}
