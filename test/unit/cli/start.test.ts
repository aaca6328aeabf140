import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestContext } from 'node:test'
import { root } from '../../../tools/main.ts'
import { PROGRAM, sluice } from './cli-support.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'

interface LogLine {
  readonly level: number
  readonly msg: string
  readonly listener?: string
  readonly url?: string
}

/** A running `sluice start`. */
interface Running {
  /** The next log line. */
  line(): Promise<LogLine>
  /** All that are left, once it has ended. */
  rest(): Promise<LogLine[]>
  /** Sends a signal, and answers with the exit code. */
  stop(signal: NodeJS.Signals): Promise<number | null>
}

function startSluice(t: TestContext, folder: string, args: readonly string[]): Running {
  const child = spawn(process.execPath, [PROGRAM, 'start', ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    line: async () => {
      for (;;) {
        const { value, done } = await lines.next()
        assert.ok(done !== true, 'the log ended')
        const line = JSON.parse(value) as LogLine
        // Whether it is there depends on who runs the test.
        if (!/^(the (open-file limit|HTTP API is|page for operators)|no administrator)/.test(line.msg)) return line
      }
    },
    rest: async () => {
      const left: LogLine[] = []
      for await (const line of lines) left.push(JSON.parse(line) as LogLine)
      return left
    },
    stop: async (signal) => {
      const exited = once(child, 'exit') as Promise<[number | null]>
      child.kill(signal)
      return (await exited)[0]
    },
  }
}

function configure(text: string): string {
  const folder = scratchFolder()
  writeFileSync(join(folder, 'sluice.yaml'), text)
  return folder
}

test('commands ask the broker that runs in this folder, with no set-up, and only its user may', async (t) => {
  const folder = configure('listeners:\n  one: {bind: 127.0.0.1:0}\n')
  const running = startSluice(t, folder, ['--config', 'sluice.yaml'])
  await running.line()
  assert.equal(statSync(join(folder, 'sluice-data/admin.sock')).mode & 0o777, 0o600)
  const status = sluice(['status', '--config', 'sluice.yaml'], folder)
  assert.deepEqual([status.code, (JSON.parse(status.out) as { clients: number }).clients], [0, 0])
  assert.equal(sluice(['health', '--config', 'sluice.yaml'], folder).code, 0)
  await running.stop('SIGTERM')
  const { code, err } = sluice(['clients', '--config', 'sluice.yaml'], folder)
  assert.equal(code, 1)
  assert.match(err, /admin\.sock: no broker has opened this socket; start one with `sluice start`/)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`start says in JSON lines where it listens and where state lives, and ${signal} ends it with 0`, async (t) => {
    const folder = configure('listeners:\n  one: {bind: 127.0.0.1:0}\n  two: {bind: "[::1]:0"}\n')
    const running = startSluice(t, folder, ['--config', 'sluice.yaml'])
    const [one, two, state] = [await running.line(), await running.line(), await running.line()]
    assert.deepEqual([one.listener, two.listener], ['one', 'two'])
    assert.match(one.msg, /^listening on mqtt:\/\/127\.0\.0\.1:[1-9]\d*$/)
    assert.match(two.msg, /^listening on mqtt:\/\/\[::1\]:[1-9]\d*$/)
    assert.match(state.msg, /^state is kept in .*sluice-data \(durability disk\)$/)

    const socket = connect(Number(new URL(one.url!).port), '127.0.0.1')
    socket.write(Buffer.from('100c00044d5154540402003c0000', 'hex')) // CONNECT, 3.1.1, Clean Session
    const [connack] = (await once(socket, 'data')) as [Buffer]
    assert.equal(connack.toString('hex'), '20020000')
    socket.destroy()
    assert.equal(await running.stop(signal), 0)
    const rest = await running.rest()
    assert.match(rest.find(({ msg }) => msg.startsWith(signal))!.msg, /: stopping; a second signal stops at once$/)
    assert.equal(rest.at(-1)!.msg, 'stopped')
  })
}

test('start serves the HTTP API for browsers, and says how to log in where nobody reads along', async (t) => {
  const folder = configure('listeners: {default: {bind: "127.0.0.1:0"}}\nadmin: {bind: "127.0.0.1:0"}\n')
  const child = spawn(process.execPath, [PROGRAM, 'start', '-c', 'sluice.yaml'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  let log = ''
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    log += chunk.toString()
    if (log.includes('no administrator')) break
  }
  assert.match(log, /no administrator can log in with a browser yet; `sluice admin link` prints a link for that/)
  assert.doesNotMatch(log, /token/)
  const { urls } = JSON.parse(sluice(['admin', 'link', '-c', 'sluice.yaml'], folder).out) as { urls: string[] }
  assert.match(urls[0]!, /^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}$/)
})

test('SIGHUP opens a log file that was rotated again, also where the configuration cannot work any longer', async (t) => {
  const folder = configure(
    'listeners: {default: {bind: "127.0.0.1:0"}}\nlog: {file: sluice.log, format: text, time: none}\n',
  )
  const file = join(folder, 'sluice.log')
  const has = async (text: string): Promise<void> => {
    while (!existsSync(file) || !readFileSync(file, 'utf8').includes(text)) await sleep(10)
  }
  const child = spawn(process.execPath, [PROGRAM, 'start', '-c', 'sluice.yaml'], { cwd: folder, stdio: 'ignore' })
  t.after(() => child.kill('SIGKILL'))
  await has('state is kept in')
  renameSync(file, `${file}.1`)
  writeFileSync(join(folder, 'sluice.yaml'), 'max-qos: 3\n')
  child.kill('SIGHUP')
  await has('ERROR: SIGHUP: configuration not reloaded')
  assert.doesNotMatch(readFileSync(`${file}.1`, 'utf8'), /SIGHUP/)
})

test('reload reads the changed file, applies it, names what waits for a restart, and refuses what cannot work with its place', async (t) => {
  const listeners = 'listeners: {one: {bind: "127.0.0.1:0"}}\n'
  const folder = configure(listeners)
  const file = join(folder, 'sluice.yaml')
  const running = startSluice(t, folder, ['--config', 'sluice.yaml'])
  assert.match((await running.line()).msg, /^listening on/)
  assert.match((await running.line()).msg, /^state is kept/)
  const reload = () => sluice(['reload', '--socket', 'sluice-data/admin.sock'], folder)
  const two = 'listeners: {one: {bind: "127.0.0.1:0"}, two: {bind: "127.0.0.1:0"}}\n'
  writeFileSync(file, `${two}max-qos: 1\npersistence: {durability: memory}\n`)
  const { answer } = JSON.parse(reload().out) as { answer: Record<string, unknown> }
  assert.deepEqual(answer, {
    ...{ file: 'sluice.yaml', changed: ['max-qos', 'persistence.durability', 'listeners.two'] },
    ...{ needRestart: ['persistence.durability'], warnings: [] },
  })
  assert.match((await running.line()).msg, /^`persistence.durability` has changed; the change takes effect at the next/)
  assert.equal((await running.line()).listener, 'two', 'as after SIGHUP, it is logged where the broker listens now')
  const config = () => JSON.parse(sluice(['config', '--config', 'sluice.yaml'], folder).out) as { maxQos: number }
  assert.equal(config().maxQos, 1)

  writeFileSync(file, `${two}max-qos: 7\n`)
  const { code, err } = reload()
  assert.equal(code, 1)
  assert.match(err, /sluice\.yaml:2:10: max-qos must be one of 0, 1, 2, got 7/)
  writeFileSync(file, `${two}max-qos: 1\n`)
  assert.equal(config().maxQos, 1, 'nothing has changed')
  await running.stop('SIGTERM')
})

test('start takes warnings to the log', async (t) => {
  const folder = configure('listeners: {default: {bind: ":1"}, a: {bind: "[::1]:0"}}\n')
  const running = startSluice(t, folder, ['--config', 'sluice.yaml'])
  const { level, msg } = await running.line()
  assert.equal(level, 40)
  assert.match(msg, /^sluice\.yaml:1:23: listeners\.default\.bind is not used/)
  await running.stop('SIGTERM')
})

test('a port that is taken is one sentence with listener, address and way out, and exit code 1', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  const { port } = other.address() as AddressInfo
  const folder = configure(`listeners: {mine: {bind: "127.0.0.1:${port}"}}\n`)
  const { code, err } = sluice(['start', '-c', 'sluice.yaml'], folder)
  assert.equal(code, 1)
  assert.match(err, new RegExp(`^Listener \`mine\` cannot listen on 127\\.0\\.0\\.1:${port}: .*\\(EADDRINUSE\\)\\n$`))
})

test('a host that is not there is such a sentence, too', () => {
  const folder = configure('listeners: {mine: {bind: "192.0.2.1:0"}}\nauth: {allow-anonymous: on}\n')
  const { code, err } = sluice(['start', '-c', 'sluice.yaml'], folder)
  assert.equal(code, 1)
  assert.match(err, /^Listener `mine` cannot listen on 192\.0\.2\.1:0: /)
})

test('a configuration that cannot work starts nothing', () => {
  const folder = configure('listeners: {mine: {bind: ":1883"}}\n')
  const { code, out, err } = sluice(['start', '-c', 'sluice.yaml'], folder)
  assert.deepEqual([code, out], [1, ''])
  assert.match(err, /listeners\.mine\.bind can be reached from other machines.*\n {2}auth: \{allow-anonymous: true\}\n/)
})

test('check names a plugin that nobody has, and a bad line of a password file', () => {
  const folder = configure('auth: {password-file: users, plugins: [auth.file, auth.flie]}\n')
  writeFileSync(join(folder, 'users'), '# nobody\n')
  assert.match(sluice(['check', '-c', 'sluice.yaml'], folder).err, /unknown plugin auth\.flie.*auth\.file/)
  writeFileSync(join(folder, 'sluice.yaml'), 'auth: {password-file: users}\n')
  assert.equal(sluice(['check', '-c', 'sluice.yaml'], folder).code, 0)
  writeFileSync(join(folder, 'users'), '# nobody\nann:secret\n')
  const { code, err } = sluice(['check', '-c', 'sluice.yaml'], folder)
  assert.equal(code, 1)
  assert.match(err, /line 2/)
  assert.doesNotMatch(err, /secret/)
})

test('check names every plugin that cannot work, each with its place', () => {
  const folder = configure(
    'auth:\n  plugins: [auth.file, auth.flie]\n  password-file: users\ntopic-check:\n  acl: {"@nobody": [a]}\nplugins:\n  - ./none.js\n',
  )
  writeFileSync(join(folder, 'users'), 'ann:secret\n')
  const { code, err } = sluice(['check', '-c', 'sluice.yaml'], folder)
  assert.equal(code, 1)
  const [users, unknown, group, path, sum] = err.split('\n')
  assert.match(users!, /^sluice\.yaml:2:13: .*users, line 1/)
  assert.match(unknown!, /^sluice\.yaml:2:24: unknown plugin auth\.flie: did you mean auth\.file\?/)
  assert.match(group!, /^sluice\.yaml:4:1: .*no group nobody/)
  assert.match(path!, /^sluice\.yaml:7:5: plugin \.\/none\.js cannot be loaded/)
  assert.equal(sum, '4 problems; nothing was started.')
})

test('check reports what certificates and plugins lack in one go', () => {
  const folder = configure(
    'listeners:\n  a: { bind: 127.0.0.1:0, ssl: on, certfile: users, keyfile: users }\n  b: { bind: 127.0.0.1:0, ssl: on, certfile: users, keyfile: users }\nauth: { password-file: users }\n',
  )
  writeFileSync(join(folder, 'users'), 'ann:secret\nbob:secret\n')
  const { code, err } = sluice(['check', '-c', 'sluice.yaml'], folder)
  assert.equal(code, 1)
  assert.match(err, /Listener `a`: `certfile` .*\n.*Listener `b`: `certfile` .*\n.*users, line 1 .*\n.*users, line 2 /)
  assert.match(err, /\n\d problems; nothing was started\.\n$/)
})

test('passwd says in a sentence why a file cannot be written', () => {
  const folder = configure('')
  for (const file of ['none/users', '.']) {
    const { code, out, err } = sluice(['passwd', file, 'ann', '--kind', 'sha256-crypt'], folder, 'top secret\n')
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, /^cannot change .*(ENOENT|EISDIR).*; nothing was changed\n$/)
  }
})

test('passwd writes what check and start can read', () => {
  const folder = configure('auth: {password-file: users}\n')
  const { code, out, err } = sluice(['passwd', 'users', 'ann', '--kind', 'sha256-crypt'], folder, 'top secret\n')
  assert.deepEqual([code, out, err], [0, 'ann added to users\n', ''])
  assert.equal(sluice(['check', '-c', 'sluice.yaml'], folder).code, 0)
  assert.equal(sluice(['passwd', 'users', 'ann', '--delete'], folder).out, 'ann removed from users\n')
  assert.equal(sluice(['passwd', 'users'], folder).code, 2)
})

for (const [args, answer] of [
  [
    ['--user', 'ann', '--action', 'publish', '--topic', 'a/b'],
    /^ann may publish to a\/b\n {2}topic_acl: allow \(.*a\/#\)\n$/,
  ],
  [['-u', 'ann', '--action', 'subscribe', '-t', '#'], /^ann may not subscribe to #\n {2}topic_acl: deny \(/],
  [
    ['-u', 'ann', '-i', 'x1', '--action', 'receive', '-t', 'own/x1'],
    /^ann may receive messages published to own\/x1\n/,
  ],
  [['--action', 'publish', '-t', 'a/b'], /^an anonymous client may not publish to a\/b\n/],
] as const) {
  test(`sluice explain ${args.join(' ')} says which rule decides`, () => {
    const folder = configure("topic-check: {acl: {ann: ['a/#', 'own/%c'], anonymous: []}}\n")
    const { code, out, err } = sluice(['explain', '-c', 'sluice.yaml', ...args], folder)
    assert.deepEqual([code, err], [out.includes('may not') ? 1 : 0, ''])
    assert.match(out, answer)
  })
}

test('explain takes no action that there is not', () => {
  const folder = configure('')
  const { code, err } = sluice(['explain', '-c', 'sluice.yaml', '-t', 'a', '--action', 'read'], folder)
  assert.equal(code, 2)
  assert.match(err, /^--action must be one of publish, subscribe, receive, got read\.\n/)
})

test('signals of another purpose neither open the debugger nor end the program', async (t) => {
  const folder = scratchFolder()
  writeFileSync(join(folder, 'sluice.yaml'), 'listeners: {default: {bind: "127.0.0.1:0"}}\n')
  // As it is installed, with what was compiled for tests in the place of what is published.
  mkdirSync(join(folder, 'bin'))
  copyFileSync(join(root, 'bin/sluice.js'), join(folder, 'bin/sluice.mjs'))
  symlinkSync(join(root, 'build/src'), join(folder, 'dist'))
  const child = spawn(process.execPath, ['bin/sluice.mjs', 'start', '--config', 'sluice.yaml'], { cwd: folder })
  t.after(() => child.kill('SIGKILL'))
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  await once(child.stdout, 'data')
  for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const) child.kill(signal)
  // What comes after them is served: they were taken, and the program goes on.
  await new Promise((resolve) => setTimeout(resolve, 500))
  assert.equal(child.exitCode, null)
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null])
  assert.doesNotMatch(errors, /Debugger/)
})

test('under a low limit of open files: a warning, a line about connections that were closed, and those that are in are served', async (t) => {
  const folder = configure('listeners: {default: {bind: "127.0.0.1:0"}}\nlog: {connections: off}\n')
  const command = `ulimit -n 256; exec "$0" "$1" start -c sluice.yaml`
  const child = spawn('bash', ['-c', command, process.execPath, PROGRAM], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (wanted: RegExp): Promise<LogLine> => {
    for (;;) {
      const { value, done } = await lines.next()
      assert.ok(done !== true, `the log ended without ${wanted}`)
      if (wanted.test(value)) return JSON.parse(value) as LogLine
    }
  }
  assert.match(
    (await next(/open-file/)).msg,
    /^the open-file limit of 256 leaves room for \d+ connections.*LimitNOFILE=50\d\d\d/,
  )
  const { url } = await next(/listening on/)
  const dial = () => connect(Number(new URL(url!).port), '127.0.0.1').on('error', () => undefined)
  const sockets = Array.from({ length: 300 }, dial)
  t.after(() => sockets.forEach((socket) => socket.destroy()))
  assert.match(
    (await next(/were closed/)).msg,
    /^\d+ connections were closed, because the open-file limit of 256 is reached; raise it/,
  )
  const [first] = sockets
  first!.write(Buffer.from('100c00044d5154540402003c0000', 'hex'))
  const [connack] = (await once(first!, 'data')) as [Buffer]
  assert.equal(connack.toString('hex'), '20020000')
})
