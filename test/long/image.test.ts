/**
 * The Dockerfile without an engine: each of its steps is done in a plain root of its own, in which the system's
 * programs are mounted in the place of the base image. Then its command runs as it would there: as process 1 of a
 * namespace, as that user, with a root that cannot be written, and its health check beside it. Needs Linux, root (or
 * sudo without a password) and the registry.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { freePort } from '../../src/bench/process.ts'
import { root } from '../../tools/main.ts'

/** What of the machine is the base image: never written. */
const BASE = [
  'usr',
  'bin',
  'sbin',
  'lib',
  'lib64',
  'etc/ssl',
  'etc/alternatives',
  'etc/resolv.conf',
  'etc/hosts',
  'etc/nsswitch.conf',
  'etc/ld.so.cache',
  'dev',
]

interface Step {
  readonly keyword: string
  readonly rest: string
}

interface Stage {
  readonly folder: string
  workdir: string
  user: string
  readonly environment: Record<string, string>
  entrypoint: string[]
  command: string[]
  healthcheck: string[]
  volume: string
}

function readSteps(): Step[] {
  const text = readFileSync(join(root, 'Dockerfile'), 'utf8')
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [keyword = '', ...rest] = line.split(' ')
      return { keyword, rest: rest.join(' ') }
    })
}

/** What npm has downloaded before, so that the registry is asked for the rest only. */
const NPM_CACHE = spawnSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).stdout.trim()

const asRoot = process.getuid?.() === 0 ? [] : ['sudo', '-n', '-E']

/** A command line that runs `argv` inside a stage: in namespaces of its own, which take all mounts with them. */
function inside(stage: Stage, argv: readonly string[], { isFrozen = false } = {}): readonly string[] {
  const { folder } = stage
  const mounts = BASE.filter((path) => existsSync(`/${path}`)).map(
    (path) =>
      `mount --rbind '/${path}' '${folder}/${path}'${path === 'dev' ? '' : ` && mount -o remount,bind,ro '${folder}/${path}'`}`,
  )
  const freeze = isFrozen
    ? [
        `mount --bind '${folder}${stage.volume}' '${folder}${stage.volume}'`,
        `mount -o remount,bind,ro '${folder}' '${folder}'`,
      ]
    : []
  const script = [
    'mount --make-rprivate /',
    `mount --bind '${folder}' '${folder}'`,
    `cd '${folder}'`,
    ...mounts,
    ...(existsSync(NPM_CACHE)
      ? [`mkdir -p '${folder}/tmp/.npm'`, `mount --bind '${NPM_CACHE}' '${folder}/tmp/.npm'`]
      : []),
    `mount -t proc proc '${folder}/proc'`,
    ...freeze,
    `exec chroot --userspec='${stage.user}' '${folder}' /usr/bin/env -i ${environmentOf(stage)} /bin/sh -c 'cd "$0" && exec "$@"' '${stage.workdir}' "$@"`,
  ].join(' && ')
  return [...asRoot, 'unshare', '--mount', '--pid', '--fork', '--kill-child', '/bin/sh', '-c', script, 'sh', ...argv]
}

function environmentOf({ environment }: Stage): string {
  const all: Record<string, string> = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/tmp',
    npm_config_prefer_offline: 'true',
    ...environment,
  }
  const { NODE_EXTRA_CA_CERTS: certificates } = process.env
  if (certificates !== undefined) all['NODE_EXTRA_CA_CERTS'] = certificates
  return Object.entries(all)
    .map(([name, value]) => `'${name}=${value}'`)
    .join(' ')
}

function run([program, ...args]: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8', timeout: 200_000 })
  assert.equal(status, 0, `${args.slice(-3).join(' ')}\n${stdout}${stderr}`)
}

function newStage(folder: string): Stage {
  for (const path of [...BASE, 'proc', 'tmp']) {
    if (!existsSync(`/${path}`)) continue
    const isFolder = statSync(`/${path}`).isDirectory()
    mkdirSync(join(folder, isFolder ? path : dirname(path)), { recursive: true })
    if (!isFolder) writeFileSync(join(folder, path), '')
  }
  spawnSync('chmod', ['1777', join(folder, 'tmp')])
  return {
    folder,
    workdir: '/',
    user: '0:0',
    environment: {},
    entrypoint: [],
    command: [],
    healthcheck: [],
    volume: '',
  }
}

/** Whether `.dockerignore` lets a path into the build. */
function isInContext(path: string): boolean {
  const kept = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1))
  return kept.some((each) => path === each || path.startsWith(`${each}/`))
}

function copy(stage: Stage, rest: string, stages: ReadonlyMap<string, Stage>): void {
  const [, from, paths] = /^(?:--from=(\S+) )?(.*)$/.exec(rest)!
  const list = paths!.split(' ')
  const target = list.pop()!
  const destination = join(stage.folder, resolve(stage.workdir, target))
  for (const source of list) {
    const path = from === undefined ? join(root, source) : join(stages.get(from)!.folder, source)
    if (from === undefined) assert.ok(isInContext(source), `.dockerignore keeps ${source} out`)
    const isFolder = statSync(path).isDirectory()
    const place = !isFolder && target.endsWith('/') ? join(destination, basename(path)) : destination
    cpSync(path, place, { recursive: true, verbatimSymlinks: true })
  }
}

function build(base: string): Stage {
  const stages = new Map<string, Stage>()
  let stage: Stage | undefined
  for (const { keyword, rest } of readSteps()) {
    if (keyword === 'FROM') {
      assert.match(rest, /^node:24-slim(?: AS \w+)?$/)
      const name = / AS (\w+)$/.exec(rest)?.[1] ?? 'last'
      mkdirSync(join(base, name))
      stages.set(name, (stage = newStage(join(base, name))))
    } else takeStep(stage!, keyword, rest, stages)
  }
  return stage!
}

function takeStep(stage: Stage, keyword: string, rest: string, stages: ReadonlyMap<string, Stage>): void {
  if (keyword === 'RUN') run(inside(stage, ['/bin/sh', '-c', rest]))
  else if (keyword === 'COPY') copy(stage, rest, stages)
  else if (keyword === 'WORKDIR') mkdirSync(join(stage.folder, (stage.workdir = rest)), { recursive: true })
  else if (keyword === 'ENV') stage.environment[rest.slice(0, rest.indexOf('='))] = rest.slice(rest.indexOf('=') + 1)
  else if (keyword === 'USER') stage.user = rest
  else if (keyword === 'VOLUME') stage.volume = rest
  else if (keyword === 'ENTRYPOINT') stage.entrypoint = JSON.parse(rest) as string[]
  else if (keyword === 'CMD') stage.command = JSON.parse(rest) as string[]
  else if (keyword === 'HEALTHCHECK') stage.healthcheck = JSON.parse(rest.slice(rest.indexOf('['))) as string[]
  else assert.ok(['EXPOSE', 'STOPSIGNAL'].includes(keyword), `a step that this test does not know: ${keyword}`)
}

const base = mkdtempSync(join(tmpdir(), 'sluice-image-'))
// What is mounted there is seen by the processes inside alone; a tool that crosses mounts is no risk worth taking, all
// the same.
after(() => run([...asRoot, 'rm', '-rf', '--one-file-system', base]))

/** The process that is number 1 inside: the only child of `unshare`. */
function firstProcess(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter((each) => each !== '')
  if (children.length === 0) return pid
  return firstProcess(Number(children[0]))
}

test('the steps of the Dockerfile make an image whose broker starts, is healthy, reloads and stops as process 1 of a root that cannot be written', async (t) => {
  const stage = build(base)
  const files = readdirSync(join(stage.folder, 'opt/sluice')).toSorted()
  assert.deepEqual(files, ['LICENSE', 'bin', 'dist', 'node_modules', 'package.json'])
  assert.ok(
    !existsSync(join(stage.folder, 'opt/sluice/node_modules/typescript')),
    'what only development needs is left out',
  )

  stage.environment['SLUICE_BIND'] = `127.0.0.1:${await freePort()}`
  const [program, ...args] = inside(stage, [...stage.entrypoint, ...stage.command], { isFrozen: true })
  const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  const lines: string[] = []
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
  const until = async (what: string): Promise<void> => {
    for (const end = Date.now() + 60_000; !lines.some((line) => line.includes(what));) {
      assert.ok(Date.now() < end && child.exitCode === null, `no line says ${what}:\n${lines.join('\n')}\n${errors}`)
      await new Promise((done) => setTimeout(done, 50))
    }
  }
  await until('state is kept in /var/lib/sluice')
  const broker = firstProcess(child.pid!)
  const status = readFileSync(`/proc/${broker}/status`, 'utf8')
  assert.match(status, /^Uid:\s+10001\s+10001/m)
  assert.match(status, /^NSpid:\s+\d+.*\s1$/m)
  run(inside(stage, stage.healthcheck))
  assert.ok(readdirSync(join(stage.folder, 'var/lib/sluice')).length > 0)

  const signal = (name: string): void => run([...asRoot, 'kill', `-${name}`, String(broker)])
  signal('HUP')
  await until('SIGHUP: configuration reloaded')
  const exited = once(child, 'exit')
  signal('TERM')
  assert.deepEqual(await exited, [0, null], errors)
  await until('"msg":"stopped"')
  const dead = inside(stage, stage.healthcheck)
  assert.equal(spawnSync(dead[0]!, dead.slice(1)).status, 1, 'the health check of a broker that is gone fails')
})
