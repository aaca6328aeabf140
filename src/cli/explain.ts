/**
 * `sluice explain`: shows the rule that decides a question about a topic, without a broker and without connecting a
 * client. @module
 */
import type { AccessExplanation } from '../access/access.ts'
import type { TopicQuestion } from '../access/plugin.ts'
import { withAccess } from './access.ts'
import type { Call } from './command.ts'
import { readConfig } from './config.ts'

/** @returns the exit code: 1 for a deny, for use in scripts */
export async function explain({ options: written, terminal }: Call): Promise<number> {
  const { options: all, source } = readConfig(written['config'])
  const { auth: _, ...options } = all
  const client = {
    clientId: written['client'] ?? '',
    userName: written['user'],
    address: '',
    listener: '',
    protocolVersion: 5,
  } as const
  const question = { client, action: written['action'], topic: written['topic'] } as TopicQuestion
  let code = 0
  await withAccess(options, source, async (access) => {
    const explanation = await access.explain(question)
    terminal.out(answer(question, explanation))
    code = explanation.decision === 'allow' ? 0 : 1
  })
  return code
}

const PHRASES = { publish: 'publish to', subscribe: 'subscribe to', receive: 'receive messages published to' } as const

/** The decision as a sentence, followed by the answer of each plugin. */
function answer({ client, action, topic }: TopicQuestion, { decision, explanations }: AccessExplanation): string {
  const user = client.userName ?? 'an anonymous client'
  const verb = decision === 'allow' ? 'may' : 'may not'
  const reasons = explanations.map(({ plugin, decision: vote, rule }) => `  ${plugin}: ${vote} (${rule})`)
  const lines = reasons.length > 0 ? reasons : ['  no plugin answers about topics, which counts as a deny']
  return [`${user} ${verb} ${PHRASES[action]} ${topic}`, ...lines].join('\n')
}
