/**
 * The memory that objects take besides their texts and bytes: constants by which accounts are charged. They were
 * measured on Node 20 and rounded up; `test/unit/broker/memory-truth.test.ts` compares them with the real heap.
 *
 * @module
 */

/**
 * An Application Message with its frame and a buffer of its own: about 420 bytes of heap; the rest is the allocator's.
 */
export const MESSAGE_BYTES = 512

/** A delivery, its place in the queue or in the window, and its record in the Store. */
export const DELIVERY_BYTES = 256

/** A Subscription Identifier of a delivery, which may have thousands, in the Session and in the Store. */
export const IDENTIFIER_BYTES = 16

/** The Packet Identifier of a QoS 2 message that was accepted and not released, in the Session and in the Store. */
export const RECEIVED_BYTES = 48

/** A slot in the table of messages in flight. */
export const SLOT_BYTES = 8

/** A packet that waits for a commit, besides its bytes. */
export const HELD_BYTES = 128

/** A Topic Alias assigned by the Server, besides its topic. */
export const ALIAS_BYTES = 64

/** A delivery whose payload is only in the store: a row of numbers, and its record in the Store. */
export const PARKED_BYTES = 128

/** A Session with its registration, its accounts and its record in the Store. */
export const SESSION_BYTES = 1280

/** Messages that did not reach a Client, as an entry of its Session, besides their topic. */
export const DROP_BYTES = 112

/** A Subscription in its Session, in the trie and in the Store. */
export const SUBSCRIPTION_BYTES = 256

/** A Subscription for which retained messages are still to be sent. */
export const OWED_BYTES = 256

/** A level of an unfinished search for retained messages: of its filter, or of the path to its present place. */
export const SEARCH_LEVEL_BYTES = 96

/** A retained message's entry, besides the message and its nodes. */
export const RETAINED_BYTES = 192
