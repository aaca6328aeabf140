import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Directory } from '../../../src/access/directory/directory.ts'
import { NO_DEFAULTS } from '../../../src/access/directory/entries.ts'
import type { Client, Plugin } from '../../../src/access/plugin.ts'
import aclStore from '../../../src/plugins/acl-store.ts'
import { emptyDirectory, reference, remove, setGroup, setRole, setUser } from './directory-support.ts'
import { contextOf } from './support.ts'

function made(fill: (directory: Directory) => void): { plugin: Plugin; directory: Directory } {
  const directory = emptyDirectory()
  fill(directory)
  return { plugin: aclStore({ ...contextOf({}), directory }), directory }
}

function clientOf(userName: string | undefined, clientId = 'c1'): Client {
  return { clientId, userName, claimedUserName: undefined, address: '', listener: '', protocolVersion: 5 } as Client
}
const ann = clientOf('ann')

const publish = (plugin: Plugin, topicName: string, client = ann): unknown =>
  plugin.mayPublish!(client, { topic: topicName, topicName, qos: 0, retain: false })
const subscribe = (plugin: Plugin, filter: string, client = ann): unknown => plugin.maySubscribe!(client, filter, 0)
const receive = (plugin: Plugin, topic: string, client = ann): unknown => plugin.mayReceive!(client, topic)

test('acl.store: a role allows what its rules cover, and nobody else has an opinion from it', () => {
  const { plugin } = made((directory) => {
    setRole(
      directory,
      'meter',
      'allow publish power/%c/#',
      'allow subscribe commands/%u',
      'deny publish power/+/secret',
    )
    setUser(directory, 'ann', { roles: ['meter'] })
  })
  assert.equal(publish(plugin, 'power/c1/l1'), true)
  assert.equal(publish(plugin, 'power/c2/l1'), undefined)
  assert.equal(publish(plugin, 'power/c1/secret'), false)
  assert.equal(subscribe(plugin, 'commands/ann'), true)
  assert.equal(subscribe(plugin, 'commands/+'), undefined)
  assert.equal(publish(plugin, 'power/c1/l1', clientOf('bob')), undefined)
  assert.equal(publish(plugin, 'power/c1/l1', clientOf(undefined)), undefined)
})

test('acl.store: own roles come before those of groups; then the priority of group, role and rule; deny before allow', () => {
  const { plugin, directory } = made((each) => {
    setRole(each, 'yes', 'allow publish a')
    setRole(each, 'no', 'deny publish a')
    setGroup(each, 'yes', 'yes')
    setGroup(each, 'no', 'no')
  })
  const decided = (parts: Parameters<typeof setUser>[2]): unknown => {
    setUser(directory, 'ann', parts)
    return publish(plugin, 'a')
  }
  assert.equal(decided({ roles: ['yes', 'no'] }), false, 'equal: deny')
  assert.equal(decided({ roles: ['yes:1', 'no'] }), true)
  assert.equal(decided({ roles: ['yes', 'no:1'] }), false)
  assert.equal(decided({ roles: ['yes:-9'], groups: ['no:9'] }), true)
  assert.equal(decided({ groups: ['yes', 'no'] }), false)
  assert.equal(decided({ groups: ['yes:2', 'no:1'] }), true)
  setRole(directory, 'both', 'deny publish a 1', 'allow publish a 2')
  assert.equal(decided({ roles: ['both'] }), true)
})

test('acl.store: a filter that overlaps a denied one is refused, and an exact rule is about that filter only', () => {
  const { plugin } = made((directory) => {
    setRole(directory, 'r', 'allow subscribe #', 'deny subscribe secret/# 1', 'allow subscribe exactly x/+/%u 5')
    setRole(directory, 'exact', 'allow subscribe exactly x/+')
    setUser(directory, 'ann', { roles: ['r'] })
    setUser(directory, 'bob', { roles: ['exact'] })
  })
  assert.equal(subscribe(plugin, '#'), false)
  assert.equal(subscribe(plugin, 'secret/a'), false)
  assert.equal(subscribe(plugin, 'open/#'), true)
  assert.equal(subscribe(plugin, '$SYS/#'), undefined, 'a wildcard does not reach what begins with $')
  const bob = clientOf('bob')
  assert.equal(subscribe(plugin, 'x/+', bob), true)
  assert.equal(subscribe(plugin, 'x/1', bob), undefined)
  assert.equal(receive(plugin, 'x/1', bob), true, 'what that subscription brings')
})

test('acl.store: what may no longer be subscribed to is not received either, and deny of receive holds as well', () => {
  const { plugin, directory } = made((each) => {
    setRole(each, 'reader', 'allow subscribe a/#', 'deny receive a/b')
    setUser(each, 'ann', { roles: ['reader'] })
  })
  assert.equal(receive(plugin, 'a/c'), true)
  assert.equal(receive(plugin, 'a/b'), false)
  setRole(directory, 'reader', 'deny receive a/b')
  assert.equal(receive(plugin, 'a/c'), undefined)
  setRole(directory, 'reader', 'allow subscribe a/#')
  assert.equal(receive(plugin, 'a/c'), true)
  remove(directory, 'role', 'reader')
  assert.equal(receive(plugin, 'a/c'), undefined)
})

test('acl.store: the default holds where no rule does, for every client; the anonymous group is for those without a name', () => {
  const { plugin, directory } = made((each) => {
    setRole(each, 'guest', 'allow publish guests/#', 'deny subscribe secret')
    setGroup(each, 'guests', 'guest')
    const defaults = { ...NO_DEFAULTS, subscribe: 'allow', anonymousGroup: reference(each, 'group', 'guests') } as const
    each.carryOut([{ type: 'defaults', name: 'default', entry: defaults }])
  })
  const anonymous = clientOf(undefined)
  assert.equal(publish(plugin, 'guests/1', anonymous), true)
  assert.equal(publish(plugin, 'guests/1', clientOf('eve')), undefined)
  assert.equal(subscribe(plugin, 'anything', clientOf('eve')), true)
  assert.equal(subscribe(plugin, 'secret', anonymous), false)
  remove(directory, 'group', 'guests')
  setGroup(directory, 'guests', 'guest')
  assert.equal(publish(plugin, 'guests/1', anonymous), undefined, 'another group of the same name')
})

test('acl.store: a disabled user has no roles', () => {
  const { plugin } = made((directory) => {
    setRole(directory, 'meter', 'allow publish #')
    setUser(directory, 'ann', { roles: ['meter'], disabled: true })
  })
  assert.equal(publish(plugin, 'a'), undefined)
})

test('acl.store: explain names the role, the group and the rule that decided', () => {
  const { plugin } = made((directory) => {
    setRole(directory, 'meter', 'allow publish power/# 5', 'allow subscribe c/+', 'deny receive c/x')
    setGroup(directory, 'devices', 'meter')
    setUser(directory, 'ann', { groups: ['devices'] })
  })
  const explain = (action: 'publish' | 'subscribe' | 'receive', topic: string, client = ann): string => {
    const { decision, rule } = plugin.explain!({ client, action, topic })
    return `${decision}: ${rule}`
  }
  assert.equal(
    explain('publish', 'power/l1'),
    'allow: role meter, by group devices: allow publish power/# (priority 5)',
  )
  assert.equal(explain('publish', 'x'), 'no opinion: no rule of a role of ann is about it')
  assert.equal(explain('publish', 'x', clientOf('eve')), 'no opinion: the store has no user eve')
  assert.equal(explain('receive', 'c/x'), 'deny: role meter, by group devices: deny receive c/x (priority 0)')
  assert.equal(
    explain('receive', 'c/y'),
    'allow: the default access allows every client to receive, and role meter, by group devices: allow subscribe c/+ (priority 0)',
  )
  assert.equal(explain('receive', 'd'), 'no opinion: no rule of a role of ann is about it')
})
