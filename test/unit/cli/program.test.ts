import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { resolveOptions } from '../../../src/config/options.ts'
import { checkFolder } from '../../../src/cli/check-folder.ts'
import { commands } from '../../../src/cli/commands.ts'
import { usageOf } from '../../../src/cli/command.ts'
import { root } from '../../../tools/main.ts'
import { sluice, sluiceHere } from './cli-support.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'

/** Their exit codes are those of Mosquitto's tools. */
const MOSQUITTOS = new Set(['pub', 'sub', 'rr'])

test('--help names every command and what to type first, on standard output', () => {
  const { code, out, err } = sluice(['--help'])
  assert.deepEqual([code, err], [0, ''])
  for (const { name, summary } of commands) {
    assert.ok(out.includes(name) && out.includes(summary), name)
  }
  assert.match(out, /sluice pub -t a\/b -m hi/)
  assert.equal(sluice(['help']).out, out)
})

test('help has no colours where it is not read on a terminal', () => {
  assert.ok(!sluice(['--help']).out.includes('\u001B'))
})

for (const command of commands) {
  test(`sluice ${command.name} --help shows its usage, its options and lines to copy`, async () => {
    const { code, out } = await sluiceHere([command.name, '--help'])
    assert.equal(code, 0)
    assert.ok(out.startsWith(usageOf(command)))
    for (const [name, { description }] of Object.entries(command.options)) {
      assert.ok(out.includes(`--${name}`) && out.includes(description), name)
    }
    assert.ok(command.examples.length > 0)
    for (const [line] of command.examples) assert.ok(out.includes(line), line)
    assert.equal((await sluiceHere(['help', command.name])).out, out)
  })

  test(`sluice ${command.name} with an option that it does not have is wrong usage`, async () => {
    const { code, out, err } = await sluiceHere([command.name, '--colour-of-the-bikeshed'])
    assert.deepEqual([code, out], [MOSQUITTOS.has(command.name) ? 1 : 2, ''])
    assert.match(err, /has no option --colour-of-the-bikeshed/)
  })
}

test('--version says the version of the package', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  assert.deepEqual(sluice(['--version']), { code: 0, out: `${version}\n`, err: '' })
})

for (const [args, hint] of [
  [[], /sluice COMMAND/],
  [['chek'], /There is no command `chek`\. Did you mean `sluice check`\?/],
  [['frobnicate'], /The commands are .*check/],
  [['help', 'chek'], /Did you mean `sluice check`\?/],
  [['check'], /`sluice check` requires --config FILE\./],
  [['check', '--confg', 'x'], /has no option --confg\. Did you mean --config\?/],
  [['check', '--bogus'], /`sluice help check` shows how to use it\./],
  [['client'], /CLIENT is missing\.\n`sluice help client` shows how to use it\./],
  [['chek'], /`sluice --help` shows every command\./],
  [['check', '--config'], /--config requires a value: --config FILE\./],
  [['check', '-c', '--help-me'], /-c requires a value/],
  [['check', 'sluice.yaml', '--config', 'x'], /does not accept the argument sluice\.yaml.*--config sluice\.yaml/],
] as const) {
  test(`sluice ${args.join(' ')} is wrong usage: exit code 2 and what would do`, () => {
    const { code, out, err } = sluice(args)
    assert.deepEqual([code, out], [2, ''])
    assert.match(err, hint)
  })
}

test('check names each mistake with line and column, and ends with 1', () => {
  const folder = scratchFolder()
  writeFileSync(join(folder, 'sluice.yaml'), 'max-qos: 3\nlisteners:\n  a: {bind: "[::1]:0", certfle: x}\n')
  assert.deepEqual(sluice(['check', '--config', 'sluice.yaml'], folder), {
    code: 1,
    out: '',
    err:
      'sluice.yaml:1:10: max-qos must be one of 0, 1, 2, got 3\n' +
      'sluice.yaml:3:24: listeners.a.certfle is not a known key here; did you mean `certfile`?\n' +
      '2 problems; nothing was started.\n',
  })
})

test('check looks for the files that are named', () => {
  const folder = scratchFolder()
  writeFileSync(join(folder, 'sluice.yaml'), 'auth: {password-file: users}\n')
  const { code, err } = sluice(['check', '-c', 'sluice.yaml'], folder)
  assert.equal(code, 1)
  assert.match(
    err,
    /^sluice\.yaml:1:23: auth\.password-file names .*users, which does not exist; `sluice passwd FILE USER` creates it\n$/,
  )
})

test('check reads the certificates that are named', () => {
  const folder = scratchFolder()
  writeFileSync(join(folder, 'server.pem'), 'no certificate')
  const tls = (port: number) => `{ bind: ':${port}', ssl: on, certfile: server.pem, keyfile: server.pem }`
  const text = `listeners:\n  a: ${tls(1)}\n  b: ${tls(2)}\nauth: {allow-anonymous: on}\n`
  writeFileSync(join(folder, 'sluice.yaml'), text)
  const { code, out, err } = sluice(['check', '-c', 'sluice.yaml'], folder)
  assert.deepEqual([code, out], [1, ''])
  assert.match(
    err,
    /^sluice\.yaml:\d+:\d+: Listener `a`: `certfile` .*server\.pem contains no certificate.*\nsluice\.yaml:\d+:\d+: Listener `b`: `certfile`/,
  )
})

test('check of a file that is not there is one sentence', () => {
  const { code, err } = sluice(['check', '--config', '/nowhere/sluice.yaml'])
  assert.deepEqual([code, err], [1, 'The configuration file /nowhere/sluice.yaml does not exist.\n'])
})

test('sluice check prints what plugins warn about while they are created', () => {
  const folder = scratchFolder()
  writeFileSync(join(folder, 'slip.mjs'), "export default () => ({ name: 'slip', intercpt: () => undefined })")
  writeFileSync(join(folder, 'sluice.yaml'), 'intercept: { plugins: [./slip.mjs] }')
  const { code, err } = sluice(['check', '--config', 'sluice.yaml'], folder)
  assert.equal(code, 0)
  assert.match(err, /^warning: plugin \.\/slip\.mjs is listed in `intercept\.plugins`, but has neither/)
})

test('check says what would be opened and where state would live, and warns of what is not used', () => {
  const folder = scratchFolder()
  const text = `listeners:
  default: { bind: ':1' }
  plain: { bind: 127.0.0.1:1883 }
  web: { bind: '[::1]:8080', type: ws, websocket-path: /mqtt }
  local: { bind: mqtt.sock, type: unix }
`
  writeFileSync(join(folder, 'sluice.yaml'), text)
  const { code, out, err } = sluice(['check', '--config', 'sluice.yaml'], folder)
  assert.equal(code, 0)
  assert.match(err, /^warning: sluice\.yaml:2:14: listeners\.default\.bind is not used/)
  assert.deepEqual(out.replaceAll(folder, '.').replaceAll('/private.', '.').split('\n'), [
    'sluice.yaml is valid:',
    '  plain would listen on mqtt://127.0.0.1:1883',
    '  web would listen on ws://[::1]:8080/mqtt',
    '  local would listen on unix:./mqtt.sock',
    '  state is kept in ./sluice-data (durability disk)',
    '',
  ])
})

test('what the program shows has no control characters of others in it, on either stream', () => {
  const evil = 'a\u001b[2J\u009b\u202e\u2028'
  const shown = 'a\\u001b[2J\\u009b\\u202e\\u2028'
  const folder = scratchFolder()
  writeFileSync(join(folder, 'sluice.yaml'), 'listeners: {}\n')
  const config = ['--config', 'sluice.yaml']
  const explained = sluice(['explain', ...config, '--action', 'publish', '--topic', evil, '--user', evil], folder)
  assert.ok(explained.out.includes(shown), explained.out)
  const unknown = sluice([evil])
  assert.ok(unknown.err.includes(shown), unknown.err)
  for (const text of [explained.out, unknown.err]) assert.doesNotMatch(text, /(?![\t\n])\p{Cc}|\u202e|\u2028/u)
})

test('check: a file where the folder of the data would be is an error; a folder without the right to write is a warning', async () => {
  const folder = scratchFolder()
  const file = join(folder, 'file')
  writeFileSync(file, '')
  for (const path of [file, join(file, 'below')]) {
    await assert.rejects(checkFolder(resolveOptions({ listeners: {}, persistence: { path } })), {
      code: 'ERR_CONFIG',
      message: `persistence.path: ${file} is a file, not a folder: name a folder, or move the file away`,
    })
  }
  assert.deepEqual(
    await checkFolder(resolveOptions({ listeners: {}, persistence: { path: join(folder, 'to', 'be', 'made') } })),
    [],
  )
  const refuse = (): Promise<void> => Promise.reject(Object.assign(new Error('refused'), { code: 'EACCES' }))
  const [warning] = await checkFolder(resolveOptions({ listeners: {}, persistence: { path: folder } }), refuse)
  assert.ok(warning?.includes(`may not write to ${folder} (EACCES)`), warning)
})
