import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { root } from '../../tools/main.ts'
import { serve, start } from './support.ts'

const PYTHON = '/usr/bin/python3'
const VERSIONS = ['3.1', '3.1.1', '5'] as const

/** What `python_client.py` prints for a scenario. */
async function paho(
  t: TestContext,
  version: string,
  scenario: string,
  transport: 'tcp' | 'websockets' = 'tcp',
): Promise<readonly string[]> {
  if (!existsSync(PYTHON)) throw new Error(`${PYTHON} is missing: install Debian's python3-paho-mqtt (.ci/run does)`)
  const type = transport === 'tcp' ? 'tcp' : 'ws'
  const { port } = await serve(t, { listeners: { door: { bind: '127.0.0.1:0', type } } })
  const script = join(root, 'test', 'interop', 'python_client.py')
  return start(t, PYTHON, ['-W', 'ignore', script, String(port), version, scenario, transport]).end()
}

for (const version of VERSIONS) {
  test(`paho-mqtt ${version}: every QoS`, async (t) => {
    assert.deepEqual(await paho(t, version, 'exchange'), ['a/b 0 0 qos 0', 'a/b 1 0 qos 1', 'a/b 2 0 qos 2'])
  })

  test(`paho-mqtt ${version}: retained messages and Will`, async (t) => {
    assert.deepEqual(await paho(t, version, 'retained_and_will'), ['kept 1 1 value', 'will 1 1 gone'])
  })

  test(`paho-mqtt ${version}: a Session goes on after a lost network`, async (t) => {
    const present = version === '3.1' ? 0 : 1
    assert.deepEqual(await paho(t, version, 'session'), ['a 1 0 qos 1', 'a 2 0 qos 2', `session present ${present}`])
  })

  test(`paho-mqtt ${version}: 1,000 topics in one SUBSCRIBE`, async (t) => {
    assert.deepEqual(await paho(t, version, 'many_topics'), ['1000 {1}', 't/0 1 0 first', 't/999 1 0 last'])
  })
}

test('paho-mqtt: WebSocket, with the Origin that it makes of the address', async (t) => {
  const expected = ['a/b 0 0 qos 0', 'a/b 1 0 qos 1', 'a/b 2 0 qos 2']
  assert.deepEqual(await paho(t, '5', 'exchange', 'websockets'), expected)
})

test('paho-mqtt: a payload of 10 MB arrives whole, at every QoS', async (t) => {
  assert.deepEqual(await paho(t, '5', 'large'), ['[True, True, True]'])
})

test('paho-mqtt: a Shared Subscription is divided fairly', async (t) => {
  assert.deepEqual(await paho(t, '5', 'shared'), ['[5, 5]'])
})

test('paho-mqtt: Topic Aliases in both directions', async (t) => {
  assert.deepEqual(await paho(t, '5', 'aliases'), ['long/topic 1 one', '- 1 two'])
})

test('paho-mqtt: request and response, with Correlation Data and User Properties in order', async (t) => {
  const expected = ["[('k', '1'), ('k', '2')]", 'answer 1 0 reply', "b'42'"]
  assert.deepEqual(await paho(t, '5', 'request_and_response'), expected)
})
