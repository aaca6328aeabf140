/** What the option tests share: a configuration with one key in its place, and the problems it gives. @module */
import assert from 'node:assert/strict'
import { ConfigError } from '../../../src/base/errors.ts'
import type { ConfigProblem } from '../../../src/base/errors.ts'
import type { ConfigSource } from '../../../src/config/config-problems.ts'
import { resolveOptions } from '../../../src/config/options.ts'
import type { ConfigInput, Options } from '../../../src/config/options.ts'
import { toKebab } from '../../../src/config/option-spelling.ts'
import type { OptionRow } from '../../../src/config/option-table.ts'

/** Everything that is wrong with `input`; none if it can work. */
export function problemsOf(input: unknown, source?: ConfigSource): readonly ConfigProblem[] {
  try {
    resolveOptions(input as ConfigInput, source)
    return []
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    assert.equal(error.code, 'ERR_CONFIG')
    return error.problems
  }
}

/** The message about `path`. Fails when there is none. */
export function messageAt(input: unknown, path: string): string {
  const problems = problemsOf(input)
  const problem = problems.find((candidate) => candidate.path === path)
  assert.ok(problem, `no problem at ${path}, but ${JSON.stringify(problems)}`)
  return problem.message
}

/** Where the keys of each scope stand. */
const SECTIONS: Readonly<Record<OptionRow['scope'], readonly string[]>> = {
  broker: [],
  limits: [],
  listener: ['listeners', 'default'],
  auth: ['auth'],
  'auth.jwt': ['auth', 'jwt'],
  'auth.http': ['auth', 'http'],
  'auth.scram': ['auth', 'scram'],
  'topic-check': ['topic-check'],
  intercept: ['intercept'],
  users: ['users'],
  bans: ['bans'],
  persistence: ['persistence'],
  log: ['log'],
  admin: ['admin'],
  'admin.openid': ['admin', 'openid'],
  telemetry: ['telemetry'],
  bridge: ['bridges', 'cloud'],
  'bridge.queue': ['bridges', 'cloud', 'queue'],
}

/** What a section cannot do without. */
const REQUIRED: Readonly<Partial<Record<OptionRow['scope'], object>>> = {
  'admin.openid': { issuer: 'https://login.example', audience: 'sluice', roles: {} },
}

/** A configuration in which nothing but these keys stands, in the section of `row`. */
export function configOf(row: OptionRow, keys: Readonly<Record<string, unknown>>): unknown {
  return SECTIONS[row.scope].reduceRight<unknown>((inner, section) => ({ [section]: withNeeds(section, inner) }), {
    ...REQUIRED[row.scope],
    ...keys,
  })
}

/** A bridge needs an address and a name. */
function withNeeds(section: string, keys: unknown): unknown {
  if (section !== 'cloud') return keys
  const isNamed = Object.keys(keys as object).some((key) => toKebab(key) === 'client-id')
  return { url: 'mqtt://127.0.0.1', ...(!isNamed && { 'client-id': 'plant' }), ...(keys as object) }
}

export function pathOf(row: OptionRow, key = row.key): string {
  return [...SECTIONS[row.scope], key].join('.')
}

/** The resolved section that `row` belongs to. */
export function sectionOf(row: OptionRow, options: Options): Readonly<Record<string, unknown>> {
  const sections: Readonly<Record<OptionRow['scope'], object | undefined>> = {
    broker: options,
    limits: options,
    listener: options.listeners[0],
    auth: options.auth,
    'auth.jwt': options.auth.jwt,
    'auth.http': options.auth.http,
    'auth.scram': options.auth.scram,
    'topic-check': options.topicCheck,
    intercept: options.intercept,
    users: options.users,
    bans: options.bans,
    persistence: options.persistence,
    log: options.log,
    admin: options.admin,
    'admin.openid': options.admin?.openid,
    telemetry: options.telemetry,
    bridge: options.bridges[0],
    'bridge.queue': options.bridges[0]?.queue,
  }
  return sections[row.scope] as Readonly<Record<string, unknown>>
}
