/** Who is logged in here with a browser. @module */
import type { JSX } from 'preact'
import type { LoginView } from '../../../../src/broker/host/login-views.ts'
import { call } from '../../api/client.ts'
import { ago, time } from '../../format.ts'
import { Problem } from '../../parts/basics.tsx'
import { ask } from '../../parts/dialog.tsx'
import { Table } from '../../parts/table.tsx'
import { useView } from '../../state/view.ts'
import { texts } from '../../texts.ts'

const own = texts.access

export function Logins(): JSX.Element {
  const { value, problem, reload } = useView('logins', {})
  const titles = own.loginColumns
  const end = ({ loginId, userName }: LoginView): void =>
    ask({
      title: own.endLoginTitle(userName ?? own.link),
      body: own.endLoginBody,
      action: own.endLogin,
      done: own.endedLogin,
      isDangerous: true,
      run: () => call('endLogin', { loginId }).then(reload),
    })
  return (
    <>
      <Problem problem={problem} />
      <Table
        label={own.tabs.logins}
        rows={problem === undefined ? value : []}
        empty={<p>{texts.empty.logins}</p>}
        columns={[
          { title: titles.user, cell: ({ userName }) => userName ?? own.link, value: ({ userName }) => userName },
          { title: titles.role, width: '8rem', cell: ({ role }) => role },
          { title: titles.address, cell: ({ address }) => address, needs: 'medium' },
          { title: titles.used, width: '8rem', needs: 'medium', cell: ({ lastUsedAtMs }) => ago(lastUsedAtMs) },
          { title: titles.expires, width: '12rem', needs: 'wide', cell: ({ expiresAtMs }) => time(expiresAtMs) },
          {
            title: titles.action,
            width: '5rem',
            cell: (login) => (
              <button type="button" class="plain" onClick={() => end(login)}>
                {own.endLogin}
              </button>
            ),
          },
        ]}
      />
    </>
  )
}
