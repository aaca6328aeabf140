/**
 * Every action that the page offers, done as somebody at it would. Each look has clients and names of its own, by its
 * number.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { parseTrace } from '../../src/admin/trace/trace-file.ts'
import { accessActions } from './access-actions.ts'
import { consoleActions, consoleOfOperator } from './console-actions.ts'
import type { Action } from './visitor.ts'

function thermostat(number: number): string {
  return `thermostat-${String(number).padStart(3, '0')}`
}

const subscribeAndUndo: Action = async (visitor, broker, number) => {
  const clientId = thermostat(number + 1)
  await visitor.goTo(`clients/${clientId}`, new RegExp(clientId))
  await visitor.button('Subscribe …').click()
  const dialog = visitor.page.getByRole('dialog')
  await dialog.getByLabel('Topic filter').fill('house/attic/#')
  await dialog.getByLabel('QoS').selectOption('1')
  await visitor.inspect('subscribe')
  await visitor.confirm('Subscribe')
  await visitor.note('Subscribed.')
  await visitor.row('house/attic/#').getByRole('button').click()
  await visitor.confirm('Unsubscribe')
  await visitor.note('Unsubscribed.')
  await visitor.button('Undo').click()
  await visitor.note('Undone.')
  const { items } = await broker.admin.subscriptions({ clientId })
  assert(items.some(({ topicFilter, qos }) => topicFilter === 'house/attic/#' && qos === 1))
}

const disconnect: Action = async (visitor, broker, number) => {
  const clientId = thermostat(number + 1)
  await visitor.goTo(`clients/${clientId}`, new RegExp(clientId))
  await visitor.button('Disconnect').click()
  await visitor.inspect('disconnect')
  await visitor.confirm('Disconnect')
  await visitor.note('Disconnected.')
  assert.equal(await broker.admin.client({ clientId }), undefined)
}

const banAndUndo: Action = async (visitor, broker, number) => {
  const clientId = thermostat(number + 11)
  await visitor.goTo(`clients/${clientId}`, new RegExp(clientId))
  await visitor.button('Ban …').click()
  await visitor.confirm('Ban')
  await visitor.note('Banned.')
  const banned = async (): Promise<boolean> => (await broker.admin.bans()).items.some(({ value }) => value === clientId)
  assert.equal(await banned(), true)
  await visitor.button('Undo').click()
  await visitor.note('Undone.')
  assert.equal(await banned(), false)
}

const endSession: Action = async (visitor, broker, number) => {
  const clientId = `trailer-${number}`
  await visitor.goTo(`clients/${clientId}`, new RegExp(clientId))
  await visitor.button('End session …').click()
  await visitor.confirm('End session')
  await visitor.note('The session has ended.')
  await visitor.page.getByText('There is no session with this client identifier.').waitFor()
  assert.equal(await broker.admin.session({ clientId }), undefined)
}

const searchClients: Action = async (visitor) => {
  await visitor.goTo('clients', 'Clients')
  await visitor.page.getByLabel('Search').fill('STUCK')
  await visitor.page.getByText(/^1 of /).waitFor()
  await visitor.page.getByRole('link', { name: 'stuck-display' }).click()
  await visitor.heading(/stuck-display/).waitFor()
  await visitor.row('send quota').waitFor()
}

const sortClients: Action = async (visitor) => {
  await visitor.goTo('clients', 'Clients')
  await visitor.button('Queued').click()
  await visitor.page
    .getByRole('columnheader', { name: 'Queued' })
    .and(visitor.page.locator('[aria-sort=descending]'))
    .waitFor()
  const first = visitor.page.getByRole('row').nth(1)
  await first.filter({ hasText: 'stuck-display' }).waitFor()
}

const countAndPublish: Action = async (visitor) => {
  await visitor.goTo('topics', 'Topics')
  await visitor.page.getByLabel('Topic filter').fill('meters/#')
  await visitor.button('Count').click()
  await visitor.row('meters/0001/energy').waitFor()
  await visitor.inspect('topics-counted')
  await visitor.page.getByLabel('Topic', { exact: true }).fill('house/all/mode')
  await visitor.page.getByLabel('Payload').fill('night')
  await visitor.button('Publish').click()
  await visitor.note('Published to house/all/mode.')
}

const deleteRetained: Action = async (visitor, broker, number) => {
  const topic = `house/room${number + 21}/temperature`
  await visitor.goTo('retained', 'Retained')
  await visitor.page
    .getByRole('navigation', { name: 'Levels of the tree' })
    .getByRole('link', { name: /^house/ })
    .click()
  await visitor.page.getByRole('link', { name: new RegExp(`^room${number + 21} `) }).click()
  await visitor.row(topic).getByRole('button', { name: 'Delete' }).click()
  await visitor.confirm('Delete')
  await visitor.note('Deleted.')
  assert.deepEqual((await broker.admin.retained({ topicFilter: topic })).items, [])
}

const findSubscriptions: Action = async (visitor) => {
  await visitor.goTo('subscriptions', 'Subscriptions')
  await visitor.page.getByLabel('Kind').selectOption('Shared')
  await visitor.row('$share/billing/meters/#').waitFor()
  await visitor.page.getByRole('table', { name: 'Shared Subscriptions' }).getByText('billing').waitFor()
}

/** From a client to its trace, its records, the file, and the end. */
const traceClient: Action = async (visitor, broker, number) => {
  const clientId = thermostat(number + 21)
  const { page } = visitor
  await visitor.goTo(`clients/${clientId}`, new RegExp(clientId))
  await page.getByRole('link', { name: 'Trace …' }).click()
  await visitor.heading('Trace').waitFor()
  assert.equal(await page.getByLabel('Client identifier').inputValue(), clientId)
  await visitor.button('Start').click()
  await visitor.heading(new RegExp(clientId)).waitFor()
  await visitor.row('following').waitFor()
  await broker.publish(`house/room${number + 21}/set`, '21.5', { qos: 1 })
  await visitor.row('<- PUBLISH').waitFor()
  await visitor.row('-> PUBACK').waitFor()
  await visitor.inspect('trace')
  await page.getByLabel('Search').fill('publish')
  await visitor.row('-> PUBACK').waitFor({ state: 'detached' })
  await visitor.row('<- PUBLISH').getByRole('button').click()
  await page.getByRole('heading', { name: /^Record \d+/ }).waitFor()
  await visitor.inspect('trace-record')
  await visitor.button('Pause').click()
  await visitor.button('Resume').click()
  const [saved] = await Promise.all([page.waitForEvent('download'), visitor.button('Download').click()])
  const { header, records } = parseTrace(readFileSync(await saved.path(), 'utf8'), saved.suggestedFilename())
  assert.equal(header.clientId, clientId)
  assert(records.some(({ record }) => record.packet?.type === 'PUBACK'))
  await visitor.button('Stop').click()
  await visitor.confirm('Stop')
  await visitor.note('Stopped.')
  await page.getByText(/^Stopped after \d+ records\./).waitFor()
  await visitor.goTo('trace', 'Trace')
  await visitor.row(clientId).getByRole('button', { name: 'Stop' }).waitFor({ state: 'detached' })
}

/** One that ends by itself. */
const traceTopic: Action = async (visitor) => {
  await visitor.goTo('trace', 'Trace')
  await visitor.button('Start').click()
  await visitor.page.getByRole('alert').waitFor()
  await visitor.inspect('trace-refused')
  await visitor.page.getByLabel('Topic filter').fill('meters/#')
  await visitor.page.getByLabel('Records').fill('5')
  await visitor.button('Start').click()
  await visitor.page.getByText('It has reached its limit of 5 records.').waitFor()
  await visitor.row('meters/0001/energy').waitFor()
  await visitor.inspect('trace-ended')
}

const askWhy: Action = async (visitor) => {
  await visitor.goTo('clients/stuck-display', /stuck-display/)
  await visitor.page.getByRole('link', { name: 'Why …' }).click()
  await visitor.heading('Why').waitFor()
  await visitor.page.getByLabel('Topic').fill('display/line')
  await visitor.button('Ask').click()
  await visitor.page.getByRole('list', { name: 'Answer' }).getByRole('listitem').first().waitFor()
  await visitor.inspect('why-answer')
}

const changeKeys: Action = async (visitor, broker, number) => {
  const name = `script-${number}`
  await visitor.goTo('access/keys', 'Access')
  await visitor.page.getByLabel('What it is for').fill(name)
  await visitor.button('Make').click()
  await visitor.page.getByText('The key is shown only now:').waitFor()
  await visitor.row(name).getByRole('button').click()
  await visitor.confirm('Delete')
  await visitor.note('Deleted.')
  assert.equal(
    (await broker.admin.apiKeys()).some((key) => key.name === name),
    false,
  )
}

const endLogin: Action = async (visitor, broker, number) => {
  const userName = `ann-${number}`
  await visitor.logInElsewhere(userName, 'correct horse')
  await visitor.goTo('access/logins', 'Access')
  await visitor.row(userName).getByRole('button', { name: 'End' }).click()
  await visitor.confirm('End')
  await visitor.note('The login has ended.')
  assert((await broker.admin.logins()).every((login) => login.userName !== userName))
}

const reload: Action = async (visitor) => {
  await visitor.goTo('configuration', 'Configuration')
  await visitor.page.getByLabel('Search').fill('max-queued-messages')
  await visitor.row('max-queued-messages').waitFor()
  await visitor.page.getByLabel('Search').fill('listeners.plain.bind')
  const bind = visitor.row('listeners.plain.bind')
  await (visitor.look.width === 'phone' ? bind : bind.filter({ hasText: 'sluice.yaml, line 4' })).waitFor()
  await visitor.page.getByLabel('Search').fill('')
  await visitor.page.getByLabel('Show').selectOption('Only what was set')
  await visitor.row('max-queued-messages').waitFor({ state: 'detached' })
  await visitor.button('Reload …').click()
  await visitor.inspect('reload')
  await visitor.confirm('Reload')
  await visitor.note('Reloaded: no key has changed.')
  await visitor.inspect('reloaded')
}

const watchLog: Action = async (visitor, broker, number) => {
  await visitor.goTo('log', 'Log')
  await broker.admin.disconnect({ clientId: thermostat(number + 31) })
  await visitor.row('clientDisconnected').waitFor()
  await visitor.button('Pause').click()
  await visitor.button('Resume').waitFor()
}

/** What was done above is in the audit log. */
const readActions: Action = async (visitor, _, number) => {
  await visitor.goTo('log/actions', 'Log')
  const table = visitor.page.getByRole('table', { name: 'Actions' })
  await table.getByRole('row').nth(1).waitFor()
  await table.focus()
  // The newest come first, and both themes act at the same time: it may be further down. A phone has no room for
  // parameters.
  const done = visitor.row(visitor.look.width === 'phone' ? 'disconnect' : thermostat(number + 1))
  if (!(await done.isVisible())) await visitor.pressUntil('PageDown', done)
  await visitor.inspect('actions-done')
}

const chooseTheme: Action = async (visitor) => {
  if (visitor.look.width === 'phone') await visitor.button('Menu').click()
  const dark = 'getComputedStyle(document.documentElement).colorScheme'
  await visitor.page.getByLabel('Theme').selectOption('Dark')
  assert.equal(await visitor.page.evaluate(dark), 'dark')
  await visitor.page.getByLabel('Theme').selectOption('As the system')
}

/** With the keys alone: past the menu, into the list, to a client. */
const useKeyboard: Action = async (visitor) => {
  const { keyboard } = visitor.page
  await visitor.goTo('clients', 'Clients')
  await visitor.page.getByRole('link', { name: 'Skip to the content' }).focus()
  await keyboard.press('Enter')
  const table = visitor.page.getByRole('table', { name: 'Clients' })
  await table.focus()
  await visitor.pressUntil('End', visitor.row('thermostat-040'))
  await visitor.pressUntil('Home', visitor.row('billing-1'))
  await visitor.page.getByRole('link', { name: 'billing-1' }).focus()
  await keyboard.press('Enter')
  await visitor.heading(/billing-1/).waitFor()
  await visitor.button('Disconnect').focus()
  await keyboard.press('Enter')
  await visitor.page.getByRole('dialog').waitFor()
  await keyboard.press('Escape')
  await visitor.page.getByRole('dialog').waitFor({ state: 'detached' })
}

/** A user with the role operator is offered no more than it may do. */
const logInAsOperator: Action = async (visitor, broker, number) => {
  if (visitor.look.width === 'phone') await visitor.button('Menu').click()
  await visitor.button('Log out').click()
  await visitor.heading('Log in').waitFor()
  await visitor.page.getByLabel('User name', { exact: true }).fill(`ann-${number}`)
  await visitor.page.getByLabel('Password', { exact: true }).fill('correct horse')
  await visitor.button('Log in').click()
  await visitor.goTo('access', 'Access')
  await visitor.row('meter-0001').waitFor()
  assert.equal(await visitor.button('Save').count(), 0)
  await consoleOfOperator(visitor, broker, number)
}

/** The last one logs out. */
export const actions: Readonly<Record<string, Action>> = {
  subscribeAndUndo,
  disconnect,
  banAndUndo,
  endSession,
  searchClients,
  sortClients,
  countAndPublish,
  deleteRetained,
  findSubscriptions,
  traceClient,
  traceTopic,
  askWhy,
  ...accessActions,
  changeKeys,
  endLogin,
  reload,
  watchLog,
  readActions,
  chooseTheme,
  useKeyboard,
  ...consoleActions,
  logInAsOperator,
}
