/**
 * Commands that show a view of a running broker: a table on a terminal, a line of JSON for each item otherwise.
 *
 *   sluice clients --user-name ann            the options are the parameters of the operation
 *   sluice clients | jq .clientId             everything, however many pages there are
 *
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { AdminParameters, OperationName } from '../../broker/host/admin.ts'
import { UsageError, SluiceError } from '../../base/errors.ts'
import { printable } from '../../base/printable.ts'
import type { Call } from '../command.ts'
import type { PasswordPrompt } from '../password-prompt.ts'
import type { ApiClient } from './api-client.ts'
import { apiOf } from './broker-door.ts'
import { tableLines, viewLines, type Item } from './layout.ts'
import type { OperatorRow } from './operator-row.ts'
import { headlineOf } from './why-lines.ts'
import { isList, parametersOf, plainOf, secretsOf } from './parameters.ts'

/** Items on a terminal, unless `--limit` asks for another number. */
const SHOWN_ITEMS = 100
const PAGE_ITEMS = 1000
const WATCH_SECONDS = 2
const CLEAR = Buffer.from('\u001b[H\u001b[J')

/** What a call of an operation returned, all pages of it. */
interface Found {
  readonly items: readonly Item[]
  /** Whether there are more than were asked for. */
  readonly hasMore: boolean
}

/** @returns the exit code: 1 if the client or session is not there */
export async function show(row: OperatorRow, call: Call): Promise<number> {
  const { terminal, options } = call
  const parameters = parametersOf(row, call)
  const most = mostItems(options['limit'], isForPeople(call))
  const client = apiOf(call)
  const everyMs = watchMs(options)
  for (;;) {
    const answer = await fetched(row, client, parameters, most)
    const headline = row.headline === undefined ? undefined : await headlineFor(row.headline, call, parameters, client)
    if (everyMs !== undefined && isForPeople(call)) terminal.raw(CLEAR)
    if (headline !== undefined) terminal.out(headline)
    if (answer === undefined) return missing(row, call)
    for (const line of linesOf(row, answer, call)) terminal.out(line)
    if (everyMs === undefined) return 0
    await sleep(everyMs)
  }
}

/** JSON for programs, also where a person asks for it. */
export function isForPeople({ terminal, options }: Pick<Call, 'terminal' | 'options'>): boolean {
  return terminal.isInteractive && options['json'] === undefined
}

/** @returns an item, or a list of them; `undefined` for what is not there */
async function fetched(
  row: OperatorRow,
  client: ApiClient,
  parameters: Item,
  most: number,
): Promise<Item | Found | undefined> {
  if (isList(row)) return allOf(client, row.operation, parameters, most)
  const answer = await client.call(row.operation, parameters as AdminParameters[OperationName])
  if (answer === undefined) return undefined
  return Array.isArray(answer) ? { items: answer as Item[], hasMore: false } : itemOf(answer)
}

/** For people only: the output of a program stays what the operation returns. */
async function headlineFor(
  operation: OperationName,
  call: Call,
  parameters: Item,
  client: ApiClient,
): Promise<string | undefined> {
  if (!isForPeople(call)) return undefined
  return headlineOf(itemOf(await client.call(operation, parameters as AdminParameters[OperationName])))
}

function missing({ absent = 'there is nothing of that name' }: OperatorRow, { positionals, terminal }: Call): number {
  const [name] = positionals
  terminal.err(name === undefined ? absent : absent.replace('NAME', () => JSON.stringify(name)))
  return 1
}

function* linesOf(row: OperatorRow, answer: Item | Found, call: Call): Generator<string> {
  const isPeople = isForPeople(call)
  const nowMs = Date.now()
  if (!isFound(answer)) {
    if (row.isFile === true) yield JSON.stringify(answer, undefined, 2)
    else if (row.operation === 'configuration') yield JSON.stringify(answer, undefined, isPeople ? 2 : undefined)
    else if (isPeople) yield* row.lines?.(answer) ?? viewLines(answer, nowMs)
    else yield JSON.stringify(answer)
    return
  }
  const { items, hasMore } = answer
  if (!isPeople) {
    for (const item of items) yield JSON.stringify(item)
    return
  }
  if (items.length === 0) {
    yield row.none ?? 'none'
    return
  }
  const { itemLines } = row
  if (itemLines !== undefined && call.options['fields'] === undefined) {
    for (const item of items) for (const line of itemLines(item)) yield printable(line)
    return
  }
  const fields = call.options['fields']?.split(',') ?? row.fields ?? Object.keys(items[0]!)
  yield* tableLines(fields, items, { nowMs, width: call.terminal.columns(), bold: call.terminal.bold })
  if (hasMore) yield `… and more: --limit all shows everything`
}

function isFound(answer: Item | Found): answer is Found {
  return 'items' in answer && 'hasMore' in answer
}

/** Every page of a list, until there are enough. */
async function allOf(client: ApiClient, name: OperationName, given: Item, most: number): Promise<Found | undefined> {
  const items: Item[] = []
  let cursor: string | undefined
  do {
    const limit = Math.min(PAGE_ITEMS, most - items.length)
    const answer = await client.call(name, { ...given, limit, cursor } as AdminParameters[OperationName])
    if (answer === undefined) return undefined
    const page = answer as { readonly items: readonly Item[]; readonly cursor?: string }
    items.push(...page.items)
    cursor = page.cursor
  } while (cursor !== undefined && items.length < most)
  return { items, hasMore: cursor !== undefined }
}

function mostItems(written: string | undefined, isPeople: boolean): number {
  if (written === 'all') return Infinity
  if (written === undefined) return isPeople ? SHOWN_ITEMS : Infinity
  const most = Number(written)
  if (Number.isInteger(most) && most > 0) return most
  throw new UsageError(`--limit must be a whole number above 0, or all, got ${written}.`)
}

function watchMs(options: Call['options']): number | undefined {
  const { watch, interval } = options
  if (watch === undefined) {
    if (interval === undefined) return undefined
    throw new UsageError('--interval is the pause of --watch; add --watch.')
  }
  const seconds = Number(interval ?? WATCH_SECONDS)
  if (seconds >= 0.1 && seconds <= 3600) return seconds * 1000
  throw new UsageError(`--interval must be a number of seconds from 0.1 to 3600, got ${interval}.`)
}

/**
 * Does what an action row says, and reports it in a sentence.
 *
 * @param prompt where a password is read, if the call asks for that
 * @returns the exit code: 1 if there was nothing of that name
 */
export async function act(row: OperatorRow, call: Call, prompt: PasswordPrompt = process): Promise<number> {
  const parameters = parametersOf(row, call)
  const secrets = await secretsOf(row, call, prompt)
  const answer = await apiOf(call).call(row.operation, { ...parameters, ...secrets } as AdminParameters[OperationName])
  const isMissing = (answer === undefined || answer === false) && row.absent !== undefined
  if (isMissing) return missing(row, call)
  if (isForPeople(call)) call.terminal.out(row.done?.(parameters, answer) ?? 'done')
  else call.terminal.out(JSON.stringify({ done: row.name, ...plainOf(row, parameters), answer }))
  return 0
}

/** @throws {SluiceError} for an answer that is not what this version of the program expects */
export function itemOf(answer: unknown): Item {
  if (typeof answer === 'object' && answer !== null) return answer as Item
  throw new SluiceError('ERR_ADMIN', 'the broker answered something unexpected; is it of another version?')
}
