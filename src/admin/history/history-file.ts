/** The file of the month: an hour in each row. @module */
import { readFile, rename } from 'node:fs/promises'
import * as v from 'valibot'
import { replaceFile } from '../replaced-file.ts'
import { historyFigures } from './history-table.ts'

const finite = v.pipe(v.number(), v.finite())

const historyFile = v.strictObject({
  version: v.literal(1),
  /** The names of the columns after the first, which is the time. */
  figures: v.array(v.string()),
  rows: v.pipe(v.array(v.array(finite)), v.maxLength(10_000)),
})

/**
 * @returns rows in the order of `historyFigures`; figures that the file does not have are 0. None if there is no file
 * @throws {Error} if the file cannot be read, or was written by something else
 */
export async function readHistory(path: string): Promise<readonly (readonly number[])[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return []
  const { figures, rows } = v.parse(historyFile, JSON.parse(text))
  const places = historyFigures.map((figure) => figures.indexOf(figure) + 1)
  return rows.map((row) => [row[0] ?? 0, ...places.map((place) => (place === 0 ? 0 : (row[place] ?? 0)))])
}

/** Replaces the file as a whole. */
export async function writeHistory(path: string, rows: readonly (readonly number[])[]): Promise<void> {
  const shortened = rows.map((row) => row.map((value) => Number(value.toPrecision(15))))
  await replaceFile(path, JSON.stringify({ version: 1, figures: historyFigures, rows: shortened }))
}

/**
 * Renames a file that cannot be read, so that it is not overwritten; one that was set aside before is replaced.
 *
 * @returns its new name
 */
export async function setHistoryAside(path: string): Promise<string> {
  const aside = `${path}.unreadable`
  await rename(path, aside)
  return aside
}
