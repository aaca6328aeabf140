/**
 * The built-in plugins, under all of their names. Each is loaded when a configuration names it, so that unused
 * dependencies (jose, the password hashes, …) cost neither start-up time nor memory.
 *
 * @module
 */
import type { PluginContext, PluginFactory } from '../access/plugin.ts'

const LOADERS: Readonly<Record<string, () => Promise<{ readonly default: PluginFactory }>>> = {
  'auth.anonymous': () => import('./auth-anonymous.ts'),
  'auth.file': () => import('./auth-file.ts'),
  'auth.certificate': () => import('./auth-certificate.ts'),
  'auth.jwt': () => import('./auth-jwt.ts'),
  'auth.http': () => import('./auth-http.ts'),
  'auth.scram': () => import('./auth-scram.ts'),
  'auth.store': () => import('./auth-store.ts'),
  'acl.store': () => import('./acl-store.ts'),
  'acl.file': () => import('./acl-file.ts'),
  topic_acl: () => import('./topic-acl.ts'),
  topic_taboo: () => import('./topic-taboo.ts'),
  event_logger_plugin: () => import('./event-logger.ts'),
  packet_logger_plugin: () => import('./packet-logger.ts'),
}

/** The ancestor's own spelling of two names that its manual writes with a dot. */
const ALIASES = { auth_anonymous: 'auth.anonymous', auth_file: 'auth.file' }

function lazily(load: (typeof LOADERS)[string]): PluginFactory {
  return async (context: PluginContext) => (await load()).default(context)
}

/** The plugins that `createAccess` finds by name. */
export const shippedPlugins: ReadonlyMap<string, PluginFactory> = new Map([
  ...Object.entries(LOADERS).map(([name, load]) => [name, lazily(load)] as const),
  ...Object.entries(ALIASES).map(([alias, name]) => [alias, lazily(LOADERS[name]!)] as const),
])
