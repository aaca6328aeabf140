/** Where one logs in. @module */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { ApiProblem } from '../api/client.ts'
import { logIn, logInByKey } from '../api/logins.ts'
import { Choice, Field, Form, Problem } from '../parts/basics.tsx'
import { Command } from '../parts/command.tsx'
import { problemOf } from '../state/view.ts'
import { texts } from '../texts.ts'

const own = texts.login

/** @param refused why the link that led here was not accepted */
export function Login({ refused }: { readonly refused: ApiProblem | undefined }): JSX.Element {
  const [way, setWay] = useState<keyof typeof own.ways>('password')
  const [userName, setUserName] = useState('')
  const [secret, setSecret] = useState('')
  const [problem, setProblem] = useState(refused)
  const submit = (): void => {
    const done = way === 'key' ? logInByKey(secret.trim()) : logIn({ userName, password: secret })
    done.catch((error: unknown) => setProblem(problemOf(error)))
  }
  return (
    <main class="login">
      <h1>
        <img src="./icon.svg" alt="" width="28" height="28" /> {own.title}
      </h1>
      <Problem problem={problem} />
      <Form action={own.action} onSubmit={submit}>
        <Choice label={own.way} value={way} values={own.ways} onChange={setWay} />
        {way === 'password' && <Field label={own.userName} value={userName} onInput={setUserName} isRequired />}
        <Field label={own.secrets[way]} type="password" value={secret} onInput={setSecret} isRequired />
      </Form>
      <p class="quiet">{own.explanation}</p>
      <Command text={own.command} />
    </main>
  )
}
