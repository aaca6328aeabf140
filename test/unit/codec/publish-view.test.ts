import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noProperties } from '../../../src/codec/properties.ts'
import { PublishView, readPublish, readPublishProperties, readTopicName } from '../../../src/codec/publish-view.ts'
import { bytesOf, refusalOf } from './packet-bytes.ts'

test('the parts of a PUBLISH are found in the middle of a chunk, and a used view is filled anew', () => {
  const before = bytesOf('c0 *')
  const first = bytesOf('3b * "a/b" 0102 {23 0003} 6869')
  const second = bytesOf('30 * "a" 00')
  const chunk = Buffer.concat([before, first, second])
  const view = new PublishView()

  readPublish(chunk, 0x3b, 4, 2 + first.length, 5, view)
  assert.deepEqual(Object.fromEntries(Object.entries(view)), {
    dup: true,
    qos: 1,
    retain: true,
    topicStart: 6,
    topicEnd: 9,
    packetIdentifier: 0x0102,
    propertiesStart: 12,
    propertiesEnd: 15,
    payloadStart: 15,
    payloadEnd: 17,
  })
  assert.equal(readTopicName(chunk, view.topicStart, view.topicEnd), 'a/b')
  assert.deepEqual(readPublishProperties(chunk, view.propertiesStart, view.propertiesEnd), { topicAlias: 3 })

  readPublish(chunk, 0x30, 19, chunk.length, 5, view)
  assert.deepEqual([view.dup, view.qos, view.retain, view.packetIdentifier], [false, 0, false, 0])
  assert.deepEqual([view.propertiesStart, view.payloadEnd - view.payloadStart], [view.propertiesEnd, 0])
  assert.equal(readPublishProperties(chunk, view.propertiesStart, view.propertiesEnd), noProperties)
})

test('nothing beyond the end of the packet is looked at, though the chunk goes on', () => {
  const bytes = bytesOf('32 * "abc" 0001 {01 01} 68')
  const headEnd = bytes.length - 1
  for (let end = 2; end < headEnd; end++) {
    assert.equal(
      refusalOf(() => readPublish(bytes, 0x32, 2, end, 5, new PublishView())),
      0x81,
    )
  }
  readPublish(bytes, 0x32, 2, headEnd, 5, new PublishView())
})

test('an empty Topic Name passes here: a Topic Alias may stand for it', () => {
  assert.equal(readTopicName(new Uint8Array(0), 0, 0), '')
})
