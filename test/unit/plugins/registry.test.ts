import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shippedPlugins } from '../../../src/plugins/registry.ts'
import { contextOf } from './support.ts'

const options = { allowAnonymous: true, acl: {} }

for (const name of ['auth.anonymous', 'topic_acl', 'topic_taboo', 'event_logger_plugin', 'packet_logger_plugin']) {
  test(`the registry makes ${name}`, async () => {
    assert.equal((await shippedPlugins.get(name)?.(contextOf(options)))?.name, name)
  })
}

test('the ancestor’s underscore spellings make the same plugins', async () => {
  assert.equal((await shippedPlugins.get('auth_anonymous')?.(contextOf(options)))?.name, 'auth.anonymous')
  await assert.rejects(async () => shippedPlugins.get('auth_file')?.(contextOf({})), /auth.file requires/)
})
