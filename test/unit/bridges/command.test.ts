import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createBroker } from '../../../src/create-broker.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { sluiceHere } from '../cli/cli-support.ts'

function configFor(url: string): string {
  const file = join(scratchFolder(), 'sluice.yaml')
  writeFileSync(file, JSON.stringify({ bridges: { cloud: { url, 'client-id': 'plant', in: [{ filter: 'a' }] } } }))
  return file
}

test('sluice bridge test shows each step of the way to the other broker, and which one fails', async () => {
  await using far = await createBroker({ listeners: { a: { bind: '127.0.0.1:0' } } })
  const { url } = far.listeners[0]!
  const good = await sluiceHere(['bridge', 'test', 'cloud', '--config', configFor(url)])
  assert.equal(good.code, 0)
  assert.match(good.out, /^cloud: mqtt:\/\/127\.0\.0\.1:\d+ as plant-test\nok +TCP/)
  await far.close()
  const bad = await sluiceHere(['bridge', 'test', '--config', configFor(url)])
  assert.equal(bad.code, 1)
  assert.match(bad.out, /failed +TCP.*ECONNREFUSED/)
  const wrong = await sluiceHere(['bridge', 'test', 'clod', '--config', configFor(url)])
  assert.match(wrong.err, /no bridge clod; it has cloud/)
})
