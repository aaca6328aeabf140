import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createBroker } from '../../../src/create-broker.ts'
import { readConfig, stateSentence } from '../../../src/cli/config.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'

function read(text: string): ReturnType<typeof readConfig>['options'] {
  const file = join(scratchFolder(), 'sluice.yaml')
  writeFileSync(file, text)
  return readConfig(file).options
}

test('the program pauses behind small turns and stores on disk unless the file says otherwise', () => {
  const { gatherPause, persistence } = readConfig(undefined).options
  assert.deepEqual([gatherPause, persistence?.durability], ['auto', 'disk'])
  assert.equal(read('listeners: {}').gatherPause, 'auto')
})

for (const key of ['gather-pause', 'gather_pause', 'gatherPause']) {
  test(`${key}: 0 in the file is no pause`, () => {
    assert.equal(read(`${key}: 0\nlisteners: {}`).gatherPause, 0)
  })
}

test('a broker of the host program has no pause unless it is told', async () => {
  await using broker = await createBroker({ listeners: {} })
  assert.equal(broker.options.gatherPause, 0)
})

test('a durability at which nothing is kept is called that; one topic or listener that keeps something is enough', () => {
  const sentence = (persistence: string, listener = ''): string =>
    stateSentence(
      read(`listeners: { default: { bind: '127.0.0.1:0'${listener} } }\npersistence: { path: x, ${persistence} }`),
    )
  assert.equal(
    sentence('durability: memory'),
    'nothing is stored: with durability memory, all state is lost when this process ends',
  )
  assert.match(sentence("durability: memory, topics: { 'a/#': disk }"), /^state is kept in .*x \(durability memory\)$/)
  assert.match(sentence('durability: memory', ', durability: process'), /^state is kept in /)
  assert.match(sentence('durability: process'), /^state is kept in .*x \(durability process\)$/)
})
