/** Everything about users, groups and roles as one file: saved, compared with what holds, taken over. @module */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { AccessDifference, ImportView } from '../../../../src/broker/host/access-admin.ts'
import { ApiProblem, call } from '../../api/client.ts'
import { may } from '../../api/logins.ts'
import { count } from '../../format.ts'
import { Choice, Form, Problem, Section } from '../../parts/basics.tsx'
import { ask } from '../../parts/dialog.tsx'
import { saveAs } from '../../parts/save.ts'
import { problemOf } from '../../state/view.ts'
import { texts } from '../../texts.ts'

const own = texts.access.file
/** Of those who gain or lose something. */
const MOST = 200

interface Compared {
  readonly file: object
  readonly replace: boolean
  readonly view: ImportView
}

export function AccessFile(): JSX.Element {
  const [problem, setProblem] = useState<ApiProblem>()
  const save = (): void =>
    void call('exportAccess', {}).then(
      (file) => saveAs(new Blob([`${JSON.stringify(file, undefined, 2)}\n`]), 'access.json'),
      (error: unknown) => setProblem(problemOf(error)),
    )
  if (!may('importAccess')) return <p class="quiet">{own.forbidden}</p>
  return (
    <>
      <Problem problem={problem} />
      <p class="quiet">{own.hint}</p>
      <p class="spaced">
        <button type="button" onClick={save}>
          {own.save}
        </button>
      </p>
      <Compare />
    </>
  )
}

function Compare(): JSX.Element {
  const [chosen, setChosen] = useState<File>()
  const [rest, setRest] = useState<keyof typeof own.rests>('keep')
  const [compared, setCompared] = useState<Compared>()
  const [problem, setProblem] = useState<ApiProblem>()
  const compare = async (): Promise<void> => {
    try {
      const file = contentOf(await chosen!.text())
      const replace = rest === 'remove'
      setCompared({ file, replace, view: await call('importAccess', { file, replace, dryRun: true }) })
      setProblem(undefined)
    } catch (error) {
      setCompared(undefined)
      setProblem(problemOf(error))
    }
  }
  return (
    <Section title={own.compareTitle}>
      <Form action={own.compare} isBusy={chosen === undefined} onSubmit={() => void compare()}>
        <label class="field">
          <span>{own.file}</span>
          <input
            type="file"
            accept=".json,application/json"
            onChange={(event) => {
              setChosen(event.currentTarget.files?.[0])
              setCompared(undefined)
            }}
          />
        </label>
        <Choice label={own.rest} value={rest} values={own.rests} onChange={setRest} />
      </Form>
      <Problem problem={problem} />
      {compared && <Differences compared={compared} done={() => setCompared(undefined)} />}
    </Section>
  )
}

function Differences({ compared, done }: { readonly compared: Compared; readonly done: () => void }): JSX.Element {
  const { added, changed, removed, differences, differencesInAll, notes } = compared.view
  const isSame = added.length + changed.length + removed.length === 0
  return (
    <div role="status">
      {isSame ? <p>{own.same}</p> : <Entries view={compared.view} />}
      {notes.map((note) => (
        <p class="quiet" key={note}>
          {note}
        </p>
      ))}
      {!isSame && differences.length === 0 && <p class="quiet">{own.nobody}</p>}
      {differences.length > 0 && (
        <ul class="answer" aria-label={own.differences}>
          {differences.slice(0, MOST).map((one) => (
            <Difference key={one.userName ?? ''} difference={one} />
          ))}
        </ul>
      )}
      {differencesInAll > MOST && <p class="quiet">{own.more(differencesInAll - MOST)}</p>}
      {!isSame && (
        <p class="spaced">
          <button type="button" class="danger" onClick={() => confirm(compared, done)}>
            {own.take}
          </button>
        </p>
      )}
    </div>
  )
}

function Entries({ view: { added, changed, removed } }: { readonly view: ImportView }): JSX.Element {
  const lists = { added, changed, removed }
  return (
    <dl class="facts spaced">
      {(['added', 'changed', 'removed'] as const)
        .filter((name) => lists[name].length > 0)
        .map((name) => (
          <div key={name}>
            <dt>{own.lists[name]}</dt>
            <dd>{shortList(lists[name])}</dd>
          </div>
        ))}
    </dl>
  )
}

function Difference({
  difference: { userName, gains, loses },
}: {
  readonly difference: AccessDifference
}): JSX.Element {
  return (
    <li>
      <p>
        <b>{userName ?? own.anonymous}</b>
      </p>
      {gains.map((rule) => (
        <Rule key={rule} sign={own.gains} rule={rule} isMore={!isDeny(rule)} />
      ))}
      {loses.map((rule) => (
        <Rule key={rule} sign={own.loses} rule={rule} isMore={isDeny(rule)} />
      ))}
    </li>
  )
}

/** Who loses a `deny` may do more. */
function Rule({
  sign,
  rule,
  isMore,
}: {
  readonly sign: string
  readonly rule: string
  readonly isMore: boolean
}): JSX.Element {
  return (
    <p class={isMore ? 'good' : 'bad'}>
      <span class="sign">{sign}</span> <code>{rule}</code>
    </p>
  )
}

function isDeny(rule: string): boolean {
  return rule.startsWith('deny ')
}

/** The undo takes over what held before, as far as a file without passwords can. */
function confirm({ file, replace, view }: Compared, done: () => void): void {
  let before: object | undefined
  ask({
    title: own.takeTitle,
    body: own.takeBody(view.added.length, view.changed.length, view.removed.length, view.differencesInAll),
    action: own.takeAction,
    done: own.taken,
    isDangerous: true,
    run: async () => {
      before = await call('exportAccess', {})
      await call('importAccess', { file, replace })
      done()
    },
    undo: () => call('importAccess', { file: before!, replace: true }),
  })
}

function shortList(entries: readonly string[]): string {
  const shown = entries.slice(0, 20).join(', ')
  return entries.length > 20 ? own.andMore(shown, count(entries.length - 20)) : shown
}

/** @throws {ApiProblem} */
function contentOf(text: string): object {
  try {
    return JSON.parse(text) as object
  } catch {
    throw new ApiProblem(0, 'FILE', own.notJson)
  }
}
