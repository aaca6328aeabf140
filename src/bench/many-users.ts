/**
 * 100,000 users and 10,000 roles, for rows that show what they cost a client that has nothing to do with them, and the
 * same rights as a file of rules to compare with. Clients of the benchmark have no user name, and may do everything.
 *
 * @module
 */
const USERS = 100_000
/** With the one of the benchmark, as many as `users.max-roles` allows. */
const ROLES = 9999

/** Where they are kept. */
export type UserPlace = 'store' | 'file'

/** The file that `users.initial-file` reads: the anonymous group lets clients of the benchmark do everything. */
export function manyUsers(): string {
  const rule = (action: string, topic: string) => ({ action, effect: 'allow', topic })
  const everything = ['#', '$SYS/#'].flatMap((topic) => [rule('publish', topic), rule('subscribe', topic)])
  const roles = Array.from({ length: ROLES }, (_, at) => ({
    name: `role-${at}`,
    rules: [rule('publish', `meters/${at}/#`)],
  }))
  const users = Array.from({ length: USERS }, (_, at) => ({ userName: `user-${at}`, roles: [`role-${at % ROLES}`] }))
  return JSON.stringify({
    ...{ format: 'sluice-access', version: 1 },
    defaultAccess: {
      ...{ publish: 'deny', receive: 'allow', subscribe: 'deny', unsubscribe: 'allow' },
      anonymousGroup: 'everybody',
    },
    roles: [{ name: 'everything', rules: everything }, ...roles],
    groups: [{ name: 'everybody', roles: ['everything'] }],
    users,
  })
}

/** The same rights in the format of `acl.file`, which has no roles. */
export function manyRules(): string {
  const users = Array.from({ length: USERS }, (_, at) => `user user-${at}\ntopic write meters/${at % ROLES}/#`)
  return ['topic readwrite #', 'topic readwrite $SYS/#', ...users, ''].join('\n')
}
