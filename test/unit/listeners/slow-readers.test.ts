/**
 * One contract for every kind of listener: how far a reader has got can be seen, also in the middle of a large write.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { createWebSocketStream, WebSocket } from 'ws'
import { openListener, type Listener } from '../../../src/listeners/listener.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { listenerOptions, RecordingHost } from './recording-host.ts'

const authority = new TestAuthority('Works CA')
const { certificate, key } = authority.issue({ subject: [['CN', 'server']], names: ['IP:127.0.0.1'] })
const trust = { ca: authority.certificate, servername: '' }

/** More than the buffers of the system take. */
const LARGE = Buffer.alloc(32 * 1024 * 1024, 'x')

interface Kind {
  readonly type: 'tcp' | 'ws'
  readonly ssl: boolean
  dial(listener: Listener): Readable
}

const KINDS: Readonly<Record<string, Kind>> = {
  tcp: { type: 'tcp', ssl: false, dial: ({ port }) => connect(port!, '127.0.0.1') },
  tls: { type: 'tcp', ssl: true, dial: ({ port }) => connectTls({ host: '127.0.0.1', port: port!, ...trust }) },
  ws: { type: 'ws', ssl: false, dial: ({ url }) => overWebSocket(url) },
  wss: { type: 'ws', ssl: true, dial: ({ port }) => overWebSocket(`wss://127.0.0.1:${port}`) },
}

function overWebSocket(url: string): Readable {
  return createWebSocketStream(new WebSocket(url, ['mqtt'], { ca: authority.certificate }))
}

async function pair(context: TestContext, kind: Kind) {
  const folder = scratchFolder()
  const [certfile, keyfile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await writeFile(certfile, certificate)
  await writeFile(keyfile, key)
  const host = new RecordingHost()
  const files = kind.ssl ? { ssl: true, certfile, keyfile } : {}
  const listener = await openListener(listenerOptions({ type: kind.type, ...files }), host)
  const client = kind.dial(listener).on('error', () => {})
  context.after(() => client.destroy())
  context.after(() => listener.close())
  return { client: client as Socket, connection: await host.connection() }
}

/** Reads so many bytes, and then no more. */
async function read(client: Readable, bytes: number): Promise<number> {
  let count = 0
  while (count < bytes) {
    const chunk = client.read() as Buffer | null
    if (chunk === null) await once(client, 'readable')
    else count += chunk.length
  }
  return count
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}

for (const [name, kind] of Object.entries(KINDS)) {
  test(`${name}: what a slow reader has taken of one large write shows at once; nothing of it is lost`, async (context) => {
    const { client, connection } = await pair(context, kind)
    const { transport } = connection
    assert.equal(transport.write(LARGE), false)
    assert.equal(transport.write(Buffer.from('end')), false)
    let count = 0
    for (const part of [8, 16, 24]) {
      const before = transport.unsentBytes
      count += await read(client, part * 1024 * 1024 - count)
      await until(() => transport.unsentBytes < before)
      assert.ok(transport.unsentBytes > 0, 'there is more')
      assert.equal(connection.drainedCount, 0)
    }
    const last: Buffer[] = []
    client.on('data', (chunk: Buffer) => {
      count += chunk.length
      last.push(chunk)
      if (last.length > 2) last.shift()
    })
    await connection.until(() => connection.drainedCount > 0)
    assert.equal(transport.unsentBytes, 0)
    transport.end()
    await once(client, 'end')
    assert.equal(count, LARGE.length + 3)
    assert.match(Buffer.concat(last).toString(), /xend$/)
  })

  test(`${name}: what waits when the Connection ends still leaves, in order, and nothing behind it`, async (context) => {
    const { client, connection } = await pair(context, kind)
    const { transport } = connection
    transport.write(LARGE)
    transport.write(Buffer.from('end'))
    transport.end()
    assert.equal(transport.write(Buffer.from('too late')), true)
    let count = 0
    client.on('data', (chunk: Buffer) => (count += chunk.length))
    await once(client, 'end')
    assert.equal(count, LARGE.length + 3)
    client.destroy()
    await connection.untilLost()
  })
}
