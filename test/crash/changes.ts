/**
 * `kill -9` of a broker process while users, roles and rules are changed through its socket as fast as it answers, with
 * many changes under way. What was answered is there at the next start, and nothing is half. `directory-book.ts` says
 * what that means.
 *
 * @module
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { ApiClient } from '../../src/cli/operator/api-client.ts'
import type { SeededRandom } from '../../src/testing/random.ts'
import type { Progress } from '../../tools/progress.ts'
import { kill, portOf, spawnBroker } from './broker-process.ts'
import { DirectoryBook, type Chain } from './directory-book.ts'

/** Each has one change under way. */
const ROLES = 40
const USERS = 24
/** Rules of a role, all of which have the number of the change. */
const RULES = 5
/** A user, a group and a role that one import sets. */
const TRIO = 'trio'
const FORMAT = { format: 'sluice-access', version: 1 }

/** A file as the broker exports it. */
interface Exported {
  readonly roles: readonly {
    readonly name: string
    readonly textName: string
    readonly rules: readonly { readonly topic: string }[]
  }[]
  readonly groups: readonly { readonly name: string; readonly textName: string }[]
  readonly users: readonly { readonly userName: string; readonly textName: string }[]
}

/** What a run has learned. */
export interface ChangesReport {
  readonly book: DirectoryBook
  /** While changes were made. */
  readonly changesPerSecond: number
}

export async function changeRounds(rounds: number, random: SeededRandom, progress: Progress): Promise<ChangesReport> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-changes-'))
  const client = new ApiClient({ socket: join(folder, 'data/admin.sock') })
  const book = new DirectoryBook(sizes())
  let broker: ChildProcess | undefined
  let workedMs = 0
  try {
    for (let done = 0; done <= rounds && book.faults.length === 0; done++) {
      broker = await spawnBroker(folder, configOf(random.pick(['disk', 'process', 'memory'])))
      await portOf(broker, (line) => book.fault(line))
      compare(book, (await client.call('exportAccess', {})) as Exported)
      if (done < rounds) workedMs += await work(client, book, random, broker)
      await kill(broker)
      progress.update(done, `${book.answered} answered`)
    }
    return { book, changesPerSecond: Math.round((book.answered / Math.max(1, workedMs)) * 1000) }
  } finally {
    if (broker !== undefined) await kill(broker)
    await rm(folder, { recursive: true, force: true })
  }
}

/** What is changed, with how many numbers each has: one in its text, and one in each rule. */
function sizes(): Map<string, number> {
  const many = (noun: string, count: number, size: number) =>
    Array.from({ length: count }, (_, at) => [`${noun}-${at}`, size] as const)
  return new Map([...many('role', ROLES, 1 + RULES), ...many('user', USERS, 1), [TRIO, 3 + RULES]])
}

/** Users and roles survive a kill whatever the durability of messages is, as long as anything at all is stored. */
function configOf(durability: string): object {
  return { users: {}, persistence: { path: 'data', durability, topics: { 'kept/#': 'disk' }, 'max-bytes': 64 << 20 } }
}

/** Makes changes until it kills the broker. @returns for how many milliseconds */
async function work(
  client: ApiClient,
  book: DirectoryBook,
  random: SeededRandom,
  broker: ChildProcess,
): Promise<number> {
  const run = { isOver: false }
  const beganAtMs = performance.now()
  const chains = book.chains.map((chain) => changeOn(client, book, chain, random, run))
  await wait(random.between(50, 700))
  run.isOver = true
  const workedMs = performance.now() - beganAtMs
  await kill(broker)
  await Promise.all(chains)
  return workedMs
}

/** One change after the other, until the broker is gone. */
async function changeOn(
  client: ApiClient,
  book: DirectoryBook,
  chain: Chain,
  random: SeededRandom,
  run: { readonly isOver: boolean },
): Promise<void> {
  while (!run.isOver) {
    const isRemoval = chain.name !== TRIO && random.chance(0.2)
    const number = book.begin(chain, isRemoval)
    try {
      await change(client, chain.name, isRemoval ? undefined : number)
      book.answer(chain)
    } catch (error) {
      if (run.isOver) return
      // An import gives up after some attempts if others change users all the time.
      if (String(error).includes('nothing was imported')) book.refuse(chain)
      else return book.fault(`${chain.name}: ${String(error)}`)
    }
  }
}

/** @param number `undefined` removes it */
async function change(client: ApiClient, name: string, number: number | undefined): Promise<unknown> {
  const textName = String(number)
  if (name === TRIO) return client.call('importAccess', { file: trioOf(number!) })
  if (name.startsWith('user')) {
    if (number === undefined) return client.call('deleteUser', { userName: name })
    return client.call('putUser', { userName: name, textName })
  }
  if (number === undefined) return client.call('deleteRole', { name })
  return client.call('putRole', { name, textName, rules: rulesOf(number) })
}

function rulesOf(number: number) {
  return Array.from({ length: RULES }, (_, at) => ({
    ...({ action: 'publish', effect: 'allow', topic: `${number}/${at}` } as const),
  }))
}

function trioOf(number: number): object {
  const textName = String(number)
  return {
    ...FORMAT,
    roles: [{ name: TRIO, textName, rules: rulesOf(number) }],
    groups: [{ name: TRIO, textName, roles: [TRIO] }],
    users: [{ userName: TRIO, textName, roles: [TRIO], groups: [TRIO] }],
  }
}

function compare(book: DirectoryBook, { roles, groups, users }: Exported): void {
  const numbers = new Map<string, number[]>()
  const add = (name: string, ...found: readonly number[]): void =>
    void numbers.set(name, [...(numbers.get(name) ?? []), ...found])
  for (const { name, textName, rules } of roles)
    add(name, Number(textName), ...rules.map(({ topic }) => parseInt(topic)))
  for (const { name, textName } of groups) add(name, Number(textName))
  for (const { userName, textName } of users) add(userName, Number(textName))
  for (const chain of book.chains) book.compare(chain, numbers.get(chain.name) ?? [])
}
