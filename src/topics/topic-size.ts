/**
 * What a topic takes in a tree, for the account of whoever brought it.
 *
 * The broker counts the nodes that there are (`TopicTrie.nodes`, `TopicMap.nodes`). Whose they are cannot be said: topics have
 * their first levels in common, and a node stays as long as anything leads through it. So each topic pays for one node and for
 * every level beyond the usual depth, which is where trees can be made large.
 *
 * @module
 */
import { sizeOfText } from '../base/memory-account.ts'
import { countTopicLevels } from './topic-name.ts'

/** A node: the object, the text of its level, and its place in the Map of its parent. */
export const NODE_BYTES = 96

/** Topic Levels that count as one node. */
const USUAL_LEVELS = 8

/** Bytes of memory for a Topic Name or Topic Filter with its nodes. */
export function sizeInTree(topic: string): number {
  return sizeOfText(topic) + NODE_BYTES * Math.max(1, countTopicLevels(topic) - USUAL_LEVELS + 1)
}
