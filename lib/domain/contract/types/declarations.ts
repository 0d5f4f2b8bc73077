import type { Field } from '../contract.ts'
import { docComment } from './comment.ts'
import type { TypeNames } from './type-names.ts'
import { flatText, laidOut, plain, type TypeNode, union } from './type-text.ts'
import { valueComment, valueType } from './value-type.ts'

const NULL = plain('null')
/** An enumeration that is longer stands apart, under a name. */
const MAX_INLINE = 60

/** A member of an interface, with what is said about it. */
export interface Member {
  readonly name: string
  readonly optional: boolean
  readonly type: TypeNode
  readonly comment: readonly string[]
}

/** A member that is always there. */
export function required(name: string, type: TypeNode, comment = ''): Member {
  return { name, optional: false, type, comment: [comment] }
}

/** A member that may be absent; null says the same. */
export function optional(name: string, type: TypeNode, comment = ''): Member {
  return { name, optional: true, type: union(type, NULL), comment: [comment] }
}

/** An interface or a type that a module declares. */
export interface Declared {
  readonly name: string
  readonly comment: readonly string[]
}

/** Declarations of types in reading order: what a type is made of stands behind it. */
export class Declarations {
  readonly names: TypeNames
  readonly #indent: string
  readonly #texts: string[] = []

  constructor(names: TypeNames, indent: string) {
    this.names = names
    this.#indent = indent
  }

  /** Declarations with a blank line between each two. */
  get text(): string {
    return this.#texts.join('\n')
  }

  /** An interface of fields, and behind it those of the objects inside, whose names begin with its own. */
  addFields(
    { name, comment }: Declared,
    fields: readonly Field[],
    remarks: Readonly<Record<string, string>> = {},
  ): void {
    const inside = new Declarations(this.names, this.#indent)
    const members = fields.map((field): Member => {
      const type = inside.#typeOf(field, name, field.name)
      const said = [...descriptionsOf(field), valueComment(field), remarks[field.name]]
      return {
        name: field.name,
        optional: !field.required,
        type: field.required ? type : union(type, NULL),
        comment: said.filter((text) => text !== undefined),
      }
    })
    this.addInterface({ name, comment }, members)
    this.#texts.push(...inside.#texts)
  }

  addInterface({ name, comment }: Declared, members: readonly Member[]): void {
    const indent = this.#indent
    const body = members.flatMap((member) => [
      ...docComment(member.comment, `${indent}  `),
      ...laidOut(
        `${indent}  ${member.name}${member.optional ? '?' : ''}:`,
        member.type,
        `${indent}  `,
      ),
    ])
    this.#add(comment, [`${indent}export interface ${name} {`, ...body, `${indent}}`])
  }

  addType({ name, comment }: Declared, type: TypeNode): void {
    const indent = this.#indent
    this.#add(comment, laidOut(`${indent}export type ${name} =`, type, indent))
  }

  #typeOf(field: Field, owner: string, fieldName: string): TypeNode {
    const { type } = field
    if (type.kind === 'list') {
      const { element } = type
      const item = this.#typeOf(element, owner, fieldName)
      return { kind: 'array', element: element.required ? item : union(item, NULL) }
    }
    if (type.kind === 'struct') {
      const name = this.names.take(owner, fieldName)
      const comment = field.name === fieldName ? [] : [field.description]
      this.addFields({ name, comment }, type.fields)
      return plain(name)
    }
    const value = valueType(field)
    if (value.kind !== 'union' || flatText(value).length <= MAX_INLINE) return value
    const name = this.names.take(owner, fieldName)
    this.addType({ name, comment: [] }, value)
    return plain(name)
  }

  #add(comment: readonly string[], lines: readonly string[]): void {
    const all = [...docComment(comment, this.#indent), ...lines]
    this.#texts.push(all.map((line) => `${line}\n`).join(''))
  }
}

/** Of a field and, where they are no objects with comments of their own, of its items. */
function descriptionsOf({ description, type }: Field): readonly string[] {
  if (type.kind !== 'list' || type.element.type.kind === 'struct') return [description]
  return [description, ...descriptionsOf(type.element)]
}
