import assert from 'node:assert/strict'
import { test } from 'node:test'
import { flagTable } from '../../../../src/cli/mqtt/flag-table.ts'
import { parseFlags } from '../../../../src/cli/mqtt/flags.ts'
import { payloadSourceOf } from '../../../../src/cli/mqtt/payload-source.ts'
import { propertySetsOf } from '../../../../src/cli/mqtt/property-flags.ts'
import { settingsOf } from '../../../../src/cli/mqtt/settings.ts'

function settings(...args: string[]) {
  return settingsOf(parseFlags('sub', args))
}

test('no two flags of a tool have the same name', () => {
  for (const tool of ['pub', 'sub', 'rr'] as const) {
    const rows = flagTable.filter(({ tools }) => tools.includes(tool))
    const names = rows.flatMap(({ short, long }) => [short, long].filter((name) => name !== undefined))
    assert.equal(new Set(names).size, names.length, tool)
  }
})

test('a value is whatever follows its flag, also if it begins with a dash', () => {
  assert.equal(parseFlags('pub', ['-m', '-1']).value('message'), '-1')
  assert.equal(parseFlags('pub', ['--message=a=b']).value('message'), 'a=b')
  assert.deepEqual(parseFlags('sub', ['-t', 'a', '--topic', 'b']).all('topic'), [['a'], ['b']])
})

test('an unknown flag is an error that names the nearest one', () => {
  assert.throws(() => parseFlags('pub', ['--mesage', 'x']), /no option --mesage\. Did you mean --message\?/)
  assert.throws(() => parseFlags('pub', ['extra']), /no option extra/)
  assert.throws(() => parseFlags('pub', ['-e', 'x']), /no option -e/)
  assert.throws(() => parseFlags('pub', ['-m']), /-m requires TEXT/)
  assert.throws(() => parseFlags('pub', ['--retain=yes']), /--retain does not take a value/)
})

test('properties are read by packet, with the types and limits of the standard', () => {
  const given = parseFlags('pub', [
    ...['-D', 'publish', 'content-type', 'text/plain'],
    ...['-D', 'publish', 'user-property', 'k', 'v'],
    ...['-D', 'publish', 'user-property', 'k', 'w'],
    ...['-D', 'publish', 'correlation-data', 'id'],
    ...['-D', 'connect', 'receive-maximum', '7'],
    ...['-D', 'subscribe', 'subscription-identifier', '9'],
  ]).all('property')
  const { PUBLISH, CONNECT, SUBSCRIBE } = propertySetsOf(given)
  assert.deepEqual(PUBLISH, {
    contentType: 'text/plain',
    userProperties: [
      ['k', 'v'],
      ['k', 'w'],
    ],
    correlationData: Buffer.from('id'),
  })
  assert.deepEqual(CONNECT, { receiveMaximum: 7 })
  assert.deepEqual(SUBSCRIBE, { subscriptionIdentifiers: [9] })
})

const WRONG_PROPERTIES: readonly (readonly [args: string, error: RegExp])[] = [
  ['publish nonsense 1', /no property nonsense/],
  ['nonsense content-type a', /connect, publish/],
  ['publish will-delay-interval 3', /publish has no property will-delay-interval/],
  ['connect receive-maximum 0', /from 1 to 65535, got 0/],
  ['connect receive-maximum x', /got x/],
]
for (const [args, error] of WRONG_PROPERTIES) {
  test(`-D ${args} is refused`, () => assert.throws(() => propertySetsOf([args.split(' ')]), error))
}

test('without flags: localhost, port 1883, MQTT 3.1.1, and 5.0 for rr', () => {
  const { address, version, qos, options } = settings()
  assert.deepEqual(address, { transport: 'tcp', host: 'localhost', port: 1883 })
  assert.deepEqual([version, qos, options.keepAlive, options.cleanStart, options.clientId], [4, 0, 60, true, ''])
  assert.equal(settingsOf(parseFlags('rr', [])).version, 5)
})

test('a URL sets server, login and topic; other flags override the first two', () => {
  const { address, options, topics } = settings('-L', 'mqtts://ann:pw@example.com/a/%23b', '-t', 'c', '-u', 'bob')
  assert.deepEqual([address.transport, address.host, address.port], ['tls', 'example.com', 8883])
  assert.deepEqual([options.userName, Buffer.from(options.password!).toString()], ['bob', 'pw'])
  assert.deepEqual(topics, ['a/#b', 'c'])
  assert.deepEqual(settings('-L', 'ws://example.com:8080/path', '-t', 'a').topics, ['a'])
})

test('TLS is used if a flag asks for it, and at port 8883', () => {
  for (const args of [['-p', '8883'], ['--tls-use-os-certs'], ['--insecure'], ['--tls-alpn', 'mqtt']]) {
    const { address } = settings(...args)
    assert.deepEqual([address.transport, address.port], ['tls', 8883], args.join(' '))
  }
})

test('a kept session never expires unless -x says so', () => {
  const kept = ['-V', '5', '-c', '-i', 'me']
  assert.equal(settings(...kept).options.properties!.sessionExpiryInterval, 0xffff_ffff)
  assert.equal(settings(...kept, '-x', '60').options.properties!.sessionExpiryInterval, 60)
  assert.equal(settings(...kept, '-x', '∞').options.properties!.sessionExpiryInterval, 0xffff_ffff)
  assert.equal(settings('-V', '5').options.properties!.sessionExpiryInterval, undefined)
})

const WRONG: readonly (readonly [args: string, error: RegExp])[] = [
  ['-c', /requires a client identifier/],
  ['-P x', /requires a user name/],
  ['-V mqttv6', /must be mqttv5, mqttv311 or mqttv31/],
  ['-q 3', /from 0 to 2, got 3/],
  ['-k 2', /from 5 to 65535/],
  ['-i a -I b', /cannot be used together/],
  ['-D connect receive-maximum 1', /requires -V mqttv5/],
  ['--will-payload x', /requires --will-topic/],
  ['--cert x', /--cert and --key/],
  ['--psk ab', /requires --psk-identity/],
  ['--psk abc --psk-identity x', /hexadecimal/],
  ['--cafile /nonexistent', /cannot be read/],
  ['--proxy ftp://a', /begins with socks5h/],
  ['--tls-version tlsv9', /must be tlsv1.3/],
  ['-L http://a', /begins with mqtt/],
]
for (const [args, error] of WRONG) {
  test(`${args} is refused`, () => assert.throws(() => settings(...args.split(' ')), error))
}

test('one payload is required, and no more', () => {
  assert.equal(payloadSourceOf(parseFlags('pub', ['-n'])), 'null-message')
  assert.throws(() => payloadSourceOf(parseFlags('pub', [])), /What should be published/)
  assert.throws(() => payloadSourceOf(parseFlags('pub', ['-n', '-m', 'x'])), /Only one of/)
})
