/** Formats tables as text, aligned for a terminal, or as Markdown. @module */

export interface Column {
  readonly title: string
  /** Numbers are aligned on the right. */
  readonly align: 'left' | 'right'
}

export type Cells = readonly string[]

function pad(text: string, width: number, align: Column['align']): string {
  return align === 'left' ? text.padEnd(width) : text.padStart(width)
}

function widths(columns: readonly Column[], rows: readonly Cells[]): number[] {
  return columns.map((column, index) => Math.max(column.title.length, ...rows.map((row) => row[index]!.length)))
}

/** Omits columns without a value. */
function withoutEmpty(columns: readonly Column[], rows: readonly Cells[]): [readonly Column[], readonly Cells[]] {
  const used = columns.map((_, index) => rows.some((row) => row[index] !== ''))
  return [columns.filter((_, index) => used[index]), rows.map((row) => row.filter((_, index) => used[index]))]
}

/** A table for a terminal. */
export function textTable(allColumns: readonly Column[], allRows: readonly Cells[]): string {
  const [columns, rows] = withoutEmpty(allColumns, allRows)
  const width = widths(columns, rows)
  const lines = [columns.map((column) => column.title), ...rows].map((row) =>
    columns
      .map((column, index) => pad(row[index]!, width[index]!, column.align))
      .join('  ')
      .trimEnd(),
  )
  return lines.join('\n') + '\n'
}

/**
 * A table in Markdown.
 *
 * @example
 * markdownTable([{ title: 'row', align: 'left' }], [['a|b']]) // '| row |\n| --- |\n| a\\|b |\n'
 */
export function markdownTable(allColumns: readonly Column[], allRows: readonly Cells[]): string {
  const [columns, rows] = withoutEmpty(allColumns, allRows)
  const rule = columns.map((column) => (column.align === 'left' ? '---' : '--:'))
  const lines = [columns.map((column) => column.title), rule, ...rows.map((row) => row.map(escapeBars))]
  return lines.map((line) => `| ${line.join(' | ')} |\n`).join('')
}

function escapeBars(text: string): string {
  return text.replaceAll('|', '\\|')
}
