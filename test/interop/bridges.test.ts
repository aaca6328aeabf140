import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { freePort } from '../../src/bench/process.ts'
import type { Broker } from '../../src/create-broker.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { messagesOf, mosquitto, mosquittoSub, serve, start, type Program } from './support.ts'

async function startMosquitto(t: TestContext, port: number): Promise<Program> {
  const file = join(scratchFolder(), 'mosquitto.conf')
  const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'max_queued_messages 0', 'log_type all']
  writeFileSync(file, [...lines, ''].join('\n'))
  const program = start(t, '/usr/sbin/mosquitto', ['-c', file, '-v'])
  await program.line(/mosquitto version .* running/)
  return program
}

/** Resolves when the bridge `far` is connected. */
function connects(broker: Broker): Promise<void> {
  return new Promise((resolve) => {
    const subscription = broker.subscribe('$SYS/broker/connection/far/state', (message) => {
      if (message.text() !== '1') return
      subscription.close()
      resolve()
    })
  })
}

for (const protocol of ['3.1.1', '5.0'] as const) {
  test(`a bridge to Mosquitto, ${protocol}: both directions, every QoS, RETAIN, no message twice`, async (t) => {
    const port = await freePort()
    const far = { url: `mqtt://127.0.0.1:${port}`, clientId: 'house', protocol, maxReconnectDelay: 1 }
    const both = [{ filter: '#', qos: 2 as const }]
    await startMosquitto(t, port)
    const { broker, port: near } = await serve(t, { bridges: { far: { ...far, out: both, in: both } } })
    await connects(broker)
    const here = await mosquittoSub(t, near, ['-t', '#', '-q', '2'])
    const there = await mosquittoSub(t, port, ['-t', '#', '-q', '2'])
    for (const qos of ['0', '1', '2']) {
      const retain = qos === '1' ? ['-r'] : []
      await mosquitto(t, 'pub', near, ['-t', `near/${qos}`, '-m', 'n', '-q', qos, ...retain]).end()
      await mosquitto(t, 'pub', port, ['-t', `far/${qos}`, '-m', 'f', '-q', qos, ...retain]).end()
    }
    // A marker in each direction comes behind everything that could have come twice.
    await mosquitto(t, 'pub', near, ['-t', 'marker/near', '-m', 'm', '-q', '2']).end()
    await there.line(/marker\/near/)
    await mosquitto(t, 'pub', port, ['-t', 'marker/far', '-m', 'm', '-q', '2']).end()
    await here.line(/marker\/far/)
    const expected = ['far/0 0 0 f', 'far/1 1 0 f', 'far/2 2 0 f', 'near/0 0 0 n', 'near/1 1 0 n', 'near/2 2 0 n']
    for (const side of [here, there]) {
      const lines = messagesOf(side).filter((line) => !line.startsWith('marker'))
      assert.deepEqual(lines.toSorted(), expected)
    }
    for (const [where, topic] of [
      [near, 'far/1'],
      [port, 'near/1'],
    ] as const) {
      const late = await mosquittoSub(t, where, ['-t', topic, '-q', '1', '-C', '1'])
      await late.end()
      assert.match(messagesOf(late)[0]!, new RegExp(`^${topic} 1 1 `))
    }
  })

  test(`a bridge to Mosquitto, ${protocol}: what is published while it is paused follows in order`, async (t) => {
    const port = await freePort()
    const configOf = (paused: boolean) => {
      const far = { url: `mqtt://127.0.0.1:${port}`, clientId: 'house', protocol, paused }
      return {
        listeners: { tcp: { bind: '127.0.0.1:0' } },
        bridges: { far: { ...far, out: [{ filter: 'a/#', qos: 2 as const }] } },
      }
    }
    await startMosquitto(t, port)
    const { broker, port: near } = await serve(t, configOf(true))
    const input = Array.from({ length: 500 }, (_, at) => `${at}\n`).join('')
    await mosquitto(t, 'pub', near, ['-t', 'a/b', '-l', '-q', '2'], { input }).end()
    const there = await mosquittoSub(t, port, ['-t', 'a/#', '-q', '2', '-C', '500'])
    await broker.reload(configOf(false))
    await there.end()
    const payloads = messagesOf(there).map((line) => line.split(' ').at(-1))
    assert.deepEqual(payloads, input.trim().split('\n'))
  })
}
