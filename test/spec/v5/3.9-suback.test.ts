import assert from 'node:assert/strict'
import { answer, assertEnds, GUARDED, scene } from './stage.ts'

const TINY = { maximumPacketSize: 22 }

scene(
  'A small Maximum Packet Size: SUBACK is sent without Reason String and User Property [5.0 MQTT-3.9.2-1, MQTT-3.9.2-2]',
  (stage) => {
    const client = stage.client('a', { properties: TINY })
    assert.equal(answer(client, '82 * 0001 {26 "key" "value"} "denied/a" 00 "b" 00'), '90050001008700')
    // Seventeen codes fill the packet to its limit of 22 bytes.
    const filters = Array.from({ length: 17 }, () => '"denied/a" 00').join(' ')
    assert.equal(answer(client, `82 * 0002 {} ${filters}`), `9014000200${'87'.repeat(17)}`)
  },
  GUARDED,
)

scene(
  'The Reason Codes of SUBACK stand in the order of the filters [5.0 MQTT-3.9.3-1]',
  (stage) => {
    const client = stage.client('a')
    const wishes = '"a" 02 "denied/a" 01 "b" 00 "1/2/3/4" 01 "c" 01 "denied/b" 02 "a" 00'
    assert.equal(answer(client, `82 * 0001 {} ${wishes}`), '900a000100' + '02 87 00 97 01 87 00'.replaceAll(' ', ''))
  },
  { ...GUARDED, 'max-topic-levels': 3 },
)

scene(
  'SUBACK uses only codes of its table: granted, not authorized, quota exceeded [5.0 MQTT-3.9.3-2]',
  (stage) => {
    const client = stage.client('a')
    assert.equal(answer(client, '82 * 0001 {} "a" 00 "b" 01 "c" 02'), '9006000100000102')
    assert.equal(answer(client, '82 * 0002 {} "d" 00'), '900400020097')
    assert.equal(answer(client, '82 * 0003 {} "denied/a" 00 "1/2/3/4" 00 "a" 01'), '9006000300879701')
  },
  { ...GUARDED, 'max-topic-levels': 3, 'max-subscriptions': 3 },
)

scene(
  'One code for each filter, also where all say the same [U-3.9.3-1]',
  (stage) => {
    const client = stage.client('a')
    assert.equal(answer(client, '82 * 0001 {} "1/2/3" 00 "1/2/4" 00 "1/2/5" 00'), '9006000100979797')
  },
  { 'max-topic-levels': 2 },
)

scene('A SUBACK from a Client is a Protocol Error [5.0 MQTT-3.9.3-2]', (stage) => {
  assertEnds(stage.client('a'), '90 * 0001 {} 00', 0x82)
})
