import assert from 'node:assert/strict'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Plugin } from '../../../src/access/plugin.ts'
import authFile from '../../../src/plugins/auth-file.ts'
import { FILE_LOOK_INTERVAL_MS } from '../../../src/plugins/watched-file.ts'
import { answerOf, CapturedLog, contextOf, decisionOf, ManualClock, requestOf } from './support.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'

const PASSWORD = 'hünter2'

/** Of one password, made by mkpasswd, mosquitto_passwd and an Argon2 library. */
const HASHES = {
  'sha-512-crypt':
    '$6$saltsalt1$bG/GSuzrQe72oxOjE/X2UhoiN/cx3QGeOy88rpTkwp30cM2XHXzw//gsIyCKUJHVqZ90F0IJwXfUcHEWaV2qB0',
  'sha-256-crypt': '$5$saltsalt1$C4L2zNMq5tjvV.AhxJE1JL4MK68LfS5gPiJL0dp/cm.',
  bcrypt: '$2b$05$ouojSHTq3/I.Rphg7jw3GuWpTfuXrHLql4nyo95XDHa7BOyLyZdNe',
  "Mosquitto's $7$":
    '$7$101$9YVYNpjEDYxkOpmX$KVaYiHliM97sdo6l3fT2m6c3nWuiimVOWFTjY5qhJZrg9cCZnG2AanuUXEwpvzr/wYgS7usrmFWTtHmD0+8hSw==',
  "Mosquitto's $6$":
    '$6$QXm8KdpCNYJoIlOd$28FEVdysZpgTzvlVcQKovAtF9wyRYH5BwgCHOaDp7KAx+q86fPauiOgz5c1KQS+OINeWZ7znha0fQ00w/5QilQ==',
  argon2id: '$argon2id$v=19$m=1024,t=1,p=1$sqxmNWO0M/rJPpBTJiTVmQ$ptN49mSYQ8vyXP6stmUz142JvWCiuWqbBvSqQMLoLiQ',
}
const FAST = HASHES["Mosquitto's $6$"]

interface Setup {
  readonly plugin: Plugin
  readonly path: string
  readonly clock: ManualClock
  readonly log: CapturedLog
}

async function setUp(t: TestContext, text: string, options: Record<string, unknown> = {}): Promise<Setup> {
  const folder = scratchFolder()
  const path = join(folder, 'passwords')
  await writeFile(path, text)
  const [clock, log] = [new ManualClock(), new CapturedLog()]
  const context = contextOf({ passwordFile: 'passwords', ...options }, { baseFolder: folder, clock, log })
  const plugin = await authFile(context)
  // The thread does not keep the process alive, and here nothing else does.
  const alive = setInterval(() => undefined, 60_000)
  t.after(async () => {
    clearInterval(alive)
    await plugin.close?.()
  })
  return { plugin, path, clock, log }
}

/** Lets real files be read after the clock has moved. */
async function lookAgain({ clock, log }: Setup): Promise<void> {
  const before = log.lines.length
  clock.advance(FILE_LOOK_INTERVAL_MS)
  while (log.lines.length === before) await new Promise(setImmediate)
}

for (const [kind, hash] of Object.entries(HASHES)) {
  test(`auth.file: ${kind}: the right password is allowed, any other denied`, async (t) => {
    const { plugin } = await setUp(t, `bob:${hash}\n`)
    assert.equal(await decisionOf(plugin, requestOf('bob', PASSWORD)), 'allow')
    for (const wrong of ['', 'hunter2', `${PASSWORD}x`, 'x'.repeat(1025), Buffer.from([0xff])]) {
      assert.equal(await decisionOf(plugin, requestOf('bob', wrong)), 'deny')
    }
  })
}

test('auth.file has no opinion on a name that is not in the file, on none, and on an Authentication Method', async (t) => {
  const { plugin } = await setUp(t, `bob:${FAST}`)
  assert.equal(await decisionOf(plugin, requestOf('eve', PASSWORD)), undefined)
  assert.equal(await decisionOf(plugin, requestOf()), undefined)
  assert.equal(await decisionOf(plugin, requestOf('bob', PASSWORD, { authenticationMethod: 'X' })), undefined)
  assert.equal(await decisionOf(plugin, requestOf('bob')), 'deny')
})

test('auth.file: comments and blank lines count for nothing (C6: a blank line stopped the ancestor)', async (t) => {
  const { plugin } = await setUp(t, `# who\n\n   \r\nbob:${FAST}\r\n\n`)
  assert.equal(await decisionOf(plugin, requestOf('bob', PASSWORD)), 'allow')
})

test('auth.file: an empty name is a name, as mosquitto_passwd writes it; blanks around a name are none of it', async (t) => {
  const { plugin } = await setUp(t, `:${FAST}\n  bob :${FAST}\n`)
  assert.equal(await decisionOf(plugin, requestOf('', PASSWORD)), 'allow')
  assert.equal(await decisionOf(plugin, requestOf('', 'wrong')), 'deny')
  assert.equal(await decisionOf(plugin, requestOf('bob', PASSWORD)), 'allow')
})

const badLines: [title: string, text: string, message: RegExp][] = [
  ['no colon', `bob:${FAST}\nhunter2\n`, /passwords, line 2 does not have the form user:hash/],
  ['no user and no hash', ':hunter2', /line 1 has a hash of an unknown kind/],
  ['a password instead of a hash', '# \n\nbob:hunter2', /line 3 has a hash of an unknown kind/],
  ['a user twice', `bob:${FAST}\n\nbob:${FAST}`, /line 3 repeats the user of line 1/],
]
for (const [title, text, message] of badLines) {
  test(`auth.file: a line with ${title} is an error that names it by number, not by content`, async (t) => {
    await assert.rejects(setUp(t, text), (error: Error) => {
      assert.match(error.message, message)
      assert.doesNotMatch(error.message, /hunter2|\$6\$/)
      return true
    })
  })
}

test('auth.file: without password-file, or with one that is missing, it does not start', async () => {
  await assert.rejects(authFile(contextOf({})), /requires `password-file`/)
  await assert.rejects(authFile(contextOf({ passwordFile: 'nowhere' })), /nowhere cannot be read \(ENOENT\)/)
})

test('auth.file: a file that changes is read again, and the old password ends at once (C6)', async (t) => {
  const setup = await setUp(t, `bob:${FAST}`)
  assert.equal(await decisionOf(setup.plugin, requestOf('bob', PASSWORD)), 'allow')
  await writeFile(`${setup.path}.new`, `bob:${HASHES.bcrypt.replace('ouoj', 'ouok')}\neve:${FAST}\n`)
  await rename(`${setup.path}.new`, setup.path)
  await lookAgain(setup)
  assert.equal(await decisionOf(setup.plugin, requestOf('bob', PASSWORD)), 'deny')
  assert.equal(await decisionOf(setup.plugin, requestOf('eve', PASSWORD)), 'allow')
})

test('auth.file: a change that cannot be read is logged once, and the previous content stays in use', async (t) => {
  const setup = await setUp(t, `bob:${FAST}`)
  await writeFile(setup.path, 'bob:hunter2 and more\n')
  await lookAgain(setup)
  setup.clock.advance(FILE_LOOK_INTERVAL_MS)
  assert.equal(await decisionOf(setup.plugin, requestOf('bob', PASSWORD)), 'allow')
  assert.equal(setup.log.lines.length, 1)
  assert.match(setup.log.lines[0]!, /^error the previous content stays in use: .*line 1 has a hash of an unknown kind/)
  assert.doesNotMatch(setup.log.lines[0]!, /hunter2/)
})

test('auth.file: max-password-checks is how many checks its thread is given at one time; others wait', async (t) => {
  const { plugin } = await setUp(t, `bob:${FAST}`, { maxPasswordChecks: 7 })
  assert.equal(plugin.maxLoginChecks, 7)
  assert.equal((await setUp(t, `bob:${FAST}`)).plugin.maxLoginChecks, 2)
})

test('auth.file: a name that is not in the file costs the same check, which does not count', async (t) => {
  const { plugin } = await setUp(t, `bob:${FAST}`)
  const known = await plugin.authenticate!(requestOf('bob', 'wrong'))
  const unknown = await plugin.authenticate!(requestOf('eve', 'wrong'))
  assert.ok(known?.decision === 'check' && unknown?.decision === 'check')
  assert.deepEqual([known.isDecoy, unknown.isDecoy], [undefined, true])
  assert.equal(await unknown.check(), undefined)
  // Not even the password of the user whose hash stands in.
  assert.equal(await decisionOf(plugin, requestOf('eve', PASSWORD)), undefined)
  assert.equal((await setUp(t, '# nobody')).plugin.authenticate!(requestOf('eve', PASSWORD)), undefined)
})

test('auth.file: a password found right is remembered for a time and answered at once, a wrong one never', async (t) => {
  const { plugin, clock } = await setUp(t, `bob:${FAST}`, { passwordCacheMs: 500 })
  const isLater = async (password: string): Promise<boolean> => {
    const answer = await plugin.authenticate!(requestOf('bob', password))
    await decisionOf(plugin, requestOf('bob', password))
    return answer?.decision === 'check'
  }
  assert.equal(await isLater(PASSWORD), true)
  assert.equal(await isLater(PASSWORD), false)
  assert.equal(await isLater('wrong'), true)
  assert.equal(await isLater('wrong'), true)
  clock.advance(500)
  assert.equal(await isLater(PASSWORD), true)
})

test('auth.file: password-cache-ms 0 remembers nothing', async (t) => {
  const { plugin } = await setUp(t, `bob:${FAST}`, { passwordCacheMs: 0 })
  assert.equal(await decisionOf(plugin, requestOf('bob', PASSWORD)), 'allow')
  assert.equal((await plugin.authenticate!(requestOf('bob', PASSWORD)))?.decision, 'check')
})

test('auth.file: a hash that cannot be used fails its own checks only', async (t) => {
  const unworkable = HASHES.argon2id.replace('m=1024,t=1,p=1', 'm=1,t=0,p=9')
  const { plugin } = await setUp(t, `eve:${unworkable}\nbob:${FAST}`)
  await assert.rejects(answerOf(plugin, requestOf('eve', PASSWORD)), /cannot be used/)
  assert.equal(await decisionOf(plugin, requestOf('bob', PASSWORD)), 'allow')
})

test('auth.file: checks that run when the plugin is closed are rejected, not forgotten', async (t) => {
  const { plugin } = await setUp(t, `bob:${FAST}`)
  const answer = answerOf(plugin, requestOf('bob', PASSWORD))
  await Promise.all([assert.rejects(answer, /closing/), plugin.close?.()])
})
