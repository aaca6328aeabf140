/**
 * Resolves a configuration as written to the options of the broker: fills in every default, applies inheritance to
 * every listener, and rejects everything that cannot work, all at once.
 *
 *   input ──read by the table──> written values ──inherit──> Options ──checks──> Options, or one ConfigError
 *
 * Order of precedence for a listener: its own key, `listeners.default`, the top level, the default of the table.
 *
 * @module
 */
import { resolve } from 'node:path'
import { ConfigProblems } from './config-problems.ts'
import { show } from '../base/show.ts'
import { resolveAdmin } from './admin-options.ts'
import { resolveBridges } from './bridge-options.ts'
import type { ConfigSource } from './config-problems.ts'
import { checkListener, checkListeners, leavesIpv4, isLoopback } from './listener-checks.ts'
import { defaultsOf, OptionReader } from './option-reader.ts'
import type { Values } from './option-reader.ts'
import { admitsAnonymous, resolveAuth, resolveIntercept, resolveTopicCheck } from './access-options.ts'
import type { PluginReference } from './option-values.ts'
import { describeType, parseBind } from './option-schema.ts'
import { toCamel } from './option-spelling.ts'
import { rowsOf } from './option-table.ts'
import type { ConfigInput } from './config-input.ts'
import type { ListenerOptions, Options } from './resolved-options.ts'

export type { BridgeInput, ConfigInput, ListenerInput, Switch } from './config-input.ts'
export type { BindAddress } from './option-schema.ts'
export type { ReloadChanges } from './option-changes.ts'
export type { ConfigSource } from './config-problems.ts'
export type {
  BansOptions,
  BridgeQueueOptions,
  BridgeSettings,
  ListenerLimits,
  LogOptions,
  PersistenceOptions,
  TelemetryOptions,
  UsersOptions,
} from './option-types.ts'
export type { AccessList, AccessRules, BridgeRule, PluginReference, ServerCertificate } from './option-values.ts'
export type {
  AdminOptions,
  AuthOptions,
  BridgeOptions,
  InterceptOptions,
  ListenerOptions,
  Options,
  TopicCheckOptions,
  UnknownUserNames,
} from './resolved-options.ts'

const DEFAULT_BIND = '127.0.0.1:1883'

/**
 * Resolves a configuration.
 *
 * @param input as written; nothing means the program's default, one listener on 127.0.0.1:1883
 * @param source where it was read from (`loadConfigFile`), so that messages have line and column and relative paths
 * refer to its folder; without it they refer to the working directory
 * @param checkFiles whether files that the configuration names must exist and be readable
 * @throws {ConfigError} `ERR_CONFIG` with `problems`: all errors at once
 *
 * @example
 * resolveOptions().listeners[0].port // 1883
 * resolveOptions({ 'max-qos': 1 }).maxQos // 1
 */
export function resolveOptions(
  input: ConfigInput = {},
  source?: ConfigSource,
  { checkFiles = false }: { readonly checkFiles?: boolean } = {},
): Options {
  const problems = new ConfigProblems(source)
  const baseFolder = source?.folder ?? resolve('.')
  const reader = new OptionReader(problems, baseFolder, checkFiles)
  const {
    listeners,
    auth,
    topicCheck,
    intercept,
    users,
    bans = {},
    persistence,
    log = {},
    admin,
    telemetry,
    bridges,
    ...settings
  } = reader.read('broker', input, [])

  const opened = resolveListeners(listeners, settings, reader, problems, baseFolder)
  const hasUsers = users !== undefined
  const authOptions = resolveAuth(
    auth,
    hasUsers,
    opened,
    (settings['plugins'] ?? []) as PluginReference[],
    reader,
    problems,
  )
  const stored: Values | undefined =
    persistence === undefined
      ? undefined
      : {
          ...persistenceDefaults(baseFolder),
          ...reader.read('persistence', persistence, ['persistence']),
        }
  const own = { ...defaultsOf('broker'), ...settings }
  const options = {
    ...own,
    listeners: opened.map((listener) => ({
      ...listener,
      admitsAnonymous: admitsAnonymous(authOptions, listener.name),
    })),
    auth: authOptions,
    ...((topicCheck !== undefined || hasUsers) && {
      topicCheck: resolveTopicCheck(topicCheck ?? {}, hasUsers, reader, problems),
    }),
    ...(intercept !== undefined && { intercept: resolveIntercept(intercept, reader, problems) }),
    ...(users !== undefined && { users: { ...defaultsOf('users'), ...reader.read('users', users, ['users']) } }),
    bans: { ...defaultsOf('bans'), ...reader.read('bans', bans, ['bans']) },
    ...(stored !== undefined && { persistence: stored }),
    ...(admin !== undefined && { admin: resolveAdmin(admin, stored?.['path'], reader, problems, baseFolder) }),
    ...(telemetry !== undefined && {
      telemetry: { ...defaultsOf('telemetry'), ...reader.read('telemetry', telemetry, ['telemetry']) },
    }),
    log: { ...defaultsOf('log'), ...reader.read('log', log, ['log']) },
    bridges: bridges === undefined ? [] : resolveBridges(bridges, Number(own['maxPacketSize']), reader, problems),
    baseFolder,
    warnings: problems.warnings,
  }
  if (auth === undefined && !hasUsers && !problems.has('auth')) checkSafeStart(opened, problems)
  problems.throwIfAny()
  return options as unknown as Options
}

function persistenceDefaults(baseFolder: string): Values {
  const defaults = defaultsOf('persistence')
  return { ...defaults, path: resolve(baseFolder, defaults['path'] as string) }
}

function resolveListeners(
  written: unknown,
  top: Values,
  reader: OptionReader,
  problems: ConfigProblems,
  baseFolder: string,
): ListenerOptions[] {
  const entries = Object.entries((written ?? { default: {} }) as Values)
  const read = entries.map(([name, own]) => ({ name, own: reader.read('listener', own, ['listeners', name]) }))
  const isOnly = read.length === 1
  const { bind: unusedBind, ...common } = read.find(({ name }) => name === 'default')?.own ?? {}
  if (unusedBind !== undefined && !isOnly) {
    problems.warn(['listeners', 'default', 'bind'], 'is not used: `default` is opened only if it is the only listener')
  }
  const limits = limitKeys()
  const inherited = {
    ...defaultsOf('listener'),
    ...Object.fromEntries(Object.entries(top).filter(([key]) => limits.has(key))),
    ...common,
  }
  const opened = read.filter(({ name }) => isOnly || name !== 'default')
  const listeners = opened.flatMap(({ name, own }) => {
    const place = placeOf(name, own, { ...inherited, ...own }['type'] as string, problems, baseFolder)
    const { bind: _bind, ...values }: Values = { ...inherited, ...own, name, ...place }
    values['clientCertificates'] ??= hasCa(values) ? 'optional' : 'off'
    // A copy, because every message looks something up in it, and an object that was built key by key is slow to read.
    const listener = { ...values } as unknown as ListenerOptions
    checkListener(listener, own, problems)
    return place === undefined ? [] : [listener]
  })
  checkListeners(listeners, problems)
  return listeners.map((listener) => ({ ...listener, ipv6Only: leavesIpv4(listener, listeners) }))
}

function hasCa(values: Values): boolean {
  return [values['cafile'], values['capath'], values['cadata']].some((ca) => ca !== undefined)
}

/** The address of a listener; `undefined` if it is invalid. */
function placeOf(
  name: string,
  own: Values,
  type: string,
  problems: ConfigProblems,
  baseFolder: string,
): Pick<ListenerOptions, 'host' | 'port' | 'path'> | undefined {
  const path = ['listeners', name, 'bind']
  const bind = (own['bind'] ?? (name === 'default' && type !== 'unix' ? DEFAULT_BIND : undefined)) as string | undefined
  if (bind === undefined) {
    const expected = type === 'unix' ? 'the path of its socket' : '`host:port`, such as `127.0.0.1:1883`'
    problems.add(path, `is missing; every listener except \`default\` requires it: ${expected}`)
    return undefined
  }
  if (type === 'unix') return { host: '', port: 0, path: resolve(baseFolder, bind) }
  const address = parseBind(bind)
  if (address !== undefined) return { ...address, path: '' }
  const row = rowsOf('listener').find(({ key }) => key === 'bind')!
  problems.add(path, `must be ${describeType(row)}, got ${show(bind)}`)
  return undefined
}

/** Keys of the top level that also apply to listeners, in camelCase, including those without a default. */
export function limitKeys(): ReadonlySet<string> {
  return new Set(rowsOf('broker').flatMap((row) => (row.scope === 'limits' ? [toCamel(row.key)] : [])))
}

/** Unless the configuration states who may log in, only this machine may connect (the ancestor admitted everyone). */
function checkSafeStart(listeners: readonly ListenerOptions[], problems: ConfigProblems): void {
  for (const listener of listeners) {
    if (listener.allowAnonymous === true || listener.path !== '' || isLoopback(listener.host)) continue
    problems.add(
      ['listeners', listener.name, 'bind'],
      `can be reached from other machines (${listener.host || 'every interface'}), but the configuration does not state who may log in; add one of\n` +
        '  auth: {allow-anonymous: true}\n  auth: {password-file: FILE}',
    )
  }
}
