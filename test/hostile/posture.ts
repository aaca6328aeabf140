/**
 * How the broker under attack is set up: every door open, users with passwords, data on a disk. The attacker is a user
 * like any other, or nobody at all.
 *
 * @module
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConfigInput } from '../../src/config/options.ts'
import { hashPassword } from '../../src/plugins/password-hash.ts'
import { TestAuthority } from '../support/certificates.ts'

/** What honest Clients publish holds this: nobody else may ever read it. */
export const SECRET = 'honest-secret-5c1e'
/** What the flight recorder may take: an attack fills it, and it keeps that. */
export const RECORDER_BYTES = 2 ** 20
export const HONEST = { userName: 'honest', password: 'of-the-honest' } as const
export const MALLORY = { userName: 'mallory', password: 'of-mallory' } as const

/** Everybody may read and write everything that is not the other's. */
export const RULES: ConfigInput = {
  'topic-check': {
    acl: { [HONEST.userName]: ['honest/#', '$SYS/#'], [MALLORY.userName]: ['m/#', '$SYS/#'], anonymous: ['m/#'] },
  },
}

export interface Posture {
  /** Whether rules keep the attacker from what is not its own. */
  readonly guarded?: boolean
  /** Whether nobody reads the log while the attack goes on. */
  readonly stallsLog?: boolean
  /** Whether the operator reloads the configuration again and again. */
  readonly reloads?: boolean
  /** More of the configuration. */
  readonly config?: ConfigInput
}

/** Writes everything that a broker's configuration names, and the configuration. @returns the path of that */
export async function writeConfig(
  folder: string,
  { guarded = false, config: own = {} }: Posture,
  drawn: ConfigInput = {},
): Promise<string> {
  const config = { ...own, ...drawn }
  const authority = new TestAuthority('Hostile works')
  const { certificate, key } = authority.issue({ subject: [['CN', 'broker']], names: ['IP:127.0.0.1'] })
  const users = [HONEST, MALLORY].map(async ({ userName, password }) => `${userName}:${await hashPassword(password)}\n`)
  const files = { 'cert.pem': certificate, 'key.pem': key, users: (await Promise.all(users)).join('') }
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  const bind = '127.0.0.1:0'
  const whole: ConfigInput = {
    listeners: {
      tcp: { bind },
      tls: { bind, ssl: true, certfile: 'cert.pem', keyfile: 'key.pem' },
      ws: { bind, type: 'ws' },
    },
    persistence: { path: 'data', durability: 'disk' },
    'max-recorder-bytes': RECORDER_BYTES,
    ...(guarded ? RULES : {}),
    ...config,
    auth: { 'password-file': 'users', 'allow-anonymous': true, ...config.auth },
  }
  const path = join(folder, 'sluice.yaml')
  await writeFile(path, JSON.stringify(whole))
  return path
}
