/**
 * Collects the contents of an API reference: every name that an entry point exports, with its kind, its signatures, its
 * doc comment and its members. They are read from the declaration files; `api-page.ts` formats a page.
 *
 * @module
 */
import type { Node, SourceFile } from 'typescript/unstable/ast'
import { SyntaxKind } from 'typescript/unstable/ast'
import { isPrivate, type Declaration, type ExportedName } from './declarations.ts'
import { readDocComment, type DocComment } from './doc-comment.ts'

export type ApiKind = 'function' | 'class' | 'constant' | 'interface' | 'type'

/** A property or a method. */
export interface ApiMember {
  readonly name: string
  readonly kind: 'property' | 'method' | 'constructor'
  readonly isOptional: boolean
  readonly doc: DocComment | undefined
  /** The type of a property; of a method, each overload with its name. */
  readonly signatures: readonly string[]
}

export interface ApiEntry {
  readonly name: string
  readonly kind: ApiKind
  /** The file that declares it, such as `broker/broker.d.ts`. */
  readonly file: string
  readonly doc: DocComment | undefined
  /** As declared, without `export` and without the members that are listed on their own. */
  readonly signatures: readonly string[]
  readonly members: readonly ApiMember[]
  /** All identifiers of the declarations: names of other entries among them. */
  readonly mentions: ReadonlySet<string>
}

/** The parts of a node of the compiler's tree that are read here. */
type Tree = Node & {
  readonly name?: Tree
  readonly type?: Tree
  readonly members?: Iterable<Tree> & { readonly pos: number }
  readonly parameters?: Iterable<Tree>
  readonly jsDoc?: readonly Node[]
  readonly postfixToken?: Node
  readonly questionToken?: Node
}

const KINDS: ReadonlyMap<SyntaxKind, ApiKind> = new Map([
  [SyntaxKind.ClassDeclaration, 'class'],
  [SyntaxKind.FunctionDeclaration, 'function'],
  [SyntaxKind.VariableDeclaration, 'constant'],
  [SyntaxKind.InterfaceDeclaration, 'interface'],
  [SyntaxKind.TypeAliasDeclaration, 'type'],
])

/** Describes an export; to be called while `readDeclarations` runs. */
export function apiEntry({ name, file, declarations }: ExportedName): ApiEntry {
  const shown = withoutAlias(declarations)
  const [main] = shown as [Declaration]
  const isMadeElsewhere = main.node !== declarations[0]!.node
  const members = main.node.kind === SyntaxKind.TypeAliasDeclaration ? [] : shown.flatMap(membersOf)
  return {
    name,
    kind: KINDS.get(main.node.kind)!,
    file,
    doc: firstDoc([...declarations, ...shown]),
    signatures: shown.map((declaration) => signatureOf(declaration, name)),
    members: isMadeElsewhere ? members.filter(({ kind }) => kind !== 'constructor') : members,
    mentions: new Set(declarations.flatMap(({ node, source }) => identifiersOf(node, source))),
  }
}

/**
 * A class whose type and constructor are exported under another name is shown as that class, without the constructor it
 * has.
 */
function withoutAlias(declarations: readonly Declaration[]): readonly Declaration[] {
  const type = declarations.find(({ node }) => node.kind === SyntaxKind.ClassDeclaration)
  return type === undefined ? declarations : [type]
}

function firstDoc(declarations: readonly Declaration[]): DocComment | undefined {
  return declarations.map(docOf).find((doc) => doc !== undefined)
}

/** The comment directly before a node, unless it is that of the file. */
function docOf({ node, source }: Declaration): DocComment | undefined {
  const holder = (node.kind === SyntaxKind.VariableDeclaration ? node.parent.parent : node) as Tree
  const last = holder.jsDoc?.at(-1)
  if (last === undefined) return undefined
  const doc = readDocComment(source.text.slice(last.pos, last.end))
  return doc.tags.some(({ tag }) => tag === 'module') ? undefined : doc
}

function textOf(node: Node, source: SourceFile): string {
  return source.text.slice(node.getStart(source), node.end)
}

/** The declaration, without the members of a class or an interface if they are listed separately. */
function signatureOf({ node, source }: Declaration, name: string): string {
  const { members } = node as Tree
  if (node.kind === SyntaxKind.VariableDeclaration) return `const ${textOf(node, source)}`
  const text =
    members === undefined || isCallable(node)
      ? textOf(node, source)
      : `${source.text.slice(node.getStart(source), members.pos)}}`
  const declared = text.replace(/^export /, '').replace(/^declare /, '')
  const own = (node as Tree).name
  return own === undefined ? declared : declared.replace(textOf(own, source), name)
}

/** Whether an interface is a function, whose signature is complete by itself. */
function isCallable(node: Node): boolean {
  const kinds = [...((node as Tree).members ?? [])].map(({ kind }) => kind)
  return kinds.some((kind) => kind === SyntaxKind.CallSignature || kind === SyntaxKind.ConstructSignature)
}

function membersOf(declaration: Declaration): ApiMember[] {
  const { node, source } = declaration
  if (node.kind === SyntaxKind.VariableDeclaration) return constantsOf(node as Tree, source)
  if (isCallable(node)) return []
  const isType = node.kind === SyntaxKind.InterfaceDeclaration
  const visible = [...((node as Tree).members ?? [])].filter((member) => isVisible(member, source))
  return visible.reduce<ApiMember[]>((members, member) => added(members, memberOf(member, source, isType)), [])
}

/** The members of `const Name: { readonly A: 1; … }`. */
function constantsOf({ type }: Tree, source: SourceFile): ApiMember[] {
  if (type?.kind !== SyntaxKind.TypeLiteral) return []
  return [...(type.members ?? [])].map((member) => memberOf(member, source, true))
}

const UNSEEN: ReadonlySet<SyntaxKind> = new Set([SyntaxKind.SetAccessor, SyntaxKind.ClassStaticBlockDeclaration])

/** Names that begin with `_` are internal to the class, such as those by which Node calls a stream. */
function isVisible(member: Tree, source: SourceFile): boolean {
  if (isPrivate(member) || UNSEEN.has(member.kind)) return false
  return member.name === undefined || !textOf(member.name, source).startsWith('_')
}

/** Combines overloads into one member; one of them has the comment. */
function added(members: ApiMember[], member: ApiMember): ApiMember[] {
  const last = members.at(-1)
  if (last?.kind !== 'method' || last.name !== member.name) return [...members, member]
  const signatures = [...last.signatures, ...member.signatures]
  return [...members.slice(0, -1), { ...last, doc: last.doc ?? member.doc, signatures }]
}

const METHODS: ReadonlySet<SyntaxKind> = new Set([SyntaxKind.MethodDeclaration, SyntaxKind.MethodSignature])

function memberOf(member: Tree, source: SourceFile, isType: boolean): ApiMember {
  const isConstructor = member.kind === SyntaxKind.Constructor
  const name = isConstructor ? 'constructor' : member.name === undefined ? '' : textOf(member.name, source)
  const kind = isConstructor ? 'constructor' : METHODS.has(member.kind) ? 'method' : 'property'
  const isOptional = /^\s*\?/.test(source.text.slice(member.name?.end ?? member.end, member.end))
  const text = kind === 'property' ? typeOf(member, source) : callOf(member, source)
  const doc = docOf({ node: member, source })
  return { name, kind, isOptional: isType && isOptional, doc, signatures: [text] }
}

function typeOf({ type, end, pos }: Tree, source: SourceFile): string {
  return type === undefined ? source.text.slice(pos, end).trim() : textOf(type, source)
}

/** A method with its parameters; a destructured parameter is called `options`. */
function callOf(member: Tree, source: SourceFile): string {
  const start = member.getStart(source)
  let text = source.text.slice(start, member.end)
  for (const { name } of [...(member.parameters ?? [])].toReversed()) {
    if (name?.kind !== SyntaxKind.ObjectBindingPattern) continue
    text = `${text.slice(0, name.getStart(source) - start)}options${text.slice(name.end - start)}`
  }
  return text.replace(/;$/, '')
}

function identifiersOf(node: Node, source: SourceFile): string[] {
  if (node.kind === SyntaxKind.Identifier) return [textOf(node, source)]
  if (isPrivate(node)) return []
  const found: string[] = []
  node.forEachChild((child) => {
    found.push(...identifiersOf(child, source))
  })
  return found
}
