import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { root } from '../../tools/main.ts'
import { figureTable } from '../../src/reporting/figure-table.ts'
import { freePort } from '../../src/bench/process.ts'
import { run } from './mosquitto.ts'
import { messagesOf, mosquitto, mosquittoSub, serve, start, type Program } from './support.ts'
import { scratchFolder } from '../support/scratch-folder.ts'
import { clientsOf } from '../support/sessions.ts'

const VERSIONS = ['mqttv31', 'mqttv311', 'mqttv5'] as const

/** The program on a port that the system chose, with that configuration file. */
async function startProgram(t: TestContext, yaml: string): Promise<{ program: Program; port: number }> {
  const built = join(root, 'dist', 'cli', 'main.js')
  if (!existsSync(built)) throw new Error(`${built} is missing: run \`npm run build\` (\`npm ci\` does)`)
  const folder = scratchFolder()
  const file = join(folder, 'sluice.yaml')
  writeFileSync(file, yaml)
  const program = start(t, process.execPath, [join(root, 'bin', 'sluice.js'), 'start', '--config', file])
  const line = await program.line(/mqtt:\/\/127\.0\.0\.1:\d+/)
  return { program, port: Number(/127\.0\.0\.1:(\d+)/.exec(line)![1]) }
}

test('sluice start: mosquitto_sub (5.0) and mosquitto_pub (3.1.1) exchange a message, and a signal ends it cleanly', async (t) => {
  const { program, port } = await startProgram(t, 'listeners:\n  default:\n    bind: 127.0.0.1:0\n')
  const sub = await mosquittoSub(t, port, ['-V', 'mqttv5', '-t', 'a/#', '-q', '2', '-C', '1'])
  await mosquitto(t, 'pub', port, ['-V', 'mqttv311', '-t', 'a/b', '-m', 'hi', '-q', '2', '-r']).end()
  await sub.end()
  assert.deepEqual(messagesOf(sub), ['a/b 2 0 hi'])
  const late = await mosquittoSub(t, port, ['-V', 'mqttv5', '-t', 'a/#', '-q', '2', '-C', '1'])
  await late.end()
  assert.deepEqual(messagesOf(late), ['a/b 2 1 hi'])
  program.kill('SIGTERM')
  await program.end()
})

for (const version of VERSIONS) {
  test(`mosquitto clients, ${version}: every QoS, retained and Will`, async (t) => {
    const { port } = await serve(t)
    const sub = await mosquittoSub(t, port, ['-V', version, '-t', '#', '-q', '2', '-C', '4'])
    for (const qos of ['0', '1', '2']) {
      await mosquitto(t, 'pub', port, ['-V', version, '-t', 'a', '-m', `q${qos}`, '-q', qos, '-r']).end()
    }
    const will = ['--will-topic', 'will', '--will-payload', 'gone', '--will-qos', '1']
    const mortal = await mosquittoSub(t, port, ['-V', version, '-t', 'none', ...will])
    mortal.kill('SIGKILL')
    await sub.end()
    // No rule orders messages of different QoS: the exchange of QoS 2 may end behind the Will.
    assert.deepEqual(messagesOf(sub).toSorted(), ['a 0 0 q0', 'a 1 0 q1', 'a 2 0 q2', 'will 1 0 gone'])
    const late = await mosquittoSub(t, port, ['-V', version, '-t', 'a', '-q', '2', '-C', '1'])
    await late.end()
    assert.deepEqual(messagesOf(late), ['a 2 1 q2'])
  })

  test(`mosquitto clients, ${version}: a Session goes on`, async (t) => {
    const { port } = await serve(t)
    const expiry = version === 'mqttv5' ? ['-x', '100'] : []
    const args = ['-V', version, '-i', 'sleeper', '-c', ...expiry, '-t', 'a', '-q', '2']
    await mosquitto(t, 'sub', port, [...args, '-E']).end()
    for (const payload of ['one', 'two']) {
      await mosquitto(t, 'pub', port, ['-V', version, '-t', 'a', '-m', payload, '-q', '2']).end()
    }
    const back = mosquitto(t, 'sub', port, [...args, '-C', '2'])
    assert.deepEqual(await back.end(), ['one', 'two'])
  })
}

/** Mosquitto with one bridge to that port, connected, on a port of its own. */
async function startBridge(
  t: TestContext,
  port: number,
  ...lines: string[]
): Promise<{ bridge: Program; port: number }> {
  const own = await freePort()
  const file = join(scratchFolder(), 'mosquitto.conf')
  const settings = [
    `listener ${own} 127.0.0.1`,
    'allow_anonymous true',
    'connection house',
    `address 127.0.0.1:${port}`,
  ]
  writeFileSync(file, [...settings, 'remote_clientid house', 'restart_timeout 1', ...lines, ''].join('\n'))
  const bridge = start(t, '/usr/sbin/mosquitto', ['-c', file, '-v'])
  await bridge.line(/Received SUBACK/)
  return { bridge, port: own }
}

test('a Mosquitto bridge with its defaults, both ways: each message once on each side, RETAIN kept, and its state', async (t) => {
  const { broker, port } = await serve(t)
  const states: string[] = []
  const down = new Promise<void>((resolve) => {
    broker.subscribe('$SYS/broker/connection/house/state', ({ payload }) => {
      const state = Buffer.from(payload).toString()
      states.push(state)
      if (state === '0') resolve()
    })
  })
  const { bridge, port: far } = await startBridge(t, port, 'topic # both 1')
  assert.deepEqual(
    clientsOf(broker).map(({ clientId, client }) => [clientId, client.bridge, client.protocolVersion]),
    [['house', true, 4]],
  )
  const near = await mosquittoSub(t, port, ['-t', '#', '-q', '1'])
  const there = await mosquittoSub(t, far, ['-t', '#', '-q', '1'])
  for (const retain of [['-r'], []]) {
    await mosquitto(t, 'pub', port, ['-t', 'near', '-m', `n${retain.length}`, '-q', '1', ...retain]).end()
    await mosquitto(t, 'pub', far, ['-t', 'far', '-m', `f${retain.length}`, '-q', '1', ...retain]).end()
  }
  const all = ['near 1 0 n1', 'near 1 0 n0', 'far 1 0 f1', 'far 1 0 f0'].toSorted()
  // A marker in each direction comes behind everything that could have come twice.
  await mosquitto(t, 'pub', port, ['-t', 'marker/near', '-m', 'm', '-q', '1']).end()
  await there.line(/marker\/near/)
  await mosquitto(t, 'pub', far, ['-t', 'marker/far', '-m', 'm', '-q', '1']).end()
  await near.line(/marker\/far/)
  for (const side of [near, there]) {
    assert.deepEqual(
      messagesOf(side)
        .filter((line) => !line.startsWith('marker'))
        .toSorted(),
      all,
    )
  }
  for (const [where, topic, payload] of [
    [port, 'far', 'f1'],
    [far, 'near', 'n1'],
  ] as const) {
    const late = await mosquittoSub(t, where, ['-t', topic, '-q', '1', '-C', '1'])
    await late.end()
    assert.deepEqual(messagesOf(late), [`${topic} 1 1 ${payload}`])
  }
  bridge.kill('SIGKILL')
  await down
  assert.deepEqual(states, ['1', '0'])
})

test('a Mosquitto bridge with prefixes, in and out; with `bridge-clients: off` it comes as an ordinary client', async (t) => {
  for (const bridges of [true, false]) {
    const { broker, port } = await serve(t, { bridgeClients: bridges })
    const lines = ['topic up/# out 1 local/ plant/', 'topic down/# in 1 local/ plant/', 'notifications false']
    const { port: far } = await startBridge(t, port, ...lines)
    assert.deepEqual(
      clientsOf(broker).map(({ client }) => client.bridge),
      [bridges ? true : undefined],
    )
    const near = await mosquittoSub(t, port, ['-t', 'plant/up/#', '-q', '1', '-C', '1'])
    const there = await mosquittoSub(t, far, ['-t', 'local/down/#', '-q', '1', '-C', '1'])
    await mosquitto(t, 'pub', far, ['-t', 'local/up/x', '-m', 'hot', '-q', '1']).end()
    await mosquitto(t, 'pub', port, ['-t', 'plant/down/y', '-m', 'off', '-q', '1']).end()
    await Promise.all([near.end(), there.end()])
    assert.deepEqual([messagesOf(near), messagesOf(there)], [['plant/up/x 1 0 hot'], ['local/down/y 1 0 off']])
  }
})

test('mosquitto_rr asks, and what answers it may be another mosquitto', async (t) => {
  const { broker, port } = await serve(t)
  broker.subscribe('ask', ({ payload, properties }) => {
    const { responseTopic, correlationData } = properties
    void broker.publish(responseTopic!, `echo ${Buffer.from(payload).toString()}`, {
      properties: correlationData === undefined ? {} : { correlationData },
    })
  })
  const rr = mosquitto(t, 'rr', port, ['-V', 'mqttv5', '-t', 'ask', '-e', 'answer/me', '-m', 'hello', '-W', '10'])
  assert.deepEqual(await rr.end(), ['echo hello'])
})

test('mosquitto clients: Shared Subscription, Topic Alias, and User Properties in order', async (t) => {
  const { port } = await serve(t)
  const workers = await Promise.all(
    [1, 2].map(() => mosquittoSub(t, port, ['-V', 'mqttv5', '-t', '$share/g/job/+', '-q', '1', '-C', '2'])),
  )
  for (let at = 0; at < 4; at++) {
    const alias = ['-D', 'publish', 'topic-alias', '3']
    await mosquitto(t, 'pub', port, ['-V', 'mqttv5', '-t', `job/${at}`, '-m', 'x', '-q', '1', ...alias]).end()
  }
  await Promise.all(workers.map((worker) => worker.end()))
  assert.deepEqual(workers.flatMap(messagesOf).sort(), ['job/0 1 0 x', 'job/1 1 0 x', 'job/2 1 0 x', 'job/3 1 0 x'])

  const properties = ['k 1', 'a 2', 'k 3'].flatMap((pair) => ['-D', 'publish', 'user-property', ...pair.split(' ')])
  const sub = mosquitto(t, 'sub', port, ['-V', 'mqttv5', '-d', '-t', 'props', '-C', '1', '-F', '> %P'])
  await sub.line(/^Subscribed/)
  await mosquitto(t, 'pub', port, ['-V', 'mqttv5', '-t', 'props', '-m', 'x', ...properties]).end()
  await sub.end()
  assert.deepEqual(messagesOf(sub), ['k:1 a:2 k:3'])
})

test('mosquitto clients: a payload of 10 MB arrives whole', async (t) => {
  const { port } = await serve(t)
  const input = Buffer.alloc(10_000_000, 'sluice')
  const sub = mosquitto(t, 'sub', port, ['-d', '-t', 'large', '-q', '1', '-C', '1', '-F', '> %l'])
  await sub.line(/^Subscribed/)
  await mosquitto(t, 'pub', port, ['-t', 'large', '-q', '1', '-s'], { input }).end()
  await sub.end()
  assert.deepEqual(messagesOf(sub), ['10000000'])
})

test('mosquitto_sub: 1,000 topics in one SUBSCRIBE', async (t) => {
  const { port } = await serve(t)
  const topics = Array.from({ length: 1000 }, (_, at) => ['-t', `many/${at}`]).flat()
  const sub = await mosquittoSub(t, port, ['-V', 'mqttv5', '-q', '1', '-C', '2', ...topics])
  for (const at of [0, 999]) await mosquitto(t, 'pub', port, ['-t', `many/${at}`, '-m', 'x', '-q', '1']).end()
  await sub.end()
  assert.deepEqual(messagesOf(sub), ['many/0 1 0 x', 'many/999 1 0 x'])
})

// ---- the seed's sections ----

/** `secret` for ann and bob, as `mkpasswd` writes it. */
async function hashOf(t: TestContext, method: string): Promise<string> {
  const [hash] = await start(t, 'mkpasswd', [`--method=${method}`, 'secret']).end()
  return hash!
}

async function startSeed(t: TestContext): Promise<number> {
  const folder = scratchFolder()
  const passwords = join(folder, 'passwd')
  writeFileSync(passwords, `# users\nann:${await hashOf(t, 'sha-512')}\n\nbob:${await hashOf(t, 'sha-256')}\n`)
  const { port } = await startProgram(
    t,
    `listeners:
  default:
    max-connections: 50000
    type: tcp
  my-tcp-1:
    bind: 127.0.0.1:0
timeout-disconnect-delay: 2
auth:
  plugins: ['auth.anonymous', 'auth.file']
  allow-anonymous: true
  password-file: ${passwords}
topic-check:
  enabled: true
  plugins: ['topic_acl']
  acl:
    ann: ['repositories/+/master', 'calendar/#', 'data/memes']
    bob: ['data/memes']
    anonymous: []
persistence:
  path: ${join(folder, 'data')}
`,
  )
  return port
}

const ANN = ['-u', 'ann', '-P', 'secret']
const BOB = ['-u', 'bob', '-P', 'secret']

test("a file with the seed's sections: who may log in", async (t) => {
  const port = await startSeed(t)
  const publish = (...args: string[]): Program => mosquitto(t, 'pub', port, ['-t', 'data/memes', '-m', 'x', ...args])
  for (const user of [ANN, BOB, []]) await publish(...user).end()
  for (const wrong of [
    ['-u', 'ann', '-P', 'wrong'],
    ['-u', 'eve', '-P', 'secret'],
    ['-u', 'ann'],
  ]) {
    for (const version of ['mqttv311', 'mqttv5']) {
      const refused = publish('-V', version, ...wrong)
      await assert.rejects(refused.end(), /not authori[sz]ed|Bad User Name|bad user name/i)
    }
  }
})

test("a file with the seed's sections: publish, subscribe, delivery and Will", async (t) => {
  const port = await startSeed(t)
  const v5 = ['-V', 'mqttv5']
  // Subscribe: what the list covers, nothing wider.
  for (const [user, filter, granted] of [
    [ANN, 'calendar/#', true],
    [ANN, 'calendar', true],
    [ANN, 'repositories/+/master', true],
    [ANN, 'repositories/#', false],
    [ANN, '#', false],
    [BOB, 'data/memes', true],
    [BOB, 'data/+', false],
    [[], 'data/memes', false],
  ] as const) {
    const sub = mosquitto(t, 'sub', port, [...v5, ...user, '-d', '-E', '-t', filter])
    if (granted) await sub.end()
    else await sub.line(/denied|All subscription requests were denied/)
  }
  // Publish: the denied ones are acknowledged and go nowhere.
  const ann = await mosquittoSub(t, port, [...v5, ...ANN, '-t', 'calendar/#', '-t', 'data/memes', '-q', '1'])
  const say = (user: readonly string[], topic: string, payload: string): Promise<unknown> =>
    mosquitto(t, 'pub', port, ['-V', 'mqttv311', ...user, '-t', topic, '-m', payload, '-q', '1']).end()
  await say(BOB, 'calendar/today', 'denied')
  await say([], 'data/memes', 'denied')
  await say(ANN, 'calendar/today', 'allowed')
  await say(BOB, 'data/memes', 'allowed')
  // Will: one that its Client may not publish is refused with the CONNECT.
  const will = (topic: string) => ['--will-topic', topic, '--will-payload', 'will', '--will-qos', '1']
  const denied = mosquitto(t, 'sub', port, [...v5, ...BOB, '-t', 'data/memes', ...will('calendar/x')])
  await denied.line(/not authori[sz]ed/i)
  const mortal = await mosquittoSub(t, port, [...v5, ...BOB, '-t', 'data/memes', ...will('data/memes')])
  mortal.kill('SIGKILL')
  await ann.line(/will$/)
  assert.deepEqual(messagesOf(ann), ['calendar/today 1 0 allowed', 'data/memes 1 0 allowed', 'data/memes 1 0 will'])
})

test('every topic below $SYS that Mosquitto publishes is there, as a number where Mosquitto has one', async (t) => {
  const folder = scratchFolder()
  const socket = join(folder, 'mqtt.sock')
  const file = join(folder, 'mosquitto.conf')
  writeFileSync(file, `listener 0 ${socket}\nallow_anonymous true\nsys_interval 1\nuser root\n`)
  const server = start(t, '/usr/sbin/mosquitto', ['-c', file, '-v'])
  await server.line(/mosquitto version .* running/)
  // Its second round has what it counts since the first one.
  const { out } = await run('mosquitto_sub', ['--unix', socket, '-t', '$SYS/#', '-W', '3', '-F', '%t=%p'])
  server.kill()
  const values = new Map(
    out.split('\n').flatMap((line) => (line.includes('=') ? [line.split('=') as [string, string]] : [])),
  )
  const theirs = [...values.keys()].map((topic) => topic.slice('$SYS/broker/'.length))
  assert.ok(theirs.length >= 52, `it published ${theirs.join()}`)
  const ours = [...figureTable.flatMap(({ topics }) => topics.map(({ topic }) => topic)), 'version']
  assert.deepEqual(
    theirs.filter((topic) => !ours.includes(topic)),
    [],
  )
  const { port } = await serve(t, { 'sys-interval': 1 })
  const shown = await mosquitto(t, 'sub', port, ['-t', '$SYS/#', '-W', '1', '-F', '%t=%p']).end(27)
  const read = new Map(shown.map((line) => line.split('=') as [string, string]))
  for (const [topic, value] of values) {
    if (/^\d/.test(value)) assert.match(read.get(topic)!, /^\d+(?:\.\d\d)?(?: seconds)?$/, topic)
  }
})
