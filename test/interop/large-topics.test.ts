import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { TestAuthority } from '../support/certificates.ts'
import { mqttJs, nextMessages, serve } from './support.ts'

/** Around the sizes at which a PUBLISH no longer fits into the broker's largest buffer, and the longest there is. */
const TOPIC_BYTES = [40_960, 65_528, 65_529, 65_533, 65_535]

test('MQTT.js: topics of every length arrive whole, over every transport [5.0 MQTT-1.5.4-1] [3.1.1 MQTT-4.7.3-3]', async (t) => {
  const path = await mkdtemp(join(tmpdir(), 'sluice-topics-'))
  t.after(() => rm(path, { recursive: true }))
  const authority = new TestAuthority('Works CA')
  const server = authority.issue({ subject: [['CN', 'server']], names: ['DNS:localhost', 'IP:127.0.0.1'] })
  const certfile = join(path, 'cert.pem')
  const keyfile = join(path, 'key.pem')
  await writeFile(certfile, server.certificate)
  await writeFile(keyfile, server.key)
  const bind = '127.0.0.1:0'
  const { broker } = await serve(t, {
    listeners: {
      mqtt: { bind },
      mqtts: { bind, ssl: true, certfile, keyfile },
      ws: { bind, type: 'ws' },
      wss: { bind, type: 'ws', ssl: true, certfile, keyfile },
    },
  })
  const listeners: string[] = []
  broker.on('clientConnected', ({ client }) => listeners.push(client.listener))
  for (const { name, port } of broker.listeners) {
    for (const protocolVersion of [4, 5] as const) {
      const options = { protocol: name as 'mqtt', protocolVersion, ca: authority.certificate, path: '/' }
      const receiver = await mqttJs(t, port!, options)
      await receiver.subscribeAsync('#', { qos: 2 })
      const sender = await mqttJs(t, port!, options)
      for (const bytes of TOPIC_BYTES) {
        for (const qos of [0, 1, 2] as const) {
          const topic = 't'.repeat(bytes)
          const received = nextMessages(receiver)
          await sender.publishAsync(topic, 'payload', { qos })
          assert.ok((await received)[0] === `${topic} payload`, `${name}, ${bytes} bytes at QoS ${qos}`)
        }
      }
      assert.deepEqual(listeners.splice(0), [name, name])
      await Promise.all([receiver.endAsync(), sender.endAsync()])
    }
  }
  assert.equal(broker.metrics.internalErrors, 0)
})
