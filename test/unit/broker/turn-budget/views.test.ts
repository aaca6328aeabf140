import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestBroker } from '../../../../src/testing/index.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'

test('eachSession goes through very many Sessions, a share at a time', async () => {
  const broker = await VirtualBroker.start({ 'max-connections': 0, 'max-memory': 0 })
  const count = 12_000
  for (let at = 0; at < count; at++) broker.connect({ clientId: `c${at}` })
  const turns = broker.broker.metrics.turns
  const seen = new Set<string>()
  const walk = broker.broker.eachSession()
  for (;;) {
    const next = walk.next()
    // Whoever waits for a turn gets it.
    await Promise.resolve()
    broker.clock.runTurns()
    const { done, value } = await next
    if (done === true) break
    seen.add(value.clientId)
  }
  assert.equal(seen.size, count)
  assert.ok(broker.broker.metrics.turns > turns)
  await broker.close()
})

test('eachSession ends in the event loop as it is, and a broker without clients has one empty page', async () => {
  const broker = await createTestBroker()
  const clientIds: string[] = []
  for await (const { clientId } of broker.eachSession()) clientIds.push(clientId)
  assert.deepEqual(clientIds, [])
  assert.deepEqual(await broker.sessions(), { items: [], cursor: undefined })
  await broker.close()
})

/** All pages of a list, each given its turns. */
async function pagesOf(
  { broker, clock }: VirtualBroker,
  list: 'clients' | 'sessions',
  limit: number,
  between: () => void = () => {},
): Promise<string[][]> {
  const pages: string[][] = []
  let cursor: string | undefined
  do {
    let isDone = false
    const asked = broker[list]({ limit, cursor }).finally(() => (isDone = true))
    for (await Promise.resolve(); !isDone; await new Promise((resolve) => setImmediate(resolve))) clock.runTurns()
    const page = await asked
    pages.push(page.items.map(({ clientId }) => clientId))
    cursor = page.cursor
    between()
  } while (cursor !== undefined)
  return pages
}

test('the pages of a list have every Session once, in full pages, and a cursor only if there is another page', async () => {
  const broker = await VirtualBroker.start({ 'max-connections': 0, 'max-memory': 0 })
  const clientIds = Array.from({ length: 60 }, (_, at) => `c${at}`)
  for (const clientId of clientIds) broker.connect({ clientId })
  for (const limit of [1, 7, 20, 59, 60, 61, 1000]) {
    const pages = await pagesOf(broker, 'sessions', limit)
    assert.deepEqual(new Set(pages.flat()), new Set(clientIds))
    assert.equal(pages.flat().length, clientIds.length)
    assert.equal(pages.length, Math.ceil(clientIds.length / limit))
    for (const page of pages.slice(0, -1)) assert.equal(page.length, limit)
  }
  assert.equal((await broker.broker.sessions()).items.length, 60)
  await broker.close()
})

test('the clients are the Sessions that are connected, whatever lies between them', async () => {
  const broker = await VirtualBroker.start()
  const kept = { properties: { sessionExpiryInterval: 100 } }
  for (let at = 0; at < 50; at++) {
    const client = broker.connect({ clientId: `c${at}`, ...kept })
    if (at % 10 !== 0) client.disconnect()
  }
  const connected = ['c0', 'c10', 'c20', 'c30', 'c40']
  for (const limit of [1, 2, 5, 6]) {
    const pages = await pagesOf(broker, 'clients', limit)
    assert.deepEqual(pages.flat().toSorted(), connected)
    assert.equal(pages.length, Math.ceil(connected.length / limit))
  }
  assert.equal((await pagesOf(broker, 'sessions', 1000)).flat().length, 50)
  await broker.close()
})

test('a Session that stays is listed once, whatever comes and goes between two pages', async () => {
  const broker = await VirtualBroker.start()
  const staying = Array.from({ length: 40 }, (_, at) => `staying${at}`)
  for (const clientId of staying) broker.connect({ clientId })
  let visitors = 0
  let cursorGoes = broker.connect({ clientId: 'visitor' })
  const pages = await pagesOf(broker, 'sessions', 3, () => {
    cursorGoes.disconnect()
    for (let at = 0; at < 5; at++) cursorGoes = broker.connect({ clientId: `visitor${visitors++ % 17}` })
  })
  assert.deepEqual(
    pages
      .flat()
      .filter((clientId) => clientId.startsWith('staying'))
      .toSorted(),
    staying.toSorted(),
  )
  await broker.close()
})

test('pages that find little among very many end early, and are spread over turns', async () => {
  const broker = await VirtualBroker.start({
    'max-connections': 0,
    'max-memory': 0,
    'max-sessions': 0,
    'max-sessions-per-user': 0,
  })
  for (let at = 0; at < 30_000; at++) {
    broker.connect({ clientId: `c${at}`, properties: { sessionExpiryInterval: 100 } }).disconnect()
  }
  const { turns } = broker.broker.metrics
  const pages = await pagesOf(broker, 'clients', 10)
  assert.deepEqual(pages.flat(), [])
  assert.ok(pages.length > 10 && pages.length < 20, `${pages.length} pages`)
  const taken = broker.broker.metrics.turns - turns
  assert.ok(taken > 0)
  // A small page must not look through a leaf of the registry for each few that it finds there.
  assert.ok(taken < 40, `${taken} turns`)
  await broker.close()
})

test('a limit out of its range and a cursor that no page gave are the caller’s mistakes', async () => {
  const broker = await VirtualBroker.start()
  for (const limit of [0, -1, 1001, 1.5, NaN, Infinity, '10' as unknown as number]) {
    await assert.rejects(broker.broker.sessions({ limit }), {
      code: 'ERR_USAGE',
      message: /^limit must be an integer from 1 to 1000, got /,
    })
  }
  for (const cursor of ['', 'not ours!', 'YQ==', 7 as unknown as string]) {
    await assert.rejects(broker.broker.clients({ cursor }), { code: 'ERR_USAGE', message: / is not a cursor: / })
  }
  await broker.close()
  await assert.rejects(broker.broker.sessions(), { code: 'ERR_USAGE', message: /the broker is closed/ })
})

test('one Session is found by its Client Identifier, connected or not', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect({ clientId: 'meter', properties: { sessionExpiryInterval: 100 } })
  assert.equal((await broker.broker.session('meter'))?.connected, true)
  client.disconnect()
  assert.equal((await broker.broker.session('meter'))?.connected, false)
  assert.equal(await broker.broker.session('nobody'), undefined)
  await broker.close()
})

test('many connections that have ended are looked through a share at a time', async () => {
  const broker = await VirtualBroker.start({ 'max-closed-connections': 20_000 })
  for (let at = 0; at < 20_000; at++) broker.connect({ clientId: `c${at}` }).disconnect()
  const { turns } = broker.broker.metrics
  let isDone = false
  const asked = broker.broker.closedConnections({ clientId: 'c0' }).finally(() => (isDone = true))
  for (await Promise.resolve(); !isDone; await new Promise((resolve) => setImmediate(resolve))) broker.clock.runTurns()
  assert.equal((await asked).items.length, 1)
  assert.ok(broker.broker.metrics.turns > turns)
  await broker.close()
})
