import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstat, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { openListener } from '../../../src/listeners/listener.ts'
import { listenerOptions, RecordingHost } from './recording-host.ts'

async function place(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-unix-'))
  context.after(() => rm(folder, { recursive: true }))
  return join(folder, 'broker.sock')
}

const at = (path: string) => listenerOptions({ type: 'unix', bind: path })

test('MQTT over a Unix domain socket; close removes its file', async (context) => {
  const path = await place(context)
  const host = new RecordingHost()
  const listener = await openListener(at(path), host)
  assert.deepEqual([listener.url, listener.address, listener.port], [`unix:${path}`, path, undefined])
  const client = connect(path)
  client.write('question')
  const connection = await (await host.connection()).untilReceived('question')
  assert.deepEqual(connection.peer, { listener: 'test', address: '', port: undefined, encrypted: false })
  assert.equal(connection.transport.write(Buffer.from('answer')), true)
  connection.transport.end()
  assert.equal(await text(client), 'answer')
  await listener.close()
  await assert.rejects(lstat(path), { code: 'ENOENT' })
})

test('a socket file that a killed process left is replaced', async (context) => {
  const path = await place(context)
  const script = `require('node:net').createServer().listen(process.argv[1], () => console.log('open'))`
  const child = spawn(process.execPath, ['-e', script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
  assert.ok((await lstat(path)).isSocket())
  const listener = await openListener(at(path), new RecordingHost())
  await listener.close()
})

test('a socket on which somebody answers, and a file that is no socket, are left alone', async (context) => {
  const path = await place(context)
  const first = await openListener(at(path), new RecordingHost())
  await assert.rejects(openListener(at(path), new RecordingHost()), {
    code: 'ERR_LISTENER_IN_USE',
    message: /`test` cannot listen on .*broker\.sock: another program is already listening/,
  })
  await first.close()
  await writeFile(path, 'precious')
  await assert.rejects(openListener(at(path), new RecordingHost()), {
    code: 'ERR_LISTENER_PATH',
    message: /is a file that is not a socket/,
  })
})

test('a path that cannot be had is explained', async (context) => {
  const path = await place(context)
  for (const [bind, message] of [
    [join(path, 'below', 'x.sock'), /folder does not exist/],
    [`${path}${'x'.repeat(120)}`, /too long for a socket/],
  ] as const) {
    await assert.rejects(openListener(at(bind), new RecordingHost()), { code: 'ERR_LISTENER_PATH', message })
  }
})

test('mode and group of a socket are what the configuration says, and never more on the way there', async (context) => {
  const path = await place(context)
  const gid = process.getgid!()
  for (const [input, mode] of [
    [{ mode: '0600' }, 0o600],
    [{ mode: '666' }, 0o666],
    [{ group: String(gid) }, 0o660],
    [{ mode: '0670', group: String(gid) }, 0o670],
  ] as const) {
    const umask = process.umask()
    const listener = await openListener(listenerOptions({ type: 'unix', bind: path, ...input }), new RecordingHost())
    const file = await lstat(path)
    assert.deepEqual([file.mode & 0o777, file.gid, process.umask()], [mode, gid, umask])
    await listener.close()
  }
})

test('a group that is not there, or a mode that is none, is an error that names the key', async (context) => {
  const path = await place(context)
  const at = (input: object) => listenerOptions({ type: 'unix', bind: path, ...input })
  await assert.rejects(openListener(at({ group: 'no-such-group' }), new RecordingHost()), {
    code: 'ERR_LISTENER_ACCESS',
    message: /`test`: there is no group no-such-group/,
  })
  await assert.rejects(lstat(path), { code: 'ENOENT' }, 'nothing is left open')
  assert.throws(() => at({ mode: '0999' }), /mode must be an octal file mode/)
  assert.throws(() => at({ mode: 'rw' }), /mode must be an octal file mode/)
  assert.throws(() => at({ mode: 660 }), /mode must be an octal number in quotes, such as '0660', got 660$/)
  assert.throws(() => listenerOptions({ mode: '0660' }), /mode has no effect here without `type: unix`/)
})
