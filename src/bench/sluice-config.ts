/** The configuration for measuring our broker: everything enabled, nothing denied, limits out of the way. @module */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { moduleUrl } from '../base/module-url.ts'
import type { Durability } from '../stores/store.ts'
import { manyRules, manyUsers, type UserPlace } from './many-users.ts'
import type { Settings } from './workloads.ts'
import type { Target } from './driver/raw-connection.ts'

/** Creates a certificate for this run only. @throws if there is no `openssl` */
async function certificate(folder: string): Promise<{ certfile: string; keyfile: string }> {
  const certfile = join(folder, 'certificate.pem')
  const keyfile = join(folder, 'key.pem')
  const subject = ['-subj', '/CN=localhost', '-days', '2']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyfile]
  await promisify(execFile)('openssl', ['req', '-x509', ...key, ...subject, '-out', certfile])
  return { certfile, keyfile }
}

const passingPlugin = fileURLToPath(moduleUrl('bench/passing-plugin'))

/** How our broker stores in a run, whether a plugin intercepts messages, and where the rights of its users are. */
export interface Storing {
  readonly isIntercepted?: boolean | undefined
  readonly users?: UserPlace | undefined
  readonly durability: Durability
  /** `persistence.max-bytes`: with less space, checkpoints are made sooner. */
  readonly maxBytes?: number | undefined
}

const ACL = ['topic-check:', '  plugins: [topic_acl]', '  acl:', "    anonymous: ['#', '$SYS/#']"]

async function rightsIn(folder: string, users: UserPlace | undefined): Promise<readonly string[]> {
  if (users === undefined) return ACL
  const file = join(folder, 'users')
  await writeFile(file, users === 'store' ? manyUsers() : manyRules())
  if (users === 'file') return ['topic-check:', `  acl-file: ${file}`]
  return ['users:', `  initial-file: ${file}`, 'topic-check:', '  plugins: [acl.store]']
}

/** @param folder for files of this run */
export async function sluiceConfig(
  target: Target,
  folder: string,
  settings: Settings,
  { durability, maxBytes, isIntercepted = false, users }: Storing,
): Promise<string> {
  const secure = target.transport === 'tls' || target.transport === 'wss'
  const files = secure ? await certificate(folder) : undefined
  return [
    'listeners:',
    '  default:',
    `    bind: ${target.host}:${target.port}`,
    `    type: ${target.transport === 'ws' || target.transport === 'wss' ? 'ws' : 'tcp'}`,
    ...(files ? ['    ssl: on', `    certfile: ${files.certfile}`, `    keyfile: ${files.keyfile}`] : []),
    ...Object.entries(settings).map(([key, value]) => `${key}: ${value}`),
    'max-connections: 0',
    'sys-interval: 1',
    'persistence:',
    `  path: ${join(folder, 'data')}`,
    `  durability: ${durability}`,
    ...(maxBytes === undefined ? [] : [`  max-bytes: ${maxBytes}`]),
    ...(isIntercepted ? ['intercept:', `  plugins: [${JSON.stringify(passingPlugin)}]`] : []),
    'auth:',
    '  plugins: [auth.anonymous]',
    '  allow-anonymous: true',
    ...(await rightsIn(folder, users)),
    '',
  ].join('\n')
}
