/** Controls access to a Unix domain socket: the mode and the group of its file. @module */
import { chmod, chown, readFile } from 'node:fs/promises'
import { ConfigError } from '../base/errors.ts'
import type { ListenerOptions } from '../config/options.ts'

type Access = Pick<ListenerOptions, 'name' | 'path' | 'mode' | 'group'>

/**
 * Sets the mode and the group of a socket's file.
 *
 * @throws {ConfigError} `ERR_LISTENER_ACCESS` if that fails; it names the listener, the option, the cause and the
 * remedy
 */
export async function grantAccess({ name, path, mode, group }: Access): Promise<void> {
  // The group comes first: until it is set, nobody may use the access that the mode grants to its members.
  if (group !== '') {
    const id = await groupId(name, group)
    await chown(path, -1, id).catch((cause: unknown) => {
      throw accessError(
        name,
        `group ${group} cannot be set on ${path}`,
        'run as root or as a member of that group',
        cause,
      )
    })
  }
  // The file belongs to its owner alone at this point; without an explicit mode, its group may use it.
  if (mode === '' && group === '') return
  await chmod(path, parseInt(mode || '660', 8)).catch((cause: unknown) => {
    throw accessError(name, `mode ${mode || '0660'} cannot be set on ${path}`, 'check the folder of the socket', cause)
  })
}

async function groupId(name: string, group: string): Promise<number> {
  if (/^\d+$/.test(group)) return Number(group)
  const text = await readFile('/etc/group', 'utf8').catch((cause: unknown) => {
    throw accessError(name, `group ${group} cannot be looked up in /etc/group`, 'give its number', cause)
  })
  const fields = text.split('\n').map((line) => line.split(':'))
  const id = fields.find(([known]) => known === group)?.[2]
  if (id === undefined)
    throw accessError(name, `there is no group ${group} in /etc/group`, 'correct `group`, or give its number')
  return Number(id)
}

function accessError(name: string, problem: string, wayOut: string, cause?: unknown): ConfigError {
  return new ConfigError('ERR_LISTENER_ACCESS', `Listener \`${name}\`: ${problem}; ${wayOut}`, { cause })
}
