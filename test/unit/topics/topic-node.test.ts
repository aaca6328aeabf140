import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TopicNode, countChildren, findNode, makeNode, pruneNode } from '../../../src/topics/topic-node.ts'
import { anyTopicName } from './arbitraries.ts'
import fc from '../../support/property.ts'

function countNodes(node: TopicNode<number>): number {
  const { children } = node
  const list = children === undefined ? [] : children instanceof TopicNode ? [children] : [...children.values()]
  assert.equal(list.length, countChildren(node))
  return list.reduce((sum, child) => sum + countNodes(child), 1)
}

test('after any adding and removing the tree has exactly the nodes that its topics need, and knows how many', () => {
  const steps = fc.array(fc.record({ remove: fc.boolean(), topicName: anyTopicName }), { maxLength: 40 })
  fc.assert(
    fc.property(steps, (list) => {
      const root = new TopicNode<number>('')
      const tree = { nodes: 0 }
      const model = new Set<string>()
      for (const { remove, topicName } of list) {
        const node = remove ? findNode(root, topicName) : makeNode(tree, root, topicName)
        if (node !== undefined) node.held = remove ? undefined : 1
        if (remove) pruneNode(tree, root, topicName)
        if (remove) model.delete(topicName)
        else model.add(topicName)
      }
      const needed = new Set<string>(['root'])
      for (const topicName of model) {
        const levels = topicName.split('/')
        for (const index of levels.keys()) needed.add(`root/${levels.slice(0, index + 1).join('/')}`)
      }
      assert.equal(countNodes(root), needed.size)
      assert.equal(tree.nodes, needed.size - 1)
    }),
  )
})

test('pruning leaves alone what is in use and what is not there', () => {
  const root = new TopicNode<number>('')
  const tree = { nodes: 0 }
  makeNode(tree, root, 'a/b').held = 1
  makeNode(tree, root, 'a/b/c').held = 2
  for (const topic of ['a', 'a/b', 'a/b/c', 'x', 'a/x', 'a/b/c/d']) pruneNode(tree, root, topic)
  assert.equal(countNodes(root), 4)
  assert.equal(tree.nodes, 3)
})
