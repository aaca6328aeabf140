/**
 * Completion reads the table that `--help` prints. Each shell that is installed completes with the script in a process
 * of its own; bash is on every machine that runs these tests.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { commands } from '../../../src/cli/commands.ts'
import { completionTable } from '../../../src/cli/completion/completion-table.ts'
import { root } from '../../../tools/main.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { sluiceHere } from './cli-support.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof SHELLS)[number]

const isInstalled = (shell: Shell): boolean => spawnSync(shell, ['-c', 'true']).status === 0

/** Prints one candidate a line for the words of `$@`, of which the last one is being typed. */
const DRIVERS: Readonly<Record<Shell, (script: string, words: readonly string[]) => readonly string[]>> = {
  bash: (script, words) => [
    ...['--norc', '--noprofile', '-c'],
    `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sluice; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ...['bash', ...words],
  ],
  // The functions of zsh's own completion, which needs a terminal, print what they would offer.
  zsh: (script, words) => [
    ...['-f', '-c'],
    `compdef() { :; }; _files() { print -l -- *(N); }; compadd() { shift; print -l -- "$@"; }
_describe() { print -l -- "\${(@)\${(P@)@[-1]}%%:*}"; }
${script}
words=("$@"); CURRENT=$#; PREFIX=$words[-1]; _sluice`,
    ...['zsh', ...words],
  ],
  fish: (script, words) => ['--no-config', '-c', `${script}\ncomplete -C ${JSON.stringify(words.join(' '))}`],
}

/** fish makes folders for its settings. */
const home = scratchFolder()

const scripts = new Map<Shell, string>()
for (const shell of SHELLS) scripts.set(shell, (await sluiceHere(['completion', shell])).out)

function complete(shell: Shell, ...words: readonly string[]): string[] {
  const args = DRIVERS[shell](scripts.get(shell)!, ['sluice', ...words])
  const env = { PATH: process.env['PATH'], LANG: 'C.UTF-8', HOME: home }
  const { stdout, stderr } = spawnSync(shell, args, { cwd: root, encoding: 'utf8', env })
  assert.equal(stderr, '')
  const typed = words.at(-1)!
  const offered = stdout.split('\n').flatMap((line) => line.split('\t')[0] || [])
  return offered.filter((word) => word.startsWith(typed))
}

test('completion covers every command and option of the help', async () => {
  const table = completionTable(commands)
  for (const { name } of commands) {
    const { options } = table.find((row) => row.name === name)!
    const { out } = await sluiceHere(['help', name])
    const section = out.slice(out.indexOf('\nOptions\n'), out.lastIndexOf('\nExamples\n'))
    const shown = [...section.matchAll(/^ {2}((?:-\w, )?--[\w-]+|-\w)(?= |$)/gm)].flatMap(([, names]) =>
      names!.split(', '),
    )
    assert.deepEqual(options.flatMap(({ names }) => names).toSorted(), shown.toSorted(), name)
  }
})

test('an action that completion offers is one that the help describes', () => {
  for (const { name, details, actions = [] } of commands) {
    for (const action of actions) assert.match(details, new RegExp(`\\b${action}\\b`), `${name} ${action}`)
  }
})

test('completion offers all actions of store and admin', async () => {
  for (const name of ['store', 'admin']) {
    const { err } = await sluiceHere([name, 'frobnicate'])
    const { actions = [] } = commands.find((command) => command.name === name)!
    assert.deepEqual(actions.toSorted(), / are (.+); got/.exec(err)![1]!.split(', ').toSorted())
  }
})

test('another shell is wrong usage', async () => {
  const { code, out, err } = await sluiceHere(['completion', 'tcsh'])
  assert.deepEqual([code, out], [2, ''])
  assert.match(err, /supports bash, zsh, fish; got tcsh/)
})

for (const shell of SHELLS) {
  const skip = isInstalled(shell) ? false : `${shell} is not installed`

  test(`${shell} completes commands`, { skip }, () => {
    assert.deepEqual(complete(shell, 'sta').toSorted(), ['start', 'status'])
    const all = [...commands.map(({ name }) => name), 'help'].toSorted()
    assert.deepEqual(
      complete(shell, '')
        .filter((word) => !word.startsWith('-'))
        .toSorted(),
      all,
    )
  })

  test(`${shell} completes the commands that help takes`, { skip }, () => {
    assert.deepEqual(complete(shell, 'help', 'pro'), ['probe'])
  })

  test(`${shell} completes the options of a command`, { skip }, () => {
    assert.deepEqual(complete(shell, 'start', '--').toSorted(), ['--config', '--help', '--log-level', '--repair'])
    assert.deepEqual(complete(shell, 'sub', '--retain').toSorted(), [
      ...['--retain-as-published', '--retain-handling', '--retained-only'],
    ])
  })

  test(`${shell} completes the values of an option`, { skip }, () => {
    assert.deepEqual(complete(shell, 'start', '--log-level', 'w'), ['warn'])
    assert.deepEqual(complete(shell, 'explain', '--action', 'p'), ['publish'])
    assert.deepEqual(complete(shell, 'sub', '-t', ''), [])
  })

  test(`${shell} completes actions`, { skip }, () => {
    assert.deepEqual(complete(shell, 'store', 'c'), ['compact'])
    assert.deepEqual(complete(shell, 'context', '').toSorted(), ['add', 'ls', 'rm', 'use'])
    assert.deepEqual(complete(shell, 'completion', 'f'), ['fish'])
  })

  test(`${shell} completes files, as values and as arguments`, { skip }, () => {
    assert.deepEqual(complete(shell, 'check', '--config', 'compose'), ['compose.yaml'])
    assert.deepEqual(complete(shell, 'pub', '-f', 'compose'), ['compose.yaml'])
    assert.deepEqual(complete(shell, 'simulate', 'compose'), ['compose.yaml'])
  })
}

test('bash completes a value after an equals sign, which it takes for a word', () => {
  assert.deepEqual(complete('bash', 'start', '--log-level', '=', 'e'), ['error'])
})

test('bash asks the script about sluice', () => {
  const { stdout } = spawnSync('bash', ['--norc', '-c', `${scripts.get('bash')}\ncomplete -p sluice`], {
    encoding: 'utf8',
  })
  assert.equal(stdout, 'complete -F _sluice sluice\n')
})
