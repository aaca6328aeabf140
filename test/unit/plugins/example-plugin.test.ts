import { createAccess } from '../../../src/config/access-plugins.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Access } from '../../../src/access/access.ts'
import { shippedPlugins } from '../../../src/plugins/registry.ts'
import { CapturedLog, clientOf, ManualClock } from './support.ts'

/** From build/test/unit/plugins. */
const baseFolder = fileURLToPath(new URL('../../../../examples/plugin/', import.meta.url))
const concierge = clientOf('concierge')
const HOUR_MS = 3_600_000

/** The configuration of the example's README, in the folder of its package. */
async function open(options: Record<string, unknown>): Promise<{ access: Access; clock: ManualClock }> {
  const clock = new ManualClock()
  const plugins = ['topic_acl', { plugin: 'topics.working-hours', options }]
  const topicCheck = { plugins, acl: { concierge: ['doors/#'] } }
  const sources = { registry: shippedPlugins, baseFolder, log: new CapturedLog(), clock }
  return { access: await createAccess({ topicCheck }, sources), clock }
}

test('examples/plugin: found by the name in its package.json, it denies outside the hours and says so', async () => {
  const { access, clock } = await open({ topics: ['doors/+/open'], 'from-hour': 8, 'to-hour': 18 })
  const may = (topicName: string) =>
    access.mayPublish(concierge, { topic: topicName, topicName, qos: 0, retain: false })
  const now = new Date(clock.wallNow()).getUTCHours()
  assert.equal(now, 22)
  assert.equal(may('doors/front/open'), false)
  assert.equal(may('doors/front/bell'), true)
  clock.advance(10 * HOUR_MS)
  assert.equal(may('doors/front/open'), true)
  clock.advance(10 * HOUR_MS)
  const explanation = await access.explain({ client: concierge, action: 'publish', topic: 'doors/front/open' })
  assert.deepEqual(explanation, {
    decision: 'deny',
    explanations: [
      { plugin: 'topic_acl', decision: 'allow', rule: 'topic-check.acl.concierge: allow doors/#' },
      { plugin: 'topics.working-hours', decision: 'deny', rule: 'doors/+/open is open from 8 to 18 h' },
    ],
  })
  assert.equal(access.stable, false)
})

test('examples/plugin: options that its schema refuses are an error at start', async () => {
  await assert.rejects(open({ topics: ['a'], 'from-hour': 25 }), /topics.working-hours: option fromHour: .*25/)
  await assert.rejects(open({ topic: ['a'] }), /topics.working-hours: option/)
})
