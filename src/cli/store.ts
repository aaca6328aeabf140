/**
 * `sluice store stats | dump | compact | backup PATH`: inspects or copies a store, even while a broker is using it;
 * `compact` requires exclusive access.
 *
 * @module
 */
import { StoreError, UsageError } from '../base/errors.ts'
import { realClock, stayAlive } from '../turn/clock.ts'
import { openStore } from '../stores/journal-store.ts'
import { backupStore, bytesOnDisk, readingStore } from '../stores/backup.ts'
import type { NodeDisk } from '../stores/node-disk.ts'
import type { Change } from '../stores/store.ts'
import { dumpStore } from '../stores/store-tools.ts'
import type { Call } from './command.ts'
import { readConfig } from './config.ts'
import type { Terminal } from './terminal.ts'

type Action = (path: string, terminal: Terminal, target: string) => Promise<void>

const ACTIONS: Readonly<Record<string, Action>> = { stats, dump, compact, backup }

/** @throws {UsageError} for an unknown action, or a wrong number of arguments */
export async function store({ options: { config }, positionals, terminal }: Call): Promise<number> {
  const [name, target] = positionals as [string, string | undefined]
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
  if (action === undefined) {
    throw new UsageError(`The actions of \`sluice store\` are ${Object.keys(ACTIONS).join(', ')}; got ${name}.`)
  }
  if ((target !== undefined) !== (action === backup)) {
    throw new UsageError(
      '`sluice store backup` requires the PATH of a folder to copy to; the other actions take no PATH.',
    )
  }
  const { persistence } = readConfig(config).options
  await action(persistence!.path, terminal, target ?? '')
  return 0
}

async function stats(path: string, terminal: Terminal): Promise<void> {
  await reading(path, async (disk) => {
    const counts = new Map<Change['kind'], number>()
    let payloadBytes = 0
    await dumpStore(disk, (fact) => {
      counts.set(fact.kind, (counts.get(fact.kind) ?? 0) + 1)
      if (fact.kind === 'message') payloadBytes += fact.message.payloadOnDiskBytes ?? fact.message.payload.length
    })
    const count = (kind: Change['kind']): number => counts.get(kind) ?? 0
    const rows = [
      ['sessions', count('session')],
      ['subscriptions', count('subscribed')],
      ['queued', count('queued')],
      ['in flight', count('sent')],
      ['retained', count('retained')],
      ['replays', count('replay')],
      ['wills', count('will')],
      ['messages', count('message')],
      ['payload bytes', payloadBytes],
      ['bytes on disk', await bytesOnDisk(disk)],
    ] as const
    terminal.out(rows.map(([name, value]) => `${name.padEnd(16)}${value}`).join('\n'))
  })
}

async function dump(path: string, terminal: Terminal): Promise<void> {
  await reading(path, (disk) => dumpStore(disk, (fact) => terminal.out(JSON.stringify(fact, bytesAsBase64))))
}

function bytesAsBase64(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  // Not `value`, in which a Buffer has already become an object.
  const original = this[key]
  return original instanceof Uint8Array ? Buffer.from(original).toString('base64') : value
}

async function compact(path: string, terminal: Terminal): Promise<void> {
  // A missing folder is an error, and is not created.
  const before = await reading(path, bytesOnDisk)
  const opened = await openStore({ path, clock: realClock })
  const alive = stayAlive()
  try {
    await opened.load(() => undefined)
    await opened.compact()
  } finally {
    await opened.close()
    alive.cancel()
  }
  terminal.out(`${path}: ${before} bytes before, ${await reading(path, bytesOnDisk)} after`)
}

async function backup(path: string, terminal: Terminal, target: string): Promise<void> {
  const bytes = await backupStore(path, target).catch(hinted)
  terminal.out(`${path} was copied to ${target}: ${bytes} bytes, verified`)
}

/** As `readingStore`; a folder without a store is most likely the wrong one. */
async function reading<Result>(path: string, use: (disk: NodeDisk) => Promise<Result>): Promise<Result> {
  return readingStore(path, use).catch(hinted)
}

function hinted(error: unknown): never {
  if (!(error instanceof StoreError) || error.code !== 'ERR_STORE_MISSING') throw error
  const hint = 'use `--config FILE` with a configuration whose `persistence.path` contains one'
  throw new StoreError(error.code, `${error.message}: ${hint}`, { cause: error })
}
