/**
 * Resolves the sections `auth`, `topic-check` and `intercept`: which plugins are used by default, and whether their
 * required options are set.
 *
 * @module
 */
import type { ConfigProblems } from './config-problems.ts'
import { defaultsOf, isSection } from './option-reader.ts'
import type { OptionReader, Values } from './option-reader.ts'
import { toKebab } from './option-spelling.ts'
import type { AuthSettings, InterceptSettings, TopicCheckSettings } from './option-types.ts'
import type { PluginReference } from './option-values.ts'
import type {
  AuthOptions,
  InterceptOptions,
  ListenerOptions,
  TopicCheckOptions,
  UnknownUserNames,
} from './resolved-options.ts'

type PluginSectionName = 'auth' | 'topic-check' | 'intercept'

/** The built-in plugins by section, each with the option that it requires. */
const PLUGIN_NEEDS: Readonly<Record<PluginSectionName, ReadonlyMap<string, string | undefined>>> = {
  auth: new Map([
    ['auth.anonymous', undefined],
    ['auth.certificate', undefined],
    ['auth.file', 'password-file'],
    ['auth.jwt', 'jwt'],
    ['auth.http', 'http'],
    ['auth.scram', 'scram'],
    ['auth.store', undefined],
  ]),
  'topic-check': new Map([
    ['topic_acl', 'acl'],
    ['topic_taboo', undefined],
    ['acl.file', 'acl-file'],
    ['acl.store', undefined],
  ]),
  intercept: new Map(),
}

/** The ancestor's spelling. */
const ALIASES: Readonly<Record<string, string>> = { auth_anonymous: 'auth.anonymous', auth_file: 'auth.file' }

/**
 * Resolves `auth`; `undefined` is the safe default, with which anonymous clients on this machine may log in, unless
 * there are users.
 *
 * @param hasUsers whether users are kept in the broker's store
 * @param others the plugins of the top level, which may answer about logins as well
 */
export function resolveAuth(
  written: unknown,
  hasUsers: boolean,
  listeners: readonly ListenerOptions[],
  others: readonly PluginReference[],
  reader: OptionReader,
  problems: ConfigProblems,
): AuthOptions {
  const allowAnonymousOn = Object.fromEntries(
    listeners.flatMap((listener) =>
      listener.allowAnonymous === undefined ? [] : [[listener.name, listener.allowAnonymous] as const],
    ),
  )
  const values = written === undefined ? { allowAnonymous: !hasUsers } : readSection('auth', written, reader)
  const settings = { ...defaultsOf('auth'), ...values } as unknown as AuthSettings
  const isAnonymousAnywhere = settings.allowAnonymous || Object.values(allowAnonymousOn).includes(true)
  const plugins = settings.plugins ?? [
    ...(hasUsers ? ['auth.store'] : []),
    ...(settings.passwordFile === undefined ? [] : ['auth.file']),
    ...(settings.jwt === undefined ? [] : ['auth.jwt']),
    ...(settings.http === undefined ? [] : ['auth.http']),
    ...(settings.scram === undefined ? [] : ['auth.scram']),
    ...(listeners.every((listener) => listener.certificateUserName === 'off') ? [] : ['auth.certificate']),
    ...(isAnonymousAnywhere ? ['auth.anonymous'] : []),
  ]
  const asked = plugins.map(unalias)
  const pluginsOn = resolvePluginsOn(listeners, asked, problems)
  const unknownOf = (login: readonly PluginReference[]): UnknownUserNames =>
    settings.unknownUserNames ?? ([...login, ...others].every(isAnonymousOrSilent) ? 'as-anonymous' : 'refuse')
  const unknownUserNames = unknownOf(asked)
  const unknownUserNamesOn = Object.fromEntries(
    Object.entries(pluginsOn).map(([name, login]) => [name, unknownOf(login)] as const),
  )
  const unknown = { unknownUserNames, unknownUserNamesOn }
  const options: AuthOptions = { ...settings, ...unknown, allowAnonymousOn, pluginsOn, plugins: asked }
  checkNeeds('auth', options, written, problems)
  warnAboutUnused('auth', options, written, problems)
  warnAboutAnonymous(options, isAnonymousAnywhere, problems)
  if (settings.unknownUserNames === 'as-anonymous' && !isAnonymousAnywhere) {
    problems.warn(['auth', 'unknown-user-names'], 'is not used: no listener admits anonymous clients')
  }
  return options
}

/** Whether clients of that listener may log in without credentials, as far as our own plugins decide. */
export function admitsAnonymous(
  { plugins, pluginsOn, allowAnonymous, allowAnonymousOn }: AuthOptions,
  listener: string,
): boolean {
  const asked = pluginsOn[listener] ?? plugins
  // A plugin with its own options may allow what the section does not.
  if (asked.some((plugin) => typeof plugin === 'object' && 'plugin' in plugin && isAnonymous(plugin.plugin)))
    return true
  return asked.some(isAnonymous) && (allowAnonymousOn[listener] ?? allowAnonymous)
}

function isAnonymous(plugin: unknown): boolean {
  return unalias(plugin) === 'auth.anonymous'
}

/** Plugins of the top level that only log events and do not answer about logins. */
const SILENT: ReadonlySet<string> = new Set(['event_logger_plugin', 'packet_logger_plugin'])

/** It is unknown whether a module answers about logins, so it counts as one that does. */
function isAnonymousOrSilent(reference: PluginReference): boolean {
  if (typeof reference === 'object' && 'name' in reference) return reference.authenticate === undefined
  const named = typeof reference === 'object' ? reference.plugin : reference
  return typeof named === 'string' && (unalias(named) === 'auth.anonymous' || SILENT.has(named))
}

/**
 * The plugins of listeners that do not use all; a plugin that is not in `auth.plugins` is not created and cannot be
 * used.
 */
function resolvePluginsOn(
  listeners: readonly ListenerOptions[],
  plugins: AuthOptions['plugins'],
  problems: ConfigProblems,
): AuthOptions['pluginsOn'] {
  const entries = listeners.flatMap(({ name, authPlugins }) => {
    if (authPlugins === undefined) return []
    const asked = authPlugins.map(unalias)
    for (const [index, plugin] of asked.entries()) {
      if (plugins.includes(plugin)) continue
      const known = plugins.filter((each) => typeof each === 'string').join(', ') || 'none'
      problems.add(
        ['listeners', name, 'auth-plugins', String(index)],
        `is not in \`auth.plugins\`, which lists ${known}`,
      )
    }
    return [[name, asked] as const]
  })
  return Object.fromEntries(entries)
}

/**
 * Resolves `topic-check`.
 *
 * @param hasUsers whether roles and their rules are kept in the broker's store
 */
export function resolveTopicCheck(
  written: unknown,
  hasUsers: boolean,
  reader: OptionReader,
  problems: ConfigProblems,
): TopicCheckOptions {
  const values = readSection('topic-check', written, reader)
  const settings = { ...defaultsOf('topic-check'), ...values } as unknown as TopicCheckSettings
  const plugins = settings.plugins ?? [
    ...(hasUsers ? ['acl.store'] : []),
    ...(settings.acl === undefined ? [] : ['topic_acl']),
    ...(settings.aclFile === undefined ? [] : ['acl.file']),
    ...(settings.taboo === undefined ? [] : ['topic_taboo']),
  ]
  const options: TopicCheckOptions = { ...settings, plugins: plugins.map(unalias) }
  if (!settings.enabled) return options
  checkNeeds('topic-check', options, written, problems)
  warnAboutUnused('topic-check', options, written, problems)
  if (plugins.length === 0) {
    problems.warn(
      ['topic-check'],
      'has no plugin, so every publish and subscribe is denied; set `acl`, or `enabled: off`',
    )
  }
  return options
}

/** Resolves `intercept`. No plugin for it ships with us: keys beside `plugins` are options of those that it lists. */
export function resolveIntercept(written: unknown, reader: OptionReader, problems: ConfigProblems): InterceptOptions {
  const values = readSection('intercept', written, reader)
  const options = { ...defaultsOf('intercept'), ...values } as unknown as InterceptSettings
  if (options.plugins.length === 0) problems.warn(['intercept'], 'has no effect: `intercept.plugins` lists no plugin')
  return options
}

function readSection(section: PluginSectionName, written: unknown, reader: OptionReader): Values {
  const listed = isSection(written) ? written['plugins'] : undefined
  const isForeign = (plugin: unknown) =>
    typeof plugin === 'string' ? !PLUGIN_NEEDS[section].has(unalias(plugin)) : !hasOwnOptions(plugin)
  return reader.read(section, written, [section], Array.isArray(listed) && listed.some(isForeign))
}

function hasOwnOptions(plugin: unknown): boolean {
  return isSection(plugin) && plugin['options'] !== undefined
}

function unalias<Reference>(plugin: Reference): Reference {
  return typeof plugin === 'string' ? ((ALIASES[plugin] ?? plugin) as Reference & string) : plugin
}

function checkNeeds(
  section: 'auth' | 'topic-check',
  options: AuthOptions | TopicCheckOptions,
  written: unknown,
  problems: ConfigProblems,
): void {
  const given = isSection(written) ? Object.keys(written).map(toKebab) : []
  for (const plugin of options.plugins) {
    const need = typeof plugin === 'string' ? PLUGIN_NEEDS[section].get(plugin) : undefined
    if (need === undefined || given.includes(need)) continue
    problems.add([section, need], `is missing; \`${plugin as string}\` requires it`)
  }
}

/**
 * Warns about options of unused plugins. This is never an error, because without the plugin fewer clients are admitted,
 * not more.
 */
function warnAboutUnused(
  section: 'auth' | 'topic-check',
  options: AuthOptions | TopicCheckOptions,
  written: unknown,
  problems: ConfigProblems,
): void {
  const given = isSection(written) ? Object.keys(written).map(toKebab) : []
  for (const [plugin, key] of PLUGIN_NEEDS[section]) {
    if (key === undefined || !given.includes(key) || options.plugins.includes(plugin)) continue
    problems.warn([section, key], `is not used: \`${section}.plugins\` does not list \`${plugin}\``)
  }
}

function warnAboutAnonymous(options: AuthOptions, isAnonymousAnywhere: boolean, problems: ConfigProblems): void {
  if (isAnonymousAnywhere && !options.plugins.includes('auth.anonymous')) {
    problems.warn(['auth', 'allow-anonymous'], 'is not used: `auth.plugins` does not list `auth.anonymous`')
  }
  if (!isAnonymousAnywhere && options.plugins.every((plugin) => plugin === 'auth.anonymous')) {
    problems.warn(['auth'], 'admits no client; set `password-file`, or `allow-anonymous: on`')
  }
}
