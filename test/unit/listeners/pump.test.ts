import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Duplex, PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { openListener } from '../../../src/listeners/listener.ts'
import { attachStream } from '../../../src/listeners/pump.ts'
import { closed } from '../../support/closed.ts'
import { listenerOptions, RecordingHost, type RecordedConnection } from './recording-host.ts'

const BIG = Buffer.alloc(16 * 1024 * 1024, 'x')

async function serve(context: TestContext, host = new RecordingHost()) {
  const listener = await openListener(listenerOptions(), host)
  context.after(() => listener.close())
  const dial = (): Socket => {
    const socket = connect(listener.port!, '127.0.0.1')
    context.after(() => socket.destroy())
    return socket
  }
  return { host, dial, listener }
}

async function pair(context: TestContext): Promise<{ client: Socket; connection: RecordedConnection }> {
  const { host, dial } = await serve(context)
  const client = dial()
  return { client, connection: await host.connection() }
}

test('bytes reach the machine in order, and its bytes reach the peer [5.0 MQTT-4.2.0-1]', async (context) => {
  const { client, connection } = await pair(context)
  client.write('one')
  client.write(' two')
  await connection.untilReceived('one two')
  assert.equal(connection.transport.write(Buffer.from('three')), true)
  const [answer] = await once(client, 'data')
  assert.equal(String(answer), 'three')
})

test('a stream of the host program that throws costs itself, not whoever is just being served', async () => {
  const host = new RecordingHost()
  const stream = new Duplex({
    read: () => {},
    write: () => {
      throw new Error('no more paper')
    },
  })
  assert.equal(attachStream(stream, {}, host), true)
  const connection = await host.connection()
  assert.equal(connection.transport.write(Buffer.from('line')), false)
  await connection.untilLost()
  assert.match(String(connection.error), /no more paper/)
})

test('memory that a write gave back may be used again at once', async (context) => {
  const { client, connection } = await pair(context)
  const memory = Buffer.from('first')
  assert.equal(connection.transport.write(memory), true)
  memory.fill('?')
  connection.transport.end()
  assert.equal(await text(client), 'first')
})

test('a peer that does not read: held writes are counted, keep their order, and end in one drained', async (context) => {
  const { client, connection } = await pair(context)
  const { transport } = connection
  assert.equal(transport.write(BIG), false)
  assert.equal(transport.write(Buffer.from('end')), false)
  assert.ok(transport.unsentBytes > 3 && transport.unsentBytes <= BIG.length + 3)
  assert.equal(connection.drainedCount, 0)

  let length = 0
  client.on('data', (chunk: Buffer) => (length += chunk.length))
  await connection.until(() => connection.drainedCount > 0)
  assert.equal(transport.unsentBytes, 0)
  assert.equal(transport.write(Buffer.from('!')), true)
  transport.end()
  await once(client, 'end')
  assert.equal(length, BIG.length + 4)
  assert.equal(connection.drainedCount, 1)
})

test('after drained the next hold is reported as well', async (context) => {
  const { client, connection } = await pair(context)
  client.resume()
  for (let round = 1; round <= 3; round++) {
    assert.equal(connection.transport.write(BIG), false)
    await connection.until(() => connection.drainedCount === round)
  }
})

test('nothing is received while reading is paused, and nothing of it is lost', async (context) => {
  const { client, connection } = await pair(context)
  connection.onReceive = () => connection.transport.pauseReading()
  client.write('a')
  await connection.untilReceived('a')
  client.write('b')
  const chunks = connection.chunks
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(connection.chunks, chunks)
  connection.transport.resumeReading()
  await connection.untilReceived('ab')
})

test("the peer's end closes the Connection, behind the answers to its last bytes", async (context) => {
  const { client, connection } = await pair(context)
  connection.onReceive = () => setImmediate(() => connection.transport.write(Buffer.from('answer')))
  client.end('question')
  assert.equal(await text(client), 'answer')
  await connection.untilLost()
  assert.equal(connection.error, undefined)
})

test('a reset by the peer is told as the error', async (context) => {
  const { client, connection } = await pair(context)
  client.resetAndDestroy()
  await connection.untilLost()
  assert.equal((connection.error as NodeJS.ErrnoException).code, 'ECONNRESET')
})

test('end: what was written still leaves, later bytes of the peer are ignored, lost comes once', async (context) => {
  const { client, connection } = await pair(context)
  connection.transport.write(BIG)
  connection.transport.end()
  connection.transport.end()
  assert.equal(connection.transport.write(Buffer.from('too late')), true)
  client.write('ignored')
  assert.equal((await text(client)).length, BIG.length)
  await connection.untilLost()
  assert.equal(connection.received.length, 0)
  connection.transport.destroy()
  assert.equal(connection.lostCount, 1)
})

test('destroy closes at once although the peer does not read', async (context) => {
  const { connection } = await pair(context)
  connection.transport.write(BIG)
  connection.transport.destroy()
  await connection.untilLost()
  assert.equal(connection.transport.write(Buffer.from('x')), true)
})

test('a refused Connection is reset without a word', async (context) => {
  const host = new RecordingHost()
  host.onAccept = () => false
  const { dial } = await serve(context, host)
  assert.ok(await closed(dial()))
})

test('a machine that throws costs its own Connection only', async (context) => {
  const { host, dial } = await serve(context)
  const [broken, sound] = [dial(), dial()]
  const [first, second] = [await host.connection(0), await host.connection(1)]
  first.onReceive = second.onReceive = (chunk) => {
    if (chunk[0] === 0x62) throw new Error('our own mistake')
  }
  broken.write('b')
  const lost = await Promise.race([first.untilLost(), second.untilLost()])
  assert.equal(lost.error?.message, 'our own mistake')
  sound.write('s')
  await Promise.race([first.untilReceived('s'), second.untilReceived('s')])
})

test('the peer is described', async (context) => {
  const { client, connection } = await pair(context)
  assert.deepEqual(connection.peer, {
    listener: 'test',
    address: '127.0.0.1',
    port: client.localPort,
    encrypted: false,
  })
})

/** One end of a pair of streams in memory: what is written to one is read from the other. */
class Side extends Duplex {
  #other: Side | undefined

  static pair(): [Side, Side] {
    const [ours, theirs] = [new Side(), new Side()]
    ours.#other = theirs
    theirs.#other = ours
    return [ours, theirs]
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#other!.push(chunk)
    setImmediate(done)
  }

  override _final(done: () => void): void {
    this.#other!.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#other!.push(null)
    done(error)
  }
}

test('an attached stream becomes a Connection', async () => {
  const [ours, theirs] = Side.pair()
  const host = new RecordingHost()
  assert.equal(attachStream(ours, { address: 'robot' }, host), true)
  const connection = await host.connection()
  assert.deepEqual(connection.peer, { listener: 'attached', address: 'robot', encrypted: false })
  theirs.write('in')
  await connection.untilReceived('in')
  assert.equal(connection.transport.write(Buffer.from('out')), false, 'a foreign stream keeps the memory')
  await connection.until(() => connection.drainedCount === 1)
  connection.transport.end()
  assert.equal(await text(theirs), 'out')
  // Some versions of Node destroy a stream that was read to its end, some do not.
  theirs.destroy()
  await connection.untilLost()
})

test('memory that an attached stream held may be used again once it is drained, though the reader has not read', async () => {
  const [ours, theirs] = Side.pair()
  const host = new RecordingHost()
  attachStream(ours, {}, host)
  const connection = await host.connection()
  const memory = Buffer.from('first')
  connection.transport.write(memory)
  await connection.until(() => connection.drainedCount === 1)
  memory.fill('x')
  connection.transport.end()
  assert.equal(await text(theirs), 'first')
  theirs.destroy()
  await connection.untilLost()
})

test('an attached stream that ends is lost', async () => {
  const [ours, theirs] = Side.pair()
  const host = new RecordingHost()
  attachStream(ours, {}, host)
  theirs.end()
  await (await host.connection()).untilLost()
})

test('a stream that cannot carry a Connection is not attached', () => {
  const host = new RecordingHost()
  const closed = new PassThrough().destroy()
  assert.throws(() => attachStream(closed, {}, host), { code: 'ERR_USAGE' })
  assert.throws(() => attachStream(new PassThrough({ objectMode: true }), {}, host), { code: 'ERR_USAGE' })
  assert.throws(() => attachStream(new PassThrough({ encoding: 'utf8' }), {}, host), { code: 'ERR_USAGE' })
})
