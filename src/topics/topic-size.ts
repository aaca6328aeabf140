/**
 * The memory of a topic in a tree, for the account of the client that added it.
 *
 * The broker counts the existing nodes (`TopicTrie.nodes`, `TopicMap.nodes`). They have no single owner: topics share
 * their first levels, and a node stays as long as any topic leads through it. Each topic is therefore charged for one
 * node, and for every level beyond the usual depth, which is how a tree can be made large.
 *
 * @module
 */
import { sizeOfText } from '../base/memory-account.ts'
import { countTopicLevels } from './topic-name.ts'

/** A node: the object, the text of its level, and its entry in the Map of its parent. */
export const NODE_BYTES = 96

/** The number of Topic Levels that count as one node. */
const USUAL_LEVELS = 8

/** Bytes of memory for a Topic Name or Topic Filter, including its nodes. */
export function sizeInTree(topic: string): number {
  return sizeOfText(topic) + NODE_BYTES * Math.max(1, countTopicLevels(topic) - USUAL_LEVELS + 1)
}
