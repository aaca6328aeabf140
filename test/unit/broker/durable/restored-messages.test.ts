import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RestoredMessages } from '../../../../src/broker/durable/restored-messages.ts'
import { messageOf } from '../../../support/fake-server.ts'

test('messages are found by number as they were told, in any order, however large the numbers', () => {
  const userOf = (number: number) => (number % 3 === 0 ? `user ${number % 5}` : undefined)
  const messages = new RestoredMessages()
  const numbers = Array.from({ length: 20_000 }, (_, index) => (index * 7919) % 20_011).map((n) => n * 2 ** 20 + 1)
  for (const number of numbers) {
    const names = { topicName: `topic ${number % 100}`, publisher: `publisher ${number % 7}` }
    messages.add(
      { messageNumber: number, ...names, publisherUser: userOf(number), qos: 2, retain: number % 2 === 0 },
      268_435_455,
    )
  }
  for (const number of numbers) {
    const found = messages.find(number)!
    assert.deepEqual(
      [found.messageNumber, found.topicName, found.publisher, found.payloadLength, found.qos, found.retain],
      [number, `topic ${number % 100}`, `publisher ${number % 7}`, 268_435_455, 2, number % 2 === 0],
    )
    assert.equal(found.publisherUser, userOf(number))
    assert.equal(found.isLoaded, false)
  }
  assert.equal(messages.find(3), undefined)
})

test('a message that came whole is given back as it is, to everybody', () => {
  const messages = new RestoredMessages()
  const whole = messageOf({ properties: { contentType: 'text' } })
  whole.messageNumber = 5
  messages.add({ messageNumber: 4, topicName: 'a', publisher: '', qos: 1, retain: false }, 0)
  messages.addWhole(whole)
  assert.equal(messages.find(5), whole)
  assert.equal(messages.find(4)!.topicName, 'a')
})
