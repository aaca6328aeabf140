import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createBroker } from '../../src/create-broker.ts'
import { dial, echo, openFrom } from './mqtt-js.ts'
import { clientsOf } from '../support/sessions.ts'

test("mount: MQTT.js reaches the broker on the host program's HTTP server, whose own routes are left alone", async (t) => {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/health' ? 200 : 404
    response.end(`page ${request.url}`)
  })
  server.on('upgrade', (request, socket) => {
    if (request.url === '/chat') socket.end('HTTP/1.1 418 Theirs\r\nConnection: close\r\n\r\n')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`

  await using broker = await createBroker({ listeners: {}, 'max-qos': 1 })
  const mounted = broker.mount(server, { path: '/mqtt', allowedOrigins: ['https://app.example'] })
  assert.equal(await echo(`ws://${address}/mqtt`, { protocolVersion: 5 }, 'a/b', 'hello'), 'hello')
  assert.equal(await openFrom('https://app.example', `ws://${address}/mqtt`), 101)
  assert.equal(await openFrom('https://bad.example', `ws://${address}/mqtt`), 403)
  assert.equal(mounted.refusedUpgrades, 1)

  for (const [path, status] of [
    ['/health', 200],
    ['/mqtt', 404],
  ] as const) {
    const response = await fetch(`http://${address}${path}`)
    assert.deepEqual([response.status, await response.text()], [status, `page ${path}`])
  }
  assert.equal(await openFrom('https://bad.example', `ws://${address}/chat`), 418)

  const client = await dial(`ws://${address}/mqtt`)
  assert.equal(clientsOf(broker)[0]?.client.listener, 'mounted')
  mounted.close()
  await client.subscribeAsync('still/here')
  assert.equal(server.listenerCount('upgrade'), 1)
  client.end(true)
})
