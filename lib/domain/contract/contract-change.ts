import type { DocumentPath } from './document-node.ts'

/** What a kind of change means for producers that send and consumers that read. */
interface ChangeMeaning {
  readonly breaking: boolean
  readonly meaning: string
}

/** Every kind of change between two versions of a contract: errors, docs and the comparison read this one list. */
export const CHANGE_KINDS = {
  productChanged: breaks('the contract is that of another product'),
  eventTypeChanged: breaks('events of the old type would be rejected'),
  eventTimeChanged: breaks('windows and lateness would mean another time'),
  partitionKeyChanged: breaks('events would be kept in order by another field'),
  changesChanged: breaks('events would be read in another form'),
  changePositionChanged: breaks('which of two changes is later would be told in another way'),
  rowKeyChanged: breaks('the changes of a row would be those of another one'),
  partitioningChanged: breaks('files of the table would lie in other partitions'),
  dedupHorizonShortened: breaks('resends that were duplicates would become rows'),
  subjectChanged: breaks('personal fields would be sealed under the key of somebody else'),
  fieldRemoved: breaks('readers would miss the column'),
  requiredFieldAdded: breaks('events without the field would be rejected'),
  fieldRenamed: breaks('the old name would be unknown to readers and ignored from producers'),
  fieldIdChanged: breaks('the column would lose what it holds: its id is how files know it'),
  fieldIdReused: breaks('what files hold of another field would be read as this one'),
  typeChanged: breaks('values of the old type would be rejected, and files could not be read'),
  typeNarrowed: breaks('values that were accepted would not fit'),
  scaleChanged: breaks('stored digits would mean other values'),
  zoneChanged: breaks('one text would mean another time'),
  madeRequired: breaks('events without the field would be rejected'),
  constraintTightened: breaks('values that were accepted would be rejected'),
  personalChanged: breaks('a personal field is stored in another form than a plain one'),
  ruleAdded: breaks('rows that were accepted would be rejected'),
  ruleTightened: breaks('rows that were accepted would be rejected'),
  fieldAdded: keeps('older events and files have no value for it'),
  typeWidened: keeps('every old value fits, and old files are read as the wider type'),
  madeOptional: keeps('every old event still fits; readers may meet nulls'),
  constraintLoosened: keeps('every old value still fits'),
  ruleRemoved: keeps('every old row still fits'),
  ruleLoosened: keeps('every old row still fits'),
  ruleRenamed: keeps('the reason code of rejected rows has another name'),
  dedupHorizonLengthened: keeps('resends that were rows become duplicates'),
  spreadChanged: keeps('a resend across the change may be taken twice, and order may change'),
  undeclaredMajorChanged: keeps('events that declare no version are judged by another major'),
  termsChanged: keeps('how the product is run, not what an event or a row is'),
  documentationChanged: keeps('words only'),
} as const satisfies Readonly<Record<string, ChangeMeaning>>

export type ChangeKind = keyof typeof CHANGE_KINDS

/** One difference between two versions, with its place in both documents. */
export interface ContractChange {
  readonly kind: ChangeKind
  /** Of a nested one its path with dots; absent if the change is not about one field. */
  readonly field?: string
  /** What changed, from what to what. */
  readonly message: string
  readonly before: DocumentPath
  readonly after: DocumentPath
}

export function isBreaking(change: Pick<ContractChange, 'kind'>): boolean {
  return CHANGE_KINDS[change.kind].breaking
}

function breaks(meaning: string) {
  return { breaking: true, meaning } as const
}

function keeps(meaning: string) {
  return { breaking: false, meaning } as const
}
