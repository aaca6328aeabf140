import assert from 'node:assert/strict'
import { once } from 'node:events'
import { symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { connectAsync } from 'mqtt'
import { operatorCommands } from '../../../../src/cli/operator/operator-commands.ts'
import { operatorTable } from '../../../../src/cli/operator/operator-table.ts'
import { operationTable } from '../../../../src/admin/operation-table.ts'
import { viewFields } from '../../../../src/admin/schemas/view-fields.ts'
import { createBroker, type Broker } from '../../../../src/create-broker.ts'
import { TestAuthority } from '../../../support/certificates.ts'
import { listLogger } from '../../../support/list-logger.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'
import { operated, run } from './support.ts'

/** A client that stays where it is when it is disconnected; it ends with its broker. */
async function connected(broker: Broker, clientId: string): Promise<void> {
  const properties = { sessionExpiryInterval: 3600 }
  const options = { clientId, clean: false, protocolVersion: 5, reconnectPeriod: 0, properties } as const
  const client = await connectAsync(broker.listeners[0]!.url, options)
  client.on('error', () => undefined)
  await client.subscribeAsync('a/#', { qos: 1 })
}

test('every list command has only columns and positionals that its operation has', () => {
  for (const row of operatorTable) {
    const { parameters } = operationTable[row.operation]
    for (const { parameter } of row.positionals ?? []) assert.ok(parameter in parameters, row.name)
    const known = (viewFields as Readonly<Record<string, readonly string[]>>)[row.operation]
    for (const field of row.fields ?? [])
      if (known !== undefined) assert.ok(known.includes(field), `${row.name}: ${field}`)
  }
  const names = operatorCommands.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
})

test('clients: a table on a terminal, a line of JSON for each on a pipe', async () => {
  await using world = await operated()
  assert.equal((await world.show('clients')).out, 'no client is connected')
  await connected(world.broker, 'meter-1')
  await connected(world.broker, 'meter-2')
  const { code, values } = await world.run('clients', '--fields', 'clientId,subscriptions')
  assert.deepEqual([code, values.length], [0, 2])
  assert.deepEqual(
    values.toSorted((one, other) => (String(one['clientId']) < String(other['clientId']) ? -1 : 1)),
    [
      { clientId: 'meter-1', subscriptions: 1 },
      { clientId: 'meter-2', subscriptions: 1 },
    ],
  )
  const shown = (await world.show('clients')).out.split('\n')
  assert.match(shown[0]!, /^CLIENT +USER +ADDRESS +LISTENER +MQTT +CONNECTED +IN +OUT +QUEUED +UNSENT$/)
  assert.match(shown[1]!, /^meter-[12] +- .* 5\.0 +\d+ s ago +0 +0 +0 +0 B$/)
  const limited = (await world.show('clients', '--limit', '1')).out.split('\n')
  assert.deepEqual([limited.length, limited[2]], [3, '… and more: --limit all shows everything'])
  assert.equal((await world.run('clients', '--user-name', 'nobody')).out, '')
})

test('a list of several pages is read to its end on a pipe', async () => {
  await using world = await operated()
  const topics = Array.from({ length: 2100 }, (_, at) => `many/${at}`)
  await Promise.all(topics.map((topic) => world.broker.publish(topic, 'x', { retain: true })))
  const { values } = await world.run('retained', 'many/#')
  assert.deepEqual(new Set(values.map(({ topic }) => topic)), new Set(topics))
  assert.equal((await world.run('retained', 'many/#', '--limit', '1500')).values.length, 1500)
})

test('client, subscriptions, messages, sessions and closed show what one client does', async () => {
  await using world = await operated()
  await connected(world.broker, 'meter-1')
  const view = await world.show('client', 'meter-1')
  assert.match(view.out, /^client id +meter-1\n/)
  assert.match(view.out, /\nstate +connected\n/)
  assert.equal((await world.run('client', 'meter-1')).values[0]!['clientId'], 'meter-1')
  assert.deepEqual((await world.run('subscriptions', 'meter-1')).values[0]!['topicFilter'], 'a/#')
  const kicked = await world.show('kick', 'meter-1')
  assert.deepEqual([kicked.code, kicked.out], [0, '"meter-1" was disconnected'])
  await world.broker.publish('a/b', 'x', { qos: 1 })
  const [message] = (await world.run('messages', 'meter-1')).values
  assert.deepEqual([message!['topic'], message!['waitsFor']], ['a/b', 'connection'])
  assert.equal((await world.run('sessions', '--connected', 'no')).values.length, 1)
  assert.equal((await world.run('closed', 'meter-1')).values[0]!['cause'], 'disconnected by server')
  const ended = await world.show('end-session', 'meter-1')
  assert.equal(ended.out, 'the session "meter-1" has ended')
  assert.equal((await world.show('sessions')).out, 'there is no session')
})

test('why and client begin with the reason, and say how it is known', async () => {
  await using world = await operated()
  await connected(world.broker, 'meter-1')
  await world.broker.publish('a/b', 'x', { qos: 1 })
  const sent = (await world.show('why', 'meter-1', '--topic', 'a/b')).out.split('\n')
  assert.match(sent[0]!, /^(recorded {2}2\d{3}-\d\d-\d\d [\d:]{8}|derived {24}) .*1 message .*"meter-1"/)
  const other = (await world.show('why', 'meter-1', '--topic', 'b/b')).out.split('\n')
  assert.match(
    other[0]!,
    /^derived {24}"meter-1" has 1 subscription, none of which matches "b\/b"; the nearest is "a\/#"/,
  )
  assert.match(other.at(-1)!, /^unknown {3}2.* What happened before .* is not known\.$/)
  await world.run('kick', 'meter-1')
  const reason = /^recorded {2}.*The connection of "meter-1" ended: disconnected by server/
  for (const args of [
    ['why', 'meter-1'],
    ['client', 'meter-1'],
  ])
    assert.match((await world.show(...args)).out.split('\n')[0]!, reason)
  const [piped] = (await world.run('why', 'meter-1')).values as { facts: { certainty: string; cause: string }[] }[]
  assert.deepEqual([piped!.facts[0]!.certainty, piped!.facts[0]!.cause], ['recorded', 'disconnected by server'])
  assert.match((await world.show('why')).err, /name a clientId, a userName or an address/)
})

test('hints are whole sentences, however narrow the terminal', async () => {
  await using world = await operated()
  assert.equal((await world.show('hints')).out, 'there is nothing to say')
  const client = await connectAsync(world.broker.listeners[0]!.url, {
    clientId: 'meter-1',
    keepalive: 0,
    reconnectPeriod: 0,
  })
  client.on('error', () => undefined)
  const { out } = await world.show('hints')
  assert.match(out, /^Keep Alive 0: "meter-1" asked for Keep Alive 0.*\.\n {2}docs\/operating\/why\.md#keep-alive-0$/)
  assert.doesNotMatch(out, /…/)
  await client.endAsync(true)
})

test('what is not there is a sentence and exit code 1', async () => {
  await using world = await operated()
  for (const [args, message] of [
    [['client', 'x'], 'no client "x" is connected; `sluice clients` lists those that are'],
    [['kick', 'x'], 'no client "x" is connected; `sluice clients` lists those that are'],
    [['messages', 'x'], 'there is no session "x"; `sluice sessions` lists all'],
    [['end-session', 'x'], 'there is no session "x"; `sluice sessions` lists all'],
  ] as const) {
    const { code, out, err } = await world.show(...args)
    assert.deepEqual([code, out, err], [1, '', message])
  }
})

test('a client identifier with a slash, a space or a percent sign is one client', async () => {
  await using world = await operated()
  for (const clientId of ['a/b c', '100%', 'ü?#']) {
    await connected(world.broker, clientId)
    assert.equal((await world.run('client', clientId)).values[0]!['clientId'], clientId)
    assert.equal((await world.run('kick', clientId)).code, 0)
  }
})

test('retained messages are listed, and removed by a filter', async () => {
  await using world = await operated()
  for (const topic of ['a/1', 'a/2', 'b']) await world.broker.publish(topic, 'x', { retain: true })
  assert.equal((await world.run('retained', 'a/#')).values.length, 2)
  assert.equal((await world.show('delete-retained', 'a/#')).out, '2 retained messages were removed')
  assert.deepEqual(
    (await world.run('retained')).values.map(({ topic }) => topic),
    ['b'],
  )
})

test('topics counts what is published from now on, by topic or by level', async () => {
  await using world = await operated()
  assert.equal(
    (await world.show('topics', 'a/#', '--seconds', '1', '--depth', '2')).out,
    'nothing was published meanwhile',
  )
  assert.match((await world.show('topics', 'a/#/b', '--seconds', '1')).err, /"a\/#\/b" is no topic filter/)
})

test('backup copies what is stored while the broker runs, and a broker starts from the copy', async () => {
  const folder = scratchFolder()
  const copy = join(folder, 'copy')
  {
    await using world = await operated({ persistence: { path: join(folder, 'store') } })
    await connected(world.broker, 'meter-1')
    await world.broker.publish('a/kept', 'x', { qos: 1, retain: true })
    const { code, out } = await world.show('backup', copy)
    assert.equal(code, 0)
    assert.match(out, /copy: [\d.]+ (B|KiB), verified$/)
    const again = await world.show('backup', copy)
    assert.deepEqual(
      [again.code, again.err.split('\n')[0]],
      [2, 'backup: the target already contains a store: name an empty folder.'],
    )
    assert.equal((await world.show('clients')).out.split('\n').length, 2, 'clients stay')
  }
  await using restored = await createBroker({ listeners: {}, persistence: { path: copy } })
  const [session] = (await restored.sessions()).items
  assert.deepEqual([session!.clientId, session!.subscriptions[0]!.topicFilter], ['meter-1', 'a/#'])
  assert.equal((await restored.admin.retained()).items[0]!.topic, 'a/kept')
})

test('backup of a broker that stores nothing is a sentence; a relative path is refused by the operation', async () => {
  await using world = await operated()
  assert.match(
    (await world.show('backup', 'copy')).err,
    /^backup: this broker stores nothing, so there is nothing to copy/,
  )
  const folder = scratchFolder()
  await using storing = await createBroker({ listeners: {}, persistence: { path: folder } })
  await assert.rejects(storing.admin.backup({ path: 'copy' }), {
    code: 'ERR_USAGE',
    message: /path must be absolute, got "copy"/,
  })
})

test('backup into the folder of the store itself is refused, by any name', async () => {
  const folder = scratchFolder()
  const path = join(folder, 'store')
  await using storing = await createBroker({ listeners: {}, persistence: { path } })
  symlinkSync(path, join(folder, 'link'))
  for (const target of [path, join(path, 'deep', 'copy'), `${folder}/x/../store`, join(folder, 'link', 'copy')]) {
    await assert.rejects(storing.admin.backup({ path: target }), {
      code: 'ERR_USAGE',
      message: /is in the folder of the store itself; name another one/,
    })
  }
  await storing.admin.backup({ path: join(folder, 'store-copy') })
})

test('certificates lists what the listeners show to clients, and when it ends', async () => {
  const authority = new TestAuthority('ca')
  const folder = scratchFolder()
  const files = (name: string, expired: boolean) => {
    const { certificate, key } = authority.issue({ subject: [['CN', name]], expired })
    const paths = { certfile: join(folder, `${name}.pem`), keyfile: join(folder, `${name}.key`) }
    writeFileSync(paths.certfile, certificate)
    writeFileSync(paths.keyfile, key)
    return paths
  }
  const listener = (name: string, expired: boolean) => ({ bind: '127.0.0.1:0', ssl: true, ...files(name, expired) })
  const listeners = { good: listener('good', false), old: listener('old', true) }
  await using world = await operated({ listeners, auth: { 'allow-anonymous': true } })
  const { values } = await world.run('certificates')
  assert.deepEqual(
    values.map(({ listener: name, subject }) => [name, subject]),
    [
      ['old', 'CN=old'],
      ['good', 'CN=good'],
    ],
  )
  assert.ok((values[0]!['daysLeft'] as number) < 0 && (values[1]!['daysLeft'] as number) > 0)
  assert.match(
    (await world.show('certificates')).out,
    /^DOOR +LISTENER +SUBJECT +VALID TO +DAYS LEFT +CERTFILE\nlistener +old /,
  )
  assert.equal(world.broker.listeners[0]!.certificates.length, 1)
  const health = await world.show('health')
  assert.equal(health.code, 0)
  assert.match(
    health.out,
    /^ready: yes\ncertificates: the certificate CN=old of listener old \(.*old.pem\) has expired$/,
  )
  const [{ status, failed }] = (await world.run('health')).values as [{ status: string; failed: { name: string }[] }]
  assert.deepEqual([status, failed.map(({ name }) => name)], ['ok', ['certificates']])
})

test('status, drops, slow, config, reload and health answer', async () => {
  await using world = await operated({ 'max-connections': 77 })
  assert.match((await world.show('status')).out, /^version +\d.*\nuptime +\d+ s\nclients +0\n/)
  assert.equal((await world.run('drops')).values[0]!['messages'], 0)
  assert.equal((await world.show('slow')).out, 'every client has taken what was meant for it')
  assert.equal((await world.run('config')).values[0]!['maxConnections'], 77)
  assert.match((await world.show('config')).out, /^\{\n {2}"/)
  const reload = await world.show('reload')
  assert.deepEqual([reload.code, reload.out], [2, ''])
  assert.match(reload.err, /this broker runs inside a program that gave it its configuration/)
  const [ready, live] = [await world.show('health'), await world.show('health', 'live')]
  assert.deepEqual([ready.code, ready.out, live.code, live.out], [0, 'ready: yes', 0, 'live: yes'])
})

test('a command that cannot read the configuration of a running broker names the socket as the way out', async () => {
  await using world = await operated()
  const file = join(scratchFolder(), 'sluice.yaml')
  writeFileSync(file, 'max-qos: 3\nmax-connectons: 1\n')
  const { code, err } = await run(['status', '--config', file], true)
  assert.equal(code, 1)
  assert.match(err, /max-qos must be one of 0, 1, 2, got 3\n.*did you mean `max-connections`/)
  assert.match(err, /\nA broker that is running is not affected. .* --socket PATH/)
  assert.doesNotMatch(err, /nothing was started/)
  assert.equal((await run(['status', '--socket', world.socket], false)).code, 0)
})

test('admin makes a key that commands elsewhere use, lists it without its secret, and deletes it', async () => {
  const folder = scratchFolder()
  const admin = { bind: '127.0.0.1:0', socket: join(folder, 'a.sock'), 'keys-file': join(folder, 'keys.json') }
  const logger = listLogger()
  await using _world = await operated({ admin: { ...admin, 'audit-file': 'off' } }, logger)
  const here = ['--socket', admin.socket]
  assert.match(
    (await run(['admin', 'keys', ...here], true)).out,
    /^there is no key; `sluice admin add-key NAME --role viewer`/,
  )
  const made = await run(['admin', 'add-key', 'scraper', '--role', 'viewer', '--days', '1', ...here], true)
  assert.equal(made.code, 0)
  assert.match(made.err, /^Keep it: it is shown only now/)
  const [listed] = (await run(['admin', 'keys', ...here], false)).values
  assert.deepEqual([listed!['name'], listed!['role'], 'key' in listed!], ['scraper', 'viewer', false])
  const url = logger.lines.flatMap((line) => /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0] ?? [])[0]!
  const there = (...args: string[]) => run([...args, '--url', url, '--api-key', made.out], false)
  assert.equal((await there('status')).values[0]!['clients'], 0)
  assert.match((await there('kick', 'x')).err, /this takes the role operator/)
  const keyId = String(listed!['keyId'])
  assert.equal((await run(['admin', 'delete-key', keyId, ...here], true)).out, `the key ${keyId} is no longer valid`)
  assert.equal((await there('status')).code, 1)
  const gone = await run(['admin', 'delete-key', keyId, ...here], true)
  assert.deepEqual([gone.code, gone.err], [1, `there is no key "${keyId}"; \`sluice admin keys\` lists all`])
})

test('a word that is wrong is named with the nearest, before the broker is asked', async () => {
  const socket = ['--socket', '/nowhere/admin.sock']
  for (const [args, message] of [
    [['clints'], /no command `clints`\. Did you mean `sluice clients`/],
    [['clients', '--user', 'x'], /`sluice clients` has no option --user/],
    [['clients', '--fields', 'clientid', ...socket], /--fields: there is no field clientid; did you mean clientId\?/],
    [['clients', '--limit', 'many', ...socket], /--limit must be a whole number above 0, or all, got many/],
    [['clients', '--interval', '1', ...socket], /--interval is the pause of --watch; add --watch/],
    [['clients', '--watch', '--interval', '0', ...socket], /--interval must be a number of seconds/],
    [['sessions', '--connected', 'maybe', ...socket], /--connected must be yes or no, got maybe/],
    [['kick'], /`sluice kick` requires CLIENT; CLIENT is missing/],
    [['health', 'well', ...socket], /The checks are live and ready; got well/],
    [['clients', '--url', 'mqtt://x:1883'], /--url must be an address such as http.*address of a listener/],
    [['clients', '--url', 'http://x', ...socket], /Use only one of --socket and --url/],
    [['clients', '--api-key', 'x', ...socket], /--api-key and --cafile are for --url/],
    [['top', ...socket], /`sluice top` needs a terminal/],
    [
      ['admin', 'key', ...socket],
      /The actions of `sluice admin` are link, reset, logins, .*; got key\. Did you mean keys\?/,
    ],
    [['admin', 'add-key', ...socket], /requires NAME/],
    [['admin', 'reset', ...socket], /requires NAME/],
    [['admin', 'end-login', ...socket], /requires ID/],
    [['admin', 'reset', 'ann', 'secret', ...socket], /^(?!.*secret)/s],
    [['admin', 'add-key', 'x', ...socket], /requires --role viewer, operator or administrator/],
    [
      ['admin', 'add-key', 'x', '--role', 'boss', ...socket],
      /--role must be one of viewer, operator, administrator, got boss/,
    ],
  ] as const) {
    const { code, err } = await run(args, false)
    assert.equal(code, 2, args.join(' '))
    assert.match(err, message)
  }
})

test('a socket without a broker is a sentence that says what to do', async () => {
  const { code, err } = await run(['clients', '--socket', '/nowhere/admin.sock'], false)
  assert.equal(code, 1)
  assert.match(err, /^\/nowhere\/admin\.sock: no broker has opened this socket; start one with `sluice start`, or name/)
  await using world = await operated()
  const file = join(world.socket, '..', 'off.yaml')
  writeFileSync(file, 'admin: { socket: off, bind: "127.0.0.1:1" }\n')
  const off = await run(['clients', '--config', file], false)
  assert.equal(off.code, 2)
  assert.match(
    off.err,
    /off\.yaml opens no local socket for commands; use --url URL, or set `admin: \{ socket: PATH \}`/,
  )
})

test('--url asks elsewhere, with the key, and reports what the broker answers', async () => {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization}`)
    if (request.url!.startsWith('/api/v1/overview')) {
      response.end('{"version":"9.9.9"}')
      return
    }
    if (request.url!.startsWith('/api/v1/drops')) {
      response.end('<html>')
      return
    }
    response.writeHead(403, { 'Content-Type': 'application/problem+json' })
    response.end('{"code":"ERR_FORBIDDEN","detail":"this takes the role operator"}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const at = (...args: string[]) => run([...args, '--url', url, '--api-key', 'k'], false)
  try {
    assert.equal((await at('status')).values[0]!['version'], '9.9.9')
    const refused = await at('kick', 'x')
    assert.deepEqual([refused.code, refused.err], [1, `${url}: this takes the role operator`])
    assert.match((await at('drops')).err, /the answer is not JSON; is this the API of a broker\?/)
    assert.deepEqual(seen, [
      'GET /api/v1/overview Bearer k',
      'POST /api/v1/clients/x/disconnect Bearer k',
      'GET /api/v1/drops Bearer k',
    ])
  } finally {
    server.close()
  }
})
