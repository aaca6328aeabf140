/** `sluice explain --rules NEWFILE`: who would gain and lose what. */
import assert from 'node:assert/strict'
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createBroker } from '../../../src/create-broker.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { sluiceHere } from './cli-support.ts'

const OLD = `topic read news/#
user ann
topic power/#
topic deny power/secret
user bob
topic write b
pattern write devices/%c/#
`
const NEW = `# rearranged, and written in other words
pattern write devices/%c/#
user ann
topic deny power/secret
topic readwrite power/#
topic read more
user eve
topic e
topic read news/#
`

function folderWith(files: Readonly<Record<string, string>>): (name: string) => string {
  const folder = scratchFolder()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return (name) => join(folder, name)
}

const CONFIG = 'listeners: {}\ntopic-check: {acl-file: rules}\nauth: {allow-anonymous: true}\n'

test('rules of a file: each user who gains or loses something, with the line that says so; a user without a section has the patterns', async () => {
  const at = folderWith({ 'sluice.yaml': CONFIG, rules: OLD, 'rules.new': NEW })
  const { code, out, err } = await sluiceHere(['explain', '-c', at('sluice.yaml'), '--rules', at('rules.new')])
  assert.deepEqual([code, err], [0, ''])
  assert.equal(
    out,
    `clients without a user name
  - line 1 of rules: topic read news/#
ann
  + line 6 of rules.new: topic read more
bob
  - line 6 of rules: topic write b
eve
  + line 8 of rules.new: topic e
  + line 9 of rules.new: topic read news/#
`,
  )
  const same = await sluiceHere(['explain', '-c', at('sluice.yaml'), '--rules', at('rules')])
  assert.equal(same.out, 'nobody gains or loses anything\n')
})

test('a pattern that changes concerns every user, also those in neither file', async () => {
  const at = folderWith({ 'sluice.yaml': CONFIG, rules: OLD, 'rules.new': OLD.replace('devices/%c/#', 'devices/%u/#') })
  const { out } = await sluiceHere(['explain', '-c', at('sluice.yaml'), '--rules', at('rules.new')])
  assert.match(
    out,
    /every user who is in neither file\n {2}\+ line 7 of rules.new: .*\n {2}- line 7 of rules: pattern write/,
  )
  assert.equal(out.match(/^ {2}\+/gm)?.length, 4)
})

test('a question is answered as if the file were in use', async () => {
  const at = folderWith({ 'sluice.yaml': CONFIG, rules: OLD, 'rules.new': NEW })
  const question = ['explain', '-c', at('sluice.yaml'), '--user', 'bob', '--action', 'publish', '--topic', 'b']
  assert.equal((await sluiceHere(question)).code, 0)
  const { code, out } = await sluiceHere([...question, '--rules', at('rules.new')])
  assert.deepEqual([code, out.split('\n')[0]], [1, 'bob may not publish to b'])
})

test('what cannot be compared is refused with the reason, and a limit with its name', async () => {
  const at = folderWith({
    'sluice.yaml': CONFIG,
    rules: OLD,
    bad: 'topic read\nnonsense\n',
    json: '{ "format":',
    big: '',
  })
  const withoutFile = folderWith({ 'sluice.yaml': 'listeners: {}\n' })
  truncateSync(at('big'), (16 << 20) + 1)
  const refused = async (message: RegExp, ...args: string[]): Promise<void> => {
    const { code, err } = await sluiceHere(['explain', '-c', at('sluice.yaml'), ...args])
    assert.equal(code, 2)
    assert.match(err, message)
  }
  await refused(/line 2 begins with nonsense/, '--rules', at('bad'))
  await refused(/bad: line 2/, '--rules', at('bad'), '--action', 'publish', '-t', 'a')
  await refused(/ENOENT/, '--rules', at('none'))
  await refused(/neither a file of rules nor JSON/, '--rules', at('json'))
  await refused(/has 16777217 bytes; a file of rules may have 16777216 \(16 MiB\) here/, '--rules', at('big'))
  await refused(/requires --topic/, '--rules', at('rules'), '--action', 'publish')
  await refused(/requires --action, or --rules FILE alone/)
  const { code, err } = await sluiceHere(['explain', '-c', withoutFile('sluice.yaml'), '--rules', at('rules')])
  assert.deepEqual([code, /no topic-check.acl-file/.test(err)], [2, true])
})

test('a file of users and roles is compared by the running broker', async (t) => {
  const at = folderWith({ 'sluice.yaml': '' })
  const socket = at('admin.sock')
  writeFileSync(at('sluice.yaml'), `listeners: {}\nadmin: {socket: ${socket}}\nusers: {}\n`)
  const rules = (topic: string) => [{ action: 'publish', effect: 'allow', topic }]
  const file = (topic: string) => ({
    ...{ format: 'sluice-access', version: 1 },
    roles: [{ name: 'meter', rules: rules(topic) }],
    users: [{ userName: 'ann', roles: ['meter'] }],
  })
  writeFileSync(at('access.json'), JSON.stringify(file('b')))
  const broker = await createBroker({ listeners: {}, admin: { socket }, users: {} })
  t.after(() => broker.close())
  await broker.admin.importAccess({ file: file('a') })
  const { code, out, err } = await sluiceHere(['explain', '-c', at('sluice.yaml'), '--rules', at('access.json')])
  assert.deepEqual([code, err], [0, ''])
  assert.match(out, /ann\n {2}\+ allow publish b \(priority 0\)\n {2}- allow publish a \(priority 0\)\n$/)
})
