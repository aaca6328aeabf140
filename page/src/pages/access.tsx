/** Who may do what: users, roles with their rules, bans, API keys. @module */
import type { ComponentType, JSX } from 'preact'
import { PageFrame, Tabs } from '../parts/basics.tsx'
import { linkTo, route } from '../state/route.ts'
import { texts } from '../texts.ts'
import { AccessFile } from './access/access-file.tsx'
import { ApiKeys } from './access/api-keys.tsx'
import { DefaultAccess } from './access/default-access.tsx'
import { Explain } from './access/explain.tsx'
import { Groups } from './access/groups.tsx'
import { Logins } from './access/logins.tsx'
import { Bans } from './access/bans.tsx'
import { Roles } from './access/roles.tsx'
import { Users } from './access/users.tsx'

type Tab = keyof typeof texts.access.tabs

const TABS: Readonly<Record<Tab, ComponentType>> = {
  users: Users,
  groups: Groups,
  roles: Roles,
  default: DefaultAccess,
  explain: Explain,
  file: AccessFile,
  bans: Bans,
  keys: ApiKeys,
  logins: Logins,
}

export function Access(): JSX.Element {
  const [, asked = 'users'] = route.value
  const tab: Tab = Object.hasOwn(TABS, asked) ? (asked as Tab) : 'users'
  const Shown = TABS[tab]
  return (
    <PageFrame title={texts.pages.access}>
      <Tabs
        label={texts.access.parts}
        current={tab}
        tabs={texts.access.tabs}
        linkOf={(name) => linkTo('access', name)}
      />
      <Shown />
    </PageFrame>
  )
}
