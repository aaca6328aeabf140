/** Who may not connect. @module */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { BanView } from '../../../../src/broker/host/access-admin.ts'
import { call } from '../../api/client.ts'
import { time } from '../../format.ts'
import { may } from '../../api/logins.ts'
import { Choice, Field, Form, Problem, Section } from '../../parts/basics.tsx'
import { act, ask } from '../../parts/dialog.tsx'
import { Table } from '../../parts/table.tsx'
import { useView } from '../../state/view.ts'
import { texts } from '../../texts.ts'

const own = texts.access
const MOST = 1000

export function Bans(): JSX.Element {
  const { value, problem, reload } = useView('bans', { limit: MOST })
  const titles = own.banColumns
  const unban = ({ kind, value: banned }: BanView): void =>
    void act(() => call('unban', { kind, value: banned }).then(reload), own.unbanned)
  return (
    <>
      <Problem problem={problem} />
      <Table
        label={own.tabs.bans}
        rows={problem === undefined ? value?.items : []}
        empty={<p>{texts.empty.bans}</p>}
        columns={[
          { title: titles.kind, width: '10rem', cell: ({ kind }) => own.kinds[kind], value: ({ kind }) => kind },
          { title: titles.value, cell: (ban) => ban.value, value: (ban) => ban.value },
          { title: titles.reason, cell: ({ reason }) => reason || '–', needs: 'wide' },
          {
            title: titles.until,
            width: '12rem',
            needs: 'medium',
            cell: ({ untilMs }) => (untilMs === undefined ? own.forEver : time(untilMs)),
          },
          {
            title: titles.action,
            width: '8rem',
            cell: (ban) =>
              may('unban') && (
                <button type="button" class="plain" onClick={() => unban(ban)}>
                  {own.unban}
                </button>
              ),
          },
        ]}
      />
      {may('ban') && <NewBan reload={reload} />}
    </>
  )
}

function NewBan({ reload }: { readonly reload: () => void }): JSX.Element {
  const [kind, setKind] = useState<BanView['kind']>('client-id')
  const [value, setValue] = useState('')
  const [reason, setReason] = useState('')
  const [hours, setHours] = useState('')
  const confirm = (): void =>
    ask({
      title: own.banTitle(value),
      body: own.banBody,
      action: own.ban,
      done: own.banned(value),
      isDangerous: true,
      run: async () => {
        const seconds = hours === '' ? {} : { seconds: Math.round(Number(hours) * 3600) }
        await call('ban', { kind, value, reason, ...seconds })
        setValue('')
        reload()
      },
      undo: () => call('unban', { kind, value }).then(reload),
    })
  return (
    <Section title={own.newBan}>
      <Form action={own.ban} onSubmit={confirm}>
        <Choice label={own.kind} value={kind} values={own.kinds} onChange={setKind} />
        <Field label={own.value} value={value} onInput={setValue} isRequired />
        <Field label={own.reason} value={reason} onInput={setReason} />
        <Field label={own.hours} type="number" value={hours} onInput={setHours} note={own.hoursNote} />
      </Form>
    </Section>
  )
}
