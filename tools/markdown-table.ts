/** Rows of Markdown tables. @module */

/** The text of a cell. */
export function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`)
}

/** Rows of a table, without its head. */
export function tableRows(cells: readonly (readonly string[])[]): string {
  return cells.map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n')
}
