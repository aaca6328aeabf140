/** What is shown of users, groups, roles and bans, and of what operators use to log in. @module */
import type { Explanation } from '../../access/plugin.ts'
import type { AccessRule, Membership } from '../../access/directory/entries.ts'
import type {
  AccessDifference,
  BanView,
  DefaultAccessView,
  ExplainView,
  GroupView,
  ImportView,
  RoleView,
  UserView,
} from '../../broker/host/access-admin.ts'
import type { ApiKeyView, CreatedApiKey } from '../../broker/host/api-key-views.ts'
import type { AuditView } from '../../broker/host/audit-view.ts'
import type { LoginLinkView, LoginView } from '../../broker/host/login-views.ts'
import { among, bool, integer, list, map, object, orAbsent, text, time, type Fields } from './field.ts'

const effect = among('allow', 'deny')
const role = among('viewer', 'operator', 'administrator')
const version = integer()
const priority = integer(undefined, {})
const texts = { textName: text(), textDescription: text() }
const membership: Fields<Membership> = { name: text(), priority }
const action = among('publish', 'receive', 'subscribe', 'unsubscribe')
const rule: Fields<AccessRule> = { action, effect, topic: text(), priority, literal: bool() }

export const userView: Fields<UserView> = {
  userName: text(),
  version,
  disabled: bool(),
  clientId: orAbsent(text()),
  hasPassword: bool(),
  hasScram: bool(),
  roles: list(object(membership)),
  groups: list(object(membership)),
  ...texts,
}

export const groupView: Fields<GroupView> = { name: text(), version, roles: list(object(membership)), ...texts }

export const roleView: Fields<RoleView> = { name: text(), version, rules: list(object(rule)), ...texts }

export const defaultAccessView: Fields<DefaultAccessView> = {
  publish: effect,
  receive: effect,
  subscribe: effect,
  unsubscribe: effect,
  version,
  anonymousGroup: orAbsent(text()),
}

export const banView: Fields<BanView> = {
  kind: among('client-id', 'user', 'address', 'network'),
  value: text(),
  reason: text(),
  createdAtMs: time(),
  untilMs: orAbsent(time()),
  version,
}

const difference: Fields<AccessDifference> = {
  userName: orAbsent(text()),
  gains: list(text()),
  loses: list(text()),
}

export const importView: Fields<ImportView> = {
  dryRun: bool(),
  added: list(text()),
  changed: list(text()),
  removed: list(text()),
  differences: list(object(difference)),
  differencesInAll: integer(),
  notes: list(text()),
}

const explanation: Fields<Explanation> = {
  plugin: text(),
  decision: among('allow', 'deny', 'no opinion'),
  rule: text(),
}

export const explainView: Fields<ExplainView> = { decision: effect, explanations: list(object(explanation)) }

export const apiKeyView: Fields<ApiKeyView> = {
  keyId: text(),
  name: text(),
  role,
  createdAtMs: time(),
  expiresAtMs: orAbsent(time()),
  lastUsedAtMs: orAbsent(time()),
}

export const createdApiKey: Fields<CreatedApiKey> = { ...apiKeyView, key: text() }

export const auditView: Fields<AuditView> = {
  time: text(),
  who: text(),
  from: text(),
  what: text(),
  parameters: orAbsent(map<object>()),
  status: integer(),
  code: orAbsent(text()),
}

export const loginView: Fields<LoginView> = {
  loginId: text(),
  userName: orAbsent(text()),
  role,
  address: text(),
  createdAtMs: time(),
  lastUsedAtMs: time(),
  expiresAtMs: time(),
}

export const loginLinkView: Fields<LoginLinkView> = { urls: list(text()), expiresAtMs: time() }
