/** A type of TypeScript, as far as contracts need it. */
export type TypeNode =
  /** A name, a keyword or a literal. */
  | { readonly kind: 'plain'; readonly text: string }
  | { readonly kind: 'union'; readonly members: readonly TypeNode[] }
  /** Of readonly items: a producer may hand over what it must not change. */
  | { readonly kind: 'array'; readonly element: TypeNode }

const MAX_WIDTH = 100

export function plain(text: string): TypeNode {
  return { kind: 'plain', text }
}

/** The members as one type; a single one is itself. */
export function union(...members: readonly TypeNode[]): TypeNode {
  const flat = members.flatMap((one) => (one.kind === 'union' ? one.members : [one]))
  return flat.length === 1 ? flat[0]! : { kind: 'union', members: flat }
}

/** `<before><type>`, in lines of at most 100 characters where the type can be broken: laid out as Prettier and Biome do. */
export function laidOut(before: string, type: TypeNode, indent: string): string[] {
  const flat = `${before} ${flatText(type)}`
  if (flat.length <= MAX_WIDTH || type.kind === 'plain' || isKept(type)) return [flat]
  if (type.kind === 'union') return [before, ...membersText(type.members, `${indent}  `)]
  return `${before} ${brokenArray(type.element, indent, before.length + 1)}`.split('\n')
}

/** Whether a type stays on its line, however long: one name, or one name or null. */
function isKept(type: TypeNode): boolean {
  if (type.kind !== 'union') return type.kind === 'plain' || isKept(type.element)
  const [first, second, third] = type.members
  const isName = first?.kind === 'plain' && /^[A-Z]\w*$/.test(first.text)
  return isName && second?.kind === 'plain' && second.text === 'null' && third === undefined
}

/** The type on one line. */
export function flatText(type: TypeNode): string {
  switch (type.kind) {
    case 'plain':
      return type.text
    case 'union':
      return type.members.map(flatText).join(' | ')
    case 'array': {
      const { element } = type
      const text = flatText(element)
      return `readonly ${element.kind === 'plain' ? text : `(${text})`}[]`
    }
  }
}

function membersText(members: readonly TypeNode[], indent: string): string[] {
  return members.flatMap((member) => {
    const column = indent.length + 2
    const text = arrayText(member, `${indent}  `, column) ?? flatText(member)
    return `${indent}| ${text}`.split('\n')
  })
}

/** The text of an array that begins in this column of a line that is indented so; undefined of another type. */
function arrayText(type: TypeNode, indent: string, column: number): string | undefined {
  if (type.kind !== 'array') return undefined
  const flat = flatText(type)
  return column + flat.length <= MAX_WIDTH || isKept(type)
    ? flat
    : brokenArray(type.element, indent, column)
}

function brokenArray(element: TypeNode, indent: string, column: number): string {
  const before = 'readonly ('
  if (element.kind !== 'union') {
    return `${before}${arrayText(element, indent, column + before.length)})[]`
  }
  return [before, ...membersText(element.members, `${indent}  `), `${indent})[]`].join('\n')
}
