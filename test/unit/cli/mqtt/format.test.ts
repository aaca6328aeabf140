import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineReader } from '../../../../src/cli/mqtt/line-reader.ts'
import { compileFormat } from '../../../../src/cli/mqtt/message-format.ts'
import { prettyJson } from '../../../../src/cli/mqtt/message-json.ts'
import { formatTime } from '../../../../src/cli/mqtt/time-format.ts'
import type { ReceivedMessage } from '../../../../src/cli/mqtt/received.ts'

const AT = new Date(2026, 10, 30, 13, 5, 9).getTime()

const message: ReceivedMessage = {
  topicName: 'r/1',
  payload: Buffer.from('{"a":1}'),
  qos: 1,
  retain: true,
  packetIdentifier: 7,
  properties: {
    contentType: 'text/x',
    userProperties: [
      ['k', 'v'],
      ['k2', 'v2'],
    ],
    correlationData: Buffer.from('cd'),
    messageExpiryInterval: 99,
  },
  subscriptionIdentifiers: [4],
  receivedAtMs: AT + 12.25,
}

function formatted(format: string, isPretty = false, complaints: string[] = []): string {
  const pieces = compileFormat(format, isPretty, (line) => complaints.push(line))(message)
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece))).toString()
}

const FORMATS: readonly (readonly [format: string, printed: string])[] = [
  ['%t %q %r %m %l %p', 'r/1 1 1 7 7 {"a":1}'],
  ['%C|%D|%E|%F|%A|%R|%S|%P', 'text/x|cd|99||||4|k:v k2:v2'],
  ['%x %X', '7b2261223a317d 7B2261223A317D'],
  ['%5q|%10t|%-10t|%.2t|%3l|%03m', '1|       r/1|r/1       |r/|  7|007'],
  ['%.3p|%20p|%-20p|%3p', '{"a":1}|             {"a":1}|{"a":1}             |{"a'],
  ['%5x|%-5x', ' 7b22|7b22 '],
  ['%%|\\t|\\\\|\\a\\e\\0', '%|\t|\\|\u0007\u001b\0'],
  ['@Y-@m-@d @H:@M:@S', '2026-11-30 13:05:09'],
]
for (const [format, printed] of FORMATS) {
  test(`-F ${JSON.stringify(format)}`, () => assert.equal(formatted(format), printed))
}

for (const [format, error] of [
  ['%Q', /no specifier %Q/],
  ['%', /after the last %/],
  ['%05', /after the last %/],
  ['@', /after the last @/],
  ['\\', /after the last/],
  ['\\q', /no escape/],
] as const) {
  test(`-F ${JSON.stringify(format)} is refused`, () => assert.throws(() => formatted(format), error))
}

test('%j is the message as JSON, with the payload as text', () => {
  const json = JSON.parse(formatted('%j')) as Record<string, unknown>
  const { tst, ...rest } = json
  assert.match(String(tst), /^2026-11-30T13:05:09\.012250Z[-+]\d{4}$/)
  assert.deepEqual(rest, {
    topic: 'r/1',
    qos: 1,
    retain: 1,
    payloadlen: 7,
    mid: 7,
    properties: {
      'content-type': 'text/x',
      'user-properties': { k: 'v', k2: 'v2' },
      'correlation-data': 'cd',
      'message-expiry-interval': 99,
      'subscription-identifier': 4,
    },
    payload: '{"a":1}',
  })
})

test('%J has the payload as JSON; one that is none is reported', () => {
  assert.deepEqual((JSON.parse(formatted('%J')) as { payload: unknown }).payload, { a: 1 })
  const complaints: string[] = []
  const pieces = compileFormat('%J', false, (line) => complaints.push(line))({ ...message, payload: Buffer.from('x') })
  assert.equal(pieces.join(''), '')
  assert.deepEqual(complaints, ['Error: Message payload is not valid JSON on topic r/1.'])
})

test('pretty JSON has tabs, also after colons', () => {
  assert.equal(prettyJson({ a: { b: [1, 'x'] }, c: {} }), '{\n\t"a":\t{\n\t\t"b":\t[1, "x"]\n\t},\n\t"c":\t{\n\t}\n}')
})

const TIMES: readonly (readonly [letter: string, text: string])[] = [
  ['a', 'Mon'],
  ['A', 'Monday'],
  ['b', 'Nov'],
  ['c', 'Mon Nov 30 13:05:09 2026'],
  ['D', '11/30/26'],
  ['e', '30'],
  ['F', '2026-11-30'],
  ['G', '2026'],
  ['I', '01'],
  ['j', '334'],
  ['k', '13'],
  ['l', ' 1'],
  ['N', '000000000'],
  ['p', 'PM'],
  ['r', '01:05:09 PM'],
  ['T', '13:05:09'],
  ['u', '1'],
  ['U', '48'],
  ['V', '49'],
  ['W', '48'],
  ['y', '26'],
  ['@', '%@'],
]
for (const [letter, text] of TIMES) {
  test(`@${letter} is ${JSON.stringify(text)}`, () => assert.equal(formatTime(letter, AT), text))
}

test('lines are divided wherever chunks are, and the last one may lack its line feed', () => {
  const text = Buffer.from('one\n\ntwo three\nfour')
  for (let size = 1; size <= text.length; size++) {
    const lines: string[] = []
    const reader = new LineReader((bytes, start, end) => lines.push(Buffer.from(bytes).toString('utf8', start, end)))
    for (let at = 0; at < text.length; at += size) reader.push(Buffer.from(text.subarray(at, at + size)))
    reader.end()
    assert.deepEqual(lines, ['one', '', 'two three', 'four'], `chunks of ${size}`)
  }
})
