import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createBroker } from '../../../src/create-broker.ts'
import { readConfig } from '../../../src/cli/config.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'

function read(text: string): ReturnType<typeof readConfig>['options'] {
  const file = join(scratchFolder(), 'sluice.yaml')
  writeFileSync(file, text)
  return readConfig(file).options
}

test('the program pauses behind small turns and stores on disk unless the file says otherwise', () => {
  const { gatherPause, persistence } = readConfig(undefined).options
  assert.deepEqual([gatherPause, persistence?.durability], [0.2, 'disk'])
  assert.equal(read('listeners: {}').gatherPause, 0.2)
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
