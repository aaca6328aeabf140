/** What holds where no rule of a role applies. @module */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { DefaultAccessView } from '../../../../src/broker/host/access-admin.ts'
import { call } from '../../api/client.ts'
import { may } from '../../api/logins.ts'
import { Choice, Facts, Field, Form, Problem } from '../../parts/basics.tsx'
import { ask } from '../../parts/dialog.tsx'
import { useView } from '../../state/view.ts'
import { texts } from '../../texts.ts'

const own = texts.access
const ACTIONS = ['publish', 'subscribe', 'receive', 'unsubscribe'] as const

type Wanted = Pick<DefaultAccessView, (typeof ACTIONS)[number]> & { readonly anonymousGroup: string }

export function DefaultAccess(): JSX.Element {
  const { value, problem, reload } = useView('defaultAccess', {}, 0)
  return (
    <>
      <Problem problem={problem} />
      <p class="quiet">{own.defaultNote}</p>
      {value && problem === undefined && (
        <div class="spaced">
          {may('putDefaultAccess') ? (
            <Change key={value.version} before={value} reload={reload} />
          ) : (
            <Facts
              rows={[
                ...ACTIONS.map((action) => [own.defaultActions[action], value[action]] as const),
                [own.anonymousGroup, value.anonymousGroup],
              ]}
            />
          )}
        </div>
      )}
    </>
  )
}

function Change({ before, reload }: { readonly before: DefaultAccessView; readonly reload: () => void }): JSX.Element {
  const { publish, subscribe, receive, unsubscribe, anonymousGroup = '' } = before
  const old: Wanted = { publish, subscribe, receive, unsubscribe, anonymousGroup }
  const [wanted, setWanted] = useState(old)
  const changes = changesBetween(old, wanted)
  const put = (values: Wanted): Promise<void> => call('putDefaultAccess', values).then(reload)
  const confirm = (): void =>
    ask({
      title: own.defaultTitle,
      body: (
        <ul class="plain-list">
          {changes.map((change) => (
            <li key={change}>{change}</li>
          ))}
        </ul>
      ),
      action: own.save,
      done: own.changed,
      isDangerous: true,
      run: () => put(wanted),
      undo: () => put(old),
    })
  return (
    <Form action={own.save} isBusy={changes.length === 0} onSubmit={confirm}>
      {ACTIONS.map((action) => (
        <Choice
          key={action}
          label={own.defaultActions[action]}
          value={wanted[action]}
          values={own.effects}
          onChange={(effect) => setWanted({ ...wanted, [action]: effect })}
        />
      ))}
      <Field
        label={own.anonymousGroup}
        value={wanted.anonymousGroup}
        onInput={(group) => setWanted({ ...wanted, anonymousGroup: group })}
        note={own.anonymousNote}
      />
    </Form>
  )
}

/** What will happen, a sentence for each. */
function changesBetween(old: Wanted, wanted: Wanted): readonly string[] {
  const effects = ACTIONS.filter((action) => old[action] !== wanted[action])
  return [
    ...effects.map((action) => own.defaultChanges[wanted[action]](own.ruleActions[action])),
    ...(old.anonymousGroup === wanted.anonymousGroup ? [] : [own.anonymousChange(wanted.anonymousGroup)]),
  ]
}
