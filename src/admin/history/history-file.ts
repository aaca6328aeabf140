/** The file of the month: an hour in each row. @module */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import * as v from 'valibot'
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

/** Replaces the file as a whole: written beside, then renamed. */
export async function writeHistory(path: string, rows: readonly (readonly number[])[]): Promise<void> {
  const shortened = rows.map((row) => row.map((value) => Number(value.toPrecision(15))))
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await writeFile(`${path}.new`, JSON.stringify({ version: 1, figures: historyFigures, rows: shortened }), {
    mode: 0o600,
  })
  await rename(`${path}.new`, path)
}
