/**
 * What things take in memory besides their texts and bytes: the constants that accounts are charged by. They were measured on
 * Node 20 and rounded up; `test/unit/broker/memory-truth.test.ts` holds them against the real heap.
 *
 * @module
 */

/** An Application Message with its frame and a buffer of its own: some 420 bytes of heap, the rest is the allocator's. */
export const MESSAGE_BYTES = 512

/** A delivery, its place in the queue or in the window, and what the Store remembers of it. */
export const DELIVERY_BYTES = 256

/** A Subscription Identifier of a delivery, which may have thousands of them: in the Session and in the Store. */
export const IDENTIFIER_BYTES = 16

/** The Packet Identifier of a QoS 2 message that was accepted and not released: in the Session and in the Store. */
export const RECEIVED_BYTES = 48

/** A place in the table of what is in flight. */
export const SLOT_BYTES = 8

/** A packet that waits for a commit, besides its bytes. */
export const HELD_BYTES = 128

/** A Topic Alias towards a Client, besides its topic. */
export const ALIAS_BYTES = 64

/** A delivery whose payload is only in the store: a row of numbers, and what the Store remembers of it. */
export const PARKED_BYTES = 128

/** A Session with its registration, its accounts and its record in the Store. */
export const SESSION_BYTES = 1280

/** A Subscription in its Session, in the trie and in the Store; Node 24 takes half as much. */
export const SUBSCRIPTION_BYTES = 400

/** A Subscription that retained messages are owed to. */
export const OWED_BYTES = 256

/** A level of a search for retained messages that waits for its reader: of its filter, or of the way to where it is. */
export const SEARCH_LEVEL_BYTES = 96

/** A retained message's entry, besides the message and its nodes. */
export const RETAINED_BYTES = 192
