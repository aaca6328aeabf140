/** What a tool publishes: -m, -f, -n, -s or -l. @module */
import { readFileSync } from 'node:fs'
import { UsageError } from '../../base/errors.ts'
import type { Flags } from './flags.ts'
import { file } from './settings.ts'

const SOURCES = ['message', 'file', 'null-message', 'stdin-file', 'stdin-line'] as const

/** Which of them was given. */
export type PayloadSource = (typeof SOURCES)[number]

/** @throws {UsageError} for none, or more than one */
export function payloadSourceOf(flags: Flags): PayloadSource {
  const given = SOURCES.filter((name) => flags.has(name))
  const [only] = given
  if (only === undefined) throw new UsageError('What should be published? Use -m TEXT, -f FILE, -n, -s or -l.')
  if (given.length > 1)
    throw new UsageError(`Only one of -m, -f, -n, -s and -l can be used, got --${given.join(' and --')}.`)
  return only
}

/** The payload of a source other than `stdin-line`. @throws {UsageError} if the file cannot be read */
export function payloadOf(flags: Flags, source: PayloadSource): Uint8Array {
  switch (source) {
    case 'message':
      return Buffer.from(flags.value('message')!)
    case 'file':
      return file(flags.value('file')!, '-f')
    case 'stdin-file':
      return readFileSync(0)
    default:
      return new Uint8Array(0)
  }
}
