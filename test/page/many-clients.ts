/** A list of 100,000 clients: all can be found, and only those in sight are elements. @module */
import assert from 'node:assert/strict'
import type { Browser } from 'playwright-core'
import { Visitor } from './visitor.ts'
import type { World } from './world.ts'

const CLIENTS = 100_000
const PAGE = 1000

/** What the broker would answer; connecting so many would take longer than everything else. */
function pageOf(from: number): object {
  const items = Array.from({ length: PAGE }, (_, at) => ({
    clientId: `meter-${String(from + at).padStart(6, '0')}`,
    address: `10.${(from >> 16) & 255}.${(from >> 8) & 255}.${at & 255}`,
    listener: 'default',
    protocolVersion: 5,
    connectedAtMs: 1_796_000_000_000,
    ...{ subscriptions: 1, queuedMessages: 0, inflightMessages: 0, messagesReceived: from + at, messagesSent: at },
  }))
  const next = from + PAGE
  return { items, ...(next < CLIENTS && { cursor: String(next) }) }
}

export async function manyClients(browser: Browser, world: World, folder: string): Promise<void> {
  const visitor = await Visitor.open(browser, world, { theme: 'light', width: 'wide' }, folder)
  await visitor.logIn()
  await visitor.page.route('**/api/v1/clients?*', (route) => {
    const cursor = new URL(route.request().url()).searchParams.get('cursor')
    return route.fulfill({ json: pageOf(Number(cursor ?? 0)) })
  })
  await visitor.goTo('clients', 'Clients')
  await visitor.page.getByText('100,000', { exact: false }).first().waitFor()
  const table = visitor.page.getByRole('table', { name: 'Clients' })
  assert.equal(await table.getAttribute('aria-rowcount'), String(CLIENTS + 1))
  await table.focus()
  await visitor.pressUntil('End', visitor.row('meter-099999'))
  assert((await visitor.page.getByRole('row').count()) < 80, 'rows out of sight are elements')
  await visitor.inspect('many-clients')
  await visitor.page.getByLabel('Search').fill('meter-054321')
  await visitor.page.getByText(/^1 of 100,000/).waitFor()
  await visitor.button('In').click()
  await visitor.page.getByLabel('Search').fill('')
  await visitor.row('meter-099999').waitFor()
  await visitor.close()
}
