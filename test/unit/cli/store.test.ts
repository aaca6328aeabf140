import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Logger } from '../../../src/base/log.ts'
import { createBroker } from '../../../src/create-broker.ts'
import { PROGRAM, sluice } from './cli-support.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'

const CONFIG = { listeners: {}, 'sys-interval': 0 }

/** A folder in which a broker has stored three retained messages. */
async function stored(): Promise<string> {
  const folder = scratchFolder()
  await using broker = await createBroker({ ...CONFIG, persistence: { path: join(folder, 'sluice-data') } })
  for (const name of ['one', 'two', 'three']) {
    await broker.publish(`state/${name}`, 'open', {
      retain: true,
      properties: { correlationData: Uint8Array.of(1, 2) },
    })
  }
  return folder
}

function rows(text: string): Map<string, number> {
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, 16).trim(), Number(line.slice(16))]),
  )
}

test('store stats counts what is stored, also while a broker uses it', async () => {
  const folder = await stored()
  await using _broker = await createBroker({ ...CONFIG, persistence: { path: join(folder, 'sluice-data') } })
  const { code, out } = sluice(['store', 'stats'], folder)
  assert.equal(code, 0)
  const counts = rows(out)
  assert.equal(counts.get('retained'), 3)
  assert.equal(counts.get('payload bytes'), 12)
  assert.ok(counts.get('bytes on disk')! > 0)
})

test('store dump prints a line of JSON for each fact, bytes as base64', async () => {
  const { code, out } = sluice(['store', 'dump'], await stored())
  assert.equal(code, 0)
  const facts = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; message?: object })
  assert.equal(facts.filter(({ kind }) => kind === 'retained').length, 3)
  assert.deepEqual(
    facts.flatMap(({ message }) => (message === undefined ? [] : [(message as { properties: object }).properties])),
    Array.from({ length: 3 }, () => ({ correlationData: 'AQI=' })),
  )
})

test('store dump ends without a word when its reader has seen enough', async () => {
  const child = spawn(process.execPath, [PROGRAM, 'store', 'dump'], {
    cwd: await stored(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.destroy() // as `head` does
  const said: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk))
  const [code] = (await once(child, 'close')) as [number | null]
  assert.deepEqual([Buffer.concat(said).toString(), code], ['', 141])
})

test('store backup makes a copy that a broker starts from, and only in an empty folder', async () => {
  const folder = await stored()
  const { code, out } = sluice(['store', 'backup', 'copy'], folder)
  assert.equal(code, 0, out)
  const again = sluice(['store', 'backup', 'copy'], folder)
  assert.equal(again.code, 1)
  assert.match(again.err, /name an empty folder/)
  await using broker = await createBroker({ ...CONFIG, persistence: { path: join(folder, 'copy') } })
  for await (const { topicName } of broker.subscribe('state/two')) {
    assert.equal(topicName, 'state/two')
    break
  }
})

test('store compact needs the broker stopped, and keeps what lives', async () => {
  const folder = await stored()
  {
    await using _broker = await createBroker({ ...CONFIG, persistence: { path: join(folder, 'sluice-data') } })
    const { code, err } = sluice(['store', 'compact'], folder)
    assert.equal(code, 1)
    assert.match(err, /process/)
  }
  assert.equal(sluice(['store', 'compact'], folder).code, 0)
  assert.equal(rows(sluice(['store', 'stats'], folder).out).get('retained'), 3)
})

test('store says what it can do, and makes no folder', () => {
  const folder = scratchFolder()
  const wrong = sluice(['store', 'vacuum'], folder)
  assert.deepEqual(
    [wrong.code, wrong.err.split('\n')[0]],
    [2, 'The actions of `sluice store` are stats, dump, compact, backup; got vacuum.'],
  )
  assert.equal(sluice(['store', 'backup'], folder).code, 2)
  assert.equal(sluice(['store', 'stats', 'elsewhere'], folder).code, 2)
  assert.equal(sluice(['store', 'stats', 'one', 'two'], folder).code, 2)
  for (const action of ['stats', 'dump', 'compact']) {
    const { code, err } = sluice(['store', action], folder)
    assert.equal(code, 1)
    assert.match(err, /there is no store at .*sluice-data: use `--config FILE`/)
  }
  assert.deepEqual(readdirSync(folder), [])
})

test('repair: a damaged store is refused with the choices; with `repair` a broker keeps what is readable and says so', async () => {
  const folder = join(await stored(), 'sluice-data')
  const journal = join(
    folder,
    readdirSync(folder).find((name) => name.startsWith('journal-'))!,
  )
  const bytes = readFileSync(journal)
  const at = bytes.indexOf('state/two')
  assert.ok(at > 0)
  bytes[at] = 0
  writeFileSync(journal, bytes)
  const config = { ...CONFIG, persistence: { path: folder } }
  await assert.rejects(createBroker(config), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'ERR_STORE_DAMAGED')
    assert.ok(error.message.startsWith(`${journal} is damaged at byte `), error.message)
    assert.match(error.message, /--repair/)
    return true
  })

  const warnings: string[] = []
  const none = (): void => undefined
  const warn = (...said: unknown[]): unknown => warnings.push(String(said.at(-1)))
  const logger = { debug: none, info: none, warn, error: none } as unknown as Logger
  const found: string[] = []
  {
    await using broker = await createBroker(config, { repair: true, logger })
    broker.subscribe('state/#', ({ topicName }) => found.push(topicName))
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.deepEqual(found.toSorted(), ['state/one', 'state/three'])
  assert.ok(warnings.some((text) => text.startsWith(`damage: ${journal}, byte `)))
})
