import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shortText } from '../../../../src/reporting/recorder/record-pages.ts'
import { assertBelow, madeBytes } from '../../../support/measurement.ts'

test('a long text is shortened, whatever its characters', () => {
  for (const character of ['x', 'ä', '猫']) {
    assert.equal(shortText(character.repeat(256)), character.repeat(256))
    assert.equal(shortText(character.repeat(257)), `${character.repeat(256)}…`)
  }
})

test('a long Topic Name that a Topic Alias stands for is shortened once, not for each packet', async () => {
  const topicName = 'level/'.repeat(1_000)
  const record = (): void => {
    for (let packet = 0; packet < 10_000; packet++) shortText(topicName)
  }
  record()
  // A copy takes 600 bytes.
  await assertBelow(60, 'bytes for each packet', () => madeBytes(record) / 10_000)
})
