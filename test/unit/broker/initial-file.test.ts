/** `initial-file`: the first users of a broker that has none. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { serverOf } from '../../../src/broker/broker.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { listLogger } from '../../support/list-logger.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { remove, setUser } from '../plugins/directory-support.ts'

function fileOf(content: string): string {
  const path = join(scratchFolder(), 'users.json')
  writeFileSync(path, content)
  return path
}

test('initial-file: read by a start that finds nothing, and never again', async () => {
  const file = {
    format: 'sluice-access',
    version: 1,
    roles: [{ name: 'administrator' }],
    users: [{ userName: 'root', roles: ['administrator'] }],
  }
  const config = { users: { 'initial-file': fileOf(JSON.stringify(file)) }, persistence: {} }
  const disk = new MemoryDisk()
  const broker = await VirtualBroker.start(config, { disk })
  const { directory } = serverOf(broker.broker)
  assert.equal(directory.isAdministrator('root'), true)
  setUser(directory, 'ann')
  remove(directory, 'user', 'root')
  await broker.close()
  const again = await VirtualBroker.start(config, { disk })
  assert.deepEqual([...serverOf(again.broker).directory.all('user').keys()], ['ann'])
  await again.close()
})

test('initial-file: one that is no such file stops the start, with its name', async () => {
  for (const [content, message] of [
    ['{', /users\.initial-file: .*users\.json: .*JSON/],
    ['{"format":"x"}', /users\.initial-file: .*users\.json: file must have format sluice-access/],
  ] as const) {
    const started = VirtualBroker.start({ users: { 'initial-file': fileOf(content) } })
    await assert.rejects(started, { code: 'ERR_CONFIG_FILE', message })
  }
})

test('initial-file: what of a file of Mosquitto has another effect here, or none, is in the log', async () => {
  const unreadable = Array.from({ length: 100 }, (_, at) => ({ username: `user-${at}`, password: 'x' }))
  const file = {
    roles: [
      {
        rolename: 'boss',
        acls: [{ acltype: 'publishClientSend', topic: '$CONTROL/#', allow: true }],
      },
    ],
    clients: [{ username: 'ann', roles: [{ rolename: 'boss' }] }, ...unreadable],
  }
  const logger = listLogger()
  const broker = await VirtualBroker.start({ users: { 'initial-file': fileOf(JSON.stringify(file)) } }, { logger })
  const lines = logger.lines.filter((line) => line.includes('users.json'))
  assert.match(lines[0]!, /the store had no users; .* was read \(users: 101, groups: 0, roles: 2\)/)
  assert.match(
    lines[1]!,
    /users\.json: user ann gets the role administrator, because a role of it may publish to \$CONTROL/,
  )
  assert.match(lines[2]!, /users\.json: user user-0 has a password that cannot be read, and has none here/)
  assert.match(lines.at(-1)!, /and 1 more; `sluice access-diff .*users\.json` prints all/)
  assert.equal(lines.length, 102)
  await broker.close()
})
