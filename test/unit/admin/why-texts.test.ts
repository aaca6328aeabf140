/**
 * Whatever clients and plugins write, an answer stays text on one line: no command for a terminal, no token, not long.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plugin } from '../../../src/access/plugin.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import fc from '../../support/property.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settled } from './support.ts'

const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZXRlciJ9.c2ln'
/** What no line of an answer may have: see `printable`. */
const UNSAFE = /\p{Cc}|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/u
/** Two names, a topic and a reason, each shortened, and every character of them escaped. */
const MAX_LENGTH = 6000

const pieces = [
  '\u001b[2J',
  '\u009b1A',
  '\u202e',
  '\u2028',
  '\r\n',
  '"',
  '\\',
  'a',
  'é',
  '$',
  ' ',
  TOKEN,
  'x'.repeat(300),
]
const hostile = fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: 8 }).map((parts) => parts.join(''))
/** Plugins are not bound to UTF-8. */
const ofPlugin = fc.tuple(hostile, fc.constantFrom('', '\ud800')).map((parts) => parts.join(''))

function configOf(text: string): ConfigInput {
  const guard: Plugin = {
    name: text,
    authenticate: ({ userName }) =>
      userName === undefined ? { decision: 'allow' } : { decision: 'deny', cause: text },
    mayPublish: (_client, { topic }) => !topic.endsWith('denied'),
    maySubscribe: (_client, topicFilter) => !topicFilter.endsWith('denied'),
    explain: () => ({ plugin: text, decision: 'deny', rule: text }),
    intercept: (_client, { topic }) => {
      if (topic.endsWith('refused')) return { decision: 'refuse', cause: text }
      return topic.endsWith('changed') ? { decision: 'replace', topic: text } : undefined
    },
  }
  return {
    auth: { plugins: [guard] },
    'topic-check': { plugins: [guard] },
    intercept: { plugins: [guard] },
    'recorder-payload-bytes': 64,
  }
}

/** Lets clients do everything that answers are about. @returns the topics of messages */
async function happens(broker: VirtualBroker, text: string): Promise<readonly string[]> {
  const topics = ['denied', 'refused', 'changed', 'passed', 'retained'].map((end) => `${text}/${end}`)
  const meter = broker.connect({ clientId: text })
  await broker.settle()
  meter.subscribe([`${text}/passed`, `${text}/denied`, `b/${text}`], 1)
  const will = { topicName: `${text}/will`, properties: {} }
  const sensor = broker.connect({ clientId: `${text}-2`, will })
  await broker.settle()
  for (const topic of topics) sensor.publish(topic, text, 1, { retain: topic.endsWith('retained') })
  await broker.settle()
  broker.connect({ clientId: text, userName: text, password: text })
  await broker.settle()
  broker.connect({ clientId: text })
  await broker.settle()
  return [...topics, `${text}/will`, `c/${text}`]
}

async function textsOf(broker: VirtualBroker, text: string, topics: readonly string[]): Promise<string[]> {
  const { admin } = broker.broker
  const answers = [admin.whyClosed({ clientId: text }), admin.whyRefused({ userName: text })]
  for (const topic of topics) answers.push(admin.why({ clientId: text, topic }))
  const views = await settled(broker, Promise.all(answers))
  const hints = await settled(broker, admin.hints())
  return [...views.flatMap(({ facts }) => facts.map((fact) => fact.text)), ...hints.map((hint) => hint.text)]
}

test('answers have no text that was not made safe', async () => {
  const property = fc.asyncProperty(ofPlugin, async (ofPlugins) => {
    const text = ofPlugins.replace('\ud800', '')
    const broker = await VirtualBroker.start(configOf(ofPlugins))
    const texts = await textsOf(broker, text, await happens(broker, text))
    assert.ok(texts.length > 20, `${texts.length} texts`)
    for (const each of texts) {
      assert.doesNotMatch(each, UNSAFE)
      assert.ok(!each.includes(TOKEN), each)
      assert.ok(each.length <= MAX_LENGTH, `${each.length} characters: ${each}`)
    }
    await broker.close()
  })
  await fc.assert(property, { numRuns: 30 })
})
