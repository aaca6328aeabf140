/**
 * `sluice explain`: shows the rule that decides a question about a topic, without a broker and without connecting a
 * client. @module
 */
import { resolve } from 'node:path'
import type { AccessExplanation } from '../access/access.ts'
import type { TopicQuestion } from '../access/plugin.ts'
import { UsageError } from '../base/errors.ts'
import { printable } from '../base/printable.ts'
import { messageOf } from '../base/thrown.ts'
import type { ImportView } from '../broker/host/access-admin.ts'
import { withAccess } from './access.ts'
import type { Call } from './command.ts'
import { readConfig } from './config.ts'
import { apiOf } from './operator/broker-door.ts'
import { importLines } from './operator/import-lines.ts'
import { parseRules, readRules, rulesChangeLines } from './rules-change.ts'

/** @returns the exit code: 1 for a deny, for use in scripts */
export async function explain(call: Call): Promise<number> {
  const { action, topic, rules } = call.options
  if (rules !== undefined && action === undefined && topic === undefined) return explainChange(call, rules)
  for (const [name, value] of Object.entries({ action, topic })) {
    if (value === undefined) throw new UsageError(`\`sluice explain\` requires --${name}, or --rules FILE alone.`)
  }
  return explainQuestion(call)
}

/** Who would gain and lose what under new rules. */
async function explainChange({ options: written, terminal }: Call, path: string): Promise<number> {
  const text = readRules(path)
  if (text.trimStart().startsWith('{')) {
    const file = parsedFile(path, text)
    const view = await apiOf({ options: { config: written['config'] } }).call('importAccess', { file, dryRun: true })
    for (const line of importLines(view as ImportView)) terminal.out(line)
    return 0
  }
  const { options } = readConfig(written['config'])
  const inUse = (options.topicCheck as { readonly aclFile?: string } | undefined)?.aclFile
  if (inUse === undefined) {
    throw new UsageError(`${written['config']} has no topic-check.acl-file with which ${path} could be compared.`)
  }
  const before = resolve(options.baseFolder, inUse)
  const lines = rulesChangeLines(parseRules(before, readRules(before)), parseRules(path, text))
  for (const line of lines) terminal.out(printable(line))
  return 0
}

function parsedFile(path: string, text: string): object {
  try {
    return JSON.parse(text) as object
  } catch (error) {
    throw new UsageError(`${path} is neither a file of rules nor JSON: ${messageOf(error)}.`, { cause: error })
  }
}

/** @returns the same configuration with other rules of acl.file */
function withRules<All extends { readonly topicCheck?: unknown }>(options: All, path: string | undefined): All {
  if (path === undefined) return options
  parseRules(path, readRules(path))
  return { ...options, topicCheck: { ...(options.topicCheck as object), aclFile: resolve(path) } }
}

async function explainQuestion({ options: written, terminal }: Call): Promise<number> {
  const { options: all, source } = readConfig(written['config'])
  const { auth: _, ...options } = withRules(all, written['rules'])
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
