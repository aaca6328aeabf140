/** Every action of the console, done as somebody at it would. @module */
import assert from 'node:assert/strict'
import type { Broker } from '../../src/index.ts'
import type { Action, Visitor } from './visitor.ts'

const COMMAND = '{"mode":"night","rooms":[1,2,3]}'

async function enter(visitor: Visitor): Promise<string> {
  await visitor.goTo('console', 'Console')
  return connected(visitor)
}

/** @returns its client identifier */
async function connected(visitor: Visitor): Promise<string> {
  const state = visitor.page.getByText(/^Connected as console-/)
  await state.waitFor()
  return /console-[\da-f]+/.exec((await state.textContent())!)![0]
}

async function subscribe(visitor: Visitor, topicFilter: string, answer: string | RegExp): Promise<void> {
  const { page } = visitor
  await page.getByLabel('Topic filter').fill(topicFilter)
  await visitor.button('Subscribe').click()
  await entry(visitor, topicFilter).getByText(answer).waitFor()
}

function entry(visitor: Visitor, topicFilter: string) {
  return visitor.page.getByRole('listitem').filter({ hasText: topicFilter })
}

function published(visitor: Visitor, answer: string | RegExp): Promise<void> {
  return visitor.page.getByRole('form', { name: 'Publish' }).getByRole('status').getByText(answer).waitFor()
}

const teach: Action = async (visitor, broker) => {
  const clientId = await enter(visitor)
  await visitor.page.getByText('No subscription yet.').waitFor()
  await visitor.inspect('console-empty')
  await visitor.button('Use sensors/+/temperature').click()
  assert.equal(await visitor.page.getByLabel('Topic filter').inputValue(), 'sensors/+/temperature')
  await visitor.page.getByRole('link', { name: 'Show this client' }).click()
  await visitor.heading(new RegExp(clientId)).waitFor()
  assert.equal((await broker.admin.client({ clientId }))?.listener, 'console')
}

const receiveRetained: Action = async (visitor) => {
  await enter(visitor)
  const { page } = visitor
  await page.locator('.console-form').first().getByLabel('QoS').selectOption('1')
  await page.getByLabel('No Local').check()
  await page.getByLabel('Retain Handling').selectOption('1')
  await subscribe(visitor, 'house/+/temperature', 'Granted QoS 1')
  await visitor.row('house/room40/temperature').waitFor()
  await visitor.row('retained').waitFor()
  await visitor.inspect('console-retained')
  await visitor.button('Unsubscribe from house/+/temperature').click()
  await page.getByText('No subscription yet.').waitFor()
  await page.getByLabel('No Local').uncheck()
}

const publishAndReceive: Action = async (visitor, _, number) => {
  await enter(visitor)
  const { page } = visitor
  const topic = `console/${number}/command`
  await visitor.button('Clear').click()
  await subscribe(visitor, `console/${number}/#`, 'Granted QoS 1')
  const form = page.getByRole('form', { name: 'Publish' })
  await form.getByLabel('Topic', { exact: true }).fill(topic)
  await form.getByLabel('QoS').selectOption('2')
  await form.getByLabel('Payload', { exact: true }).fill(COMMAND)
  await form.getByLabel('Written as').selectOption('JSON')
  await form.getByText('Properties', { exact: true }).click()
  await form.getByLabel('Payload Format Indicator').selectOption('1')
  await form.getByLabel('Message Expiry Interval').fill('60')
  await form.getByLabel('Content Type').fill('application/json')
  await form.getByLabel('Response Topic').fill(`console/${number}/answer`)
  await form.getByLabel('Correlation Data', { exact: true }).fill('c0 ff ee')
  await form.getByLabel('Correlation Data is').selectOption('Hexadecimal')
  await form.getByRole('button', { name: 'Add User Property' }).click()
  await form.getByLabel('Name 1').fill('origin')
  await form.getByLabel('Value 1').fill('console')
  await form.getByRole('button', { name: 'Publish' }).click()
  await published(visitor, `Published to ${topic}: Success (0x00).`)
  await visitor.row(topic).getByRole('button').click()
  await page.getByRole('heading', { name: /^Message \d+/ }).waitFor()
  for (const text of ['application/json', 'c0 ff ee', 'User Property origin', `console/${number}/#`])
    await page.locator('.facts').getByText(text).waitFor()
  await page.locator('pre').getByText('"mode": "night"').waitFor()
  await page.evaluate('scrollTo(0, 0)')
  await visitor.inspect('console-message')
  await page.getByLabel('Shown as').selectOption('Hexadecimal')
  await page.locator('pre').getByText('00000000').waitFor()
  await visitor.button('Answer to its Response Topic').click()
  assert.equal(await form.getByLabel('Topic', { exact: true }).inputValue(), `console/${number}/answer`)
}

const refuseWhatCannotBe: Action = async (visitor) => {
  await enter(visitor)
  const { page } = visitor
  const form = page.getByRole('form', { name: 'Publish' })
  await form.getByLabel('Payload', { exact: true }).fill('{')
  await form.getByRole('button', { name: 'Publish' }).click()
  await published(visitor, /^This is not JSON/)
  await form.getByLabel('Written as').selectOption('Hexadecimal')
  await form.getByRole('button', { name: 'Publish' }).click()
  await published(visitor, /^Hexadecimal has/)
  await form.getByLabel('Written as').selectOption('Text')
  await form.getByLabel('Topic', { exact: true }).fill('$SYS/broker/uptime')
  await form.getByRole('button', { name: 'Publish' }).click()
  await published(visitor, /^Refused: .*authorized/i)
  await visitor.inspect('console-refused')
}

/** More come than are kept, while it is paused and not. */
const watchMany: Action = async (visitor, broker, number) => {
  await enter(visitor)
  const { page } = visitor
  await visitor.button('Clear').click()
  await page.getByLabel('Keep').selectOption('100 messages')
  await subscribe(visitor, `many/${number}/#`, 'Granted QoS')
  for (let at = 1; at <= 150; at++) await broker.publish(`many/${number}/${at}`, `text ${at}`)
  await visitor.row(`many/${number}/150`).waitFor()
  await page.getByText('100 of 150 received').waitFor()
  await visitor.button('Pause').click()
  await broker.publish(`many/${number}/more`, 'while it is paused')
  await page.getByText('Paused. 1 came since.').waitFor()
  await visitor.inspect('console-paused')
  await visitor.button('Resume').click()
  await visitor.row(`many/${number}/more`).waitFor()
  await page.getByLabel('Search topics and payloads').fill('text 77')
  await page.getByText('1 of 151 received').waitFor()
  await page.getByLabel('Search topics and payloads').fill('')
  await visitor.button('Clear').click()
  await page.getByText('No message yet.').waitFor()
}

const loseAndResume: Action = async (visitor, broker, number) => {
  const clientId = await enter(visitor)
  await subscribe(visitor, `again/${number}`, 'Granted QoS')
  await broker.admin.disconnect({ clientId })
  await visitor.page.getByText(/^Not connected: the broker ended it with Administrative action/).waitFor()
  await visitor.inspect('console-lost')
  await connected(visitor)
  await entry(visitor, `again/${number}`).getByText('Granted QoS').waitFor()
  await visitor.button('Disconnect').click()
  await visitor.page.getByText('Not connected.', { exact: true }).waitFor()
  await visitor.button('Connect').click()
  await connected(visitor)
  await entry(visitor, `again/${number}`).getByText('Granted QoS').waitFor()
}

const byKeyboard: Action = async (visitor, _, number) => {
  await enter(visitor)
  const { keyboard } = visitor.page
  await visitor.page.getByLabel('Topic filter').focus()
  await keyboard.type(`keys/${number}`)
  await keyboard.press('Enter')
  await entry(visitor, `keys/${number}`).getByText('Granted QoS').waitFor()
  const form = visitor.page.getByRole('form', { name: 'Publish' })
  await form.getByLabel('Topic', { exact: true }).fill(`keys/${number}`)
  await form.getByLabel('Topic', { exact: true }).focus()
  await keyboard.press('Enter')
  await visitor.row(`keys/${number}`).getByRole('button').focus()
  await keyboard.press('Enter')
  await visitor.page.getByRole('heading', { name: /^Message \d+/ }).waitFor()
}

/** Actions of somebody who may do everything. */
export const consoleActions: Readonly<Record<string, Action>> = {
  teach,
  receiveRetained,
  publishAndReceive,
  refuseWhatCannotBe,
  watchMany,
  loseAndResume,
  byKeyboard,
}

/** One who may not see payloads publishes, and learns why it cannot subscribe. */
export async function consoleOfOperator(visitor: Visitor, broker: Broker, number: number): Promise<void> {
  const clientId = await enter(visitor)
  await subscribe(visitor, 'house/#', /^Refused: your role may not see payloads/)
  await visitor.page.getByRole('form', { name: 'Publish' }).getByLabel('Topic', { exact: true }).fill('house/all/mode')
  await visitor.page.getByRole('form', { name: 'Publish' }).getByRole('button', { name: 'Publish' }).click()
  await published(visitor, 'Published to house/all/mode: sent at QoS 0')
  await visitor.inspect('console-operator')
  assert.equal((await broker.admin.client({ clientId }))?.userName, `ann-${number}`)
}
