import type { Bindings } from './bindings.ts'
import { dayTable } from './day-table.ts'
import type { FieldColumn } from './field-columns.ts'
import type { FieldPlan } from './field-plan.ts'
import { KeyTable } from './key-table.ts'

/**
 * Source text that reads one value. The text has these variables: `p` the place, `r` the row, `q` twice the row,
 * and `s v x n e d g` for its own use. It leaves `p` behind the value, or returns -1 at anything unusual: it never
 * says what is wrong, and what it wrote counts only if the whole event fits.
 */
export function emitValue(plan: FieldPlan, column: FieldColumn, bindings: Bindings): string {
  const { type } = plan.field
  if (plan.isAsked) return `p=asked(${plan.index},p,r);if(p<0)return -1;`
  switch (type.kind) {
    case 'int':
      return emitInt(plan, column, bindings)
    case 'long':
      return emitLong(plan, column, bindings)
    case 'decimal':
      return emitDecimal(plan, type, column, bindings)
    case 'double':
      return `p=double(p);if(p<0)return -1;d=M.number;${checks(plan, 'd', bindings)}${bindings.use(column.float64)}[r]=d;`
    case 'boolean':
      return emitBoolean(bindings.use(column.boolean))
    case 'date':
      return emitDate(plan, column, bindings)
    case 'timestamp':
      return emitTimestamp(plan, type.localZone, column, bindings)
    case 'string':
      return emitString(plan, column, bindings)
    default:
      throw new Error(`no code is generated for a ${type.kind}`) // its plan is to ask
  }
}

/** Whether the value of this field is a JSON string. {@link emitValue} begins behind its opening quote. */
export function isQuoted({ field, isAsked }: FieldPlan): boolean {
  return !isAsked && ['string', 'date', 'timestamp'].includes(field.type.kind)
}

/** Source text that makes the row have no value here. */
export function emitNull(plan: FieldPlan, column: FieldColumn, bindings: Bindings): string {
  const clear = {
    int32: () => `${bindings.use(column.int32)}[r]=0;`,
    int64: () => `${bindings.use(column.halves)}[q]=0;${bindings.use(column.halves)}[q+1]=0;`,
    float64: () => `${bindings.use(column.float64)}[r]=0;`,
    boolean: () => `${bindings.use(column.boolean)}[r]=0;`,
    utf8: () => `${bindings.use(column.offsets)}[r+1]=${bindings.use(column.offsets)}[r];`,
    value: () => `${bindings.use(column.values)}[r]=null;`,
  }[plan.storage]
  return `${bindings.use(column.nulls)}[r]=1;${clear()}`
}

/** Source text that reads a string from `p` behind the quote: bytes at `s`, `n` of them. */
export const READ_STRING = readString('', '')

/**
 * The same, and copies what it reads into the row: `store` says how long it is there, once nothing is wrong with it. What
 * is copied too much the next string, or nobody, writes over.
 */
export function readStringInto(
  column: FieldColumn,
  bindings: Bindings,
): { readonly read: string; readonly store: string } {
  const offsets = bindings.use(column.offsets)
  const copy = `${bindings.use(column.words)}.setInt32(e+p,x,true);`
  const copyUnescaped = `M.bytes.copy(${bindings.use(column.text)},${offsets}[r],s,s+n);`
  return {
    read: `e=${offsets}[r]-p;${readString(copy, copyUnescaped)}`,
    store: `${offsets}[r+1]=${offsets}[r]+n;`,
  }
}

function readString(copyWord: string, copyUnescaped: string): string {
  return `s=p;for(;;p+=4){x=dv.getInt32(p,true);${copyWord}n=x^0x22222222;v=x^0x5c5c5c5c;
v=(((n-0x01010101)&~n)|((v-0x01010101)&~v)|((x-0x20202020)&~x))&0x80808080;if(v!==0)break}
p+=31-Math.clz32(v&-v)>>3;
if(b[p]===34){n=p-s;p++}else{if(b[p]!==92)return -1;p=unescaped(s);if(p<0||!M.isUnicode)return -1;s=M.stringStart;n=M.stringLength;${copyUnescaped}}`
}

/** Digits of up to 9 places fit a 32-bit register; more are read as a double, exact up to 15. */
const digits = (places: number, isWide: boolean) =>
  `s=p;${isWide ? 'd=0;while((x=b[p]^48)<=9){d=d*10+x;p++}' : 'v=0;while((x=b[p]^48)<=9){v=v*10+x|0;p++}'}
n=p-s;if(n===0||n>${places}||(b[s]===48&&n>1))return -1;`

const SIGN = 'g=b[p]===45;if(g)p++;'
/** A double holding a whole number, as two's complement halves. */
const storeWide = (halves: string) => `${halves}[q]=d|0;${halves}[q+1]=Math.floor(d/4294967296)|0;`

function emitInt(plan: FieldPlan, column: FieldColumn, bindings: Bindings): string {
  const low = Math.max(plan.minimum ?? -Infinity, -(2 ** 31))
  const high = Math.min(plan.maximum ?? Infinity, 2 ** 31 - 1)
  const isWide = low < -999_999_999 || high > 999_999_999
  const [value, negated] = isWide ? ['d', 'd=-d'] : ['v', 'v=-v|0']
  return `${SIGN}${digits(isWide ? 10 : 9, isWide)}if(g)${negated};
if(${value}<${low}||${value}>${high})return -1;${amongAllowed(plan, value, bindings)}${bindings.use(column.int32)}[r]=${value};`
}

function emitLong(plan: FieldPlan, column: FieldColumn, bindings: Bindings): string {
  const halves = bindings.use(column.halves)
  // Ids of 19 digits are usual enough: behind 15 digits a function with BigInt reads on.
  const wide = `p=longer(s,p,g,${limit(plan.minimum)},${limit(plan.maximum)});if(p<0)return -1;
${halves}[q]=M.low;${halves}[q+1]=M.high;`
  const isExact = [plan.minimum, plan.maximum].every(
    (one) => one === undefined || Number.isSafeInteger(one),
  )
  const readsWide = isExact && plan.allowed === undefined ? wide : 'return -1;'
  return `${SIGN}s=p;d=0;while((x=b[p]^48)<=9){d=d*10+x;p++}n=p-s;if(n===0||(b[s]===48&&n>1))return -1;
if(n>15){${readsWide}}else{if(g)d=-d;${checks(plan, 'd', bindings)}${storeWide(halves)}}`
}

function emitDecimal(
  plan: FieldPlan,
  type: { readonly precision: number; readonly scale: number },
  column: FieldColumn,
  bindings: Bindings,
): string {
  const { precision, scale } = type
  // More fractional digits than a double holds exactly are read by the slow decoder.
  if (scale > 15) return 'return -1;'
  const isWide = scale > 7
  const places = Math.min(precision, isWide ? 15 : 9) - scale
  const value = isWide ? 'd' : 'v'
  const times10 = isWide ? 'd=d*10' : 'v=v*10|0'
  const put = isWide ? 'd=d*10+x' : 'v=v*10+x|0'
  const more = `x=b[p]^48;if(x<=9){${put};p++}else ${times10};`
  const fraction =
    scale === 0
      ? ''
      : `if(b[p]===46){x=b[p+1]^48;if(x>9)return -1;${put};p+=2;${more.repeat(scale - 1)}}else ${value}=${value}*1e${scale}${isWide ? '' : '|0'};`
  const halves = bindings.use(column.halves)
  const store = isWide ? storeWide(halves) : `${halves}[q]=v;${halves}[q+1]=v>>31;`
  // A whole part of no place is a zero.
  const whole = digits(Math.max(places, 1), isWide)
  const zero = places > 0 ? '' : 'if(b[p-1]!==48)return -1;'
  return `${SIGN}${whole}${zero}${fraction}if(g)${value}=-${value}${isWide ? '' : '|0'};${checks(plan, value, bindings)}${store}`
}

function emitBoolean(values: string): string {
  return `x=dv.getInt32(p,true);if(x===0x65757274){${values}[r]=1;p+=4}
else if(x===0x736c6166&&b[p+4]===101){${values}[r]=0;p+=5}else return -1;`
}

/** Year, month and day at `p` into `x v n`; 2000 to 2099 only, the others are unusual. */
const READ_DAY = `if(((b[p]^50)|(b[p+1]^48)|(b[p+4]^45)|(b[p+7]^45))!==0)return -1;
x=T2[dv.getUint16(p+2,true)];v=T2[dv.getUint16(p+5,true)];n=T2[dv.getUint16(p+8,true)];
if(((99-x)|(12-v)|(31-n))<0)return -1;`

function emitDate(plan: FieldPlan, column: FieldColumn, bindings: Bindings): string {
  const table = dayTable(undefined)
  return `${READ_DAY}d=${bindings.use(table.micros)}[(x*13+v)*32+n];
if(d!==d){d=${bindings.use(table.startOf)}(x,v,n,0);if(d!==d)return -1}
d=d/86400e6;p+=10;if(b[p]!==34)return -1;p++;${checks(plan, 'd', bindings)}${bindings.use(column.int32)}[r]=d;`
}

function emitTimestamp(
  plan: FieldPlan,
  zone: string | undefined,
  column: FieldColumn,
  bindings: Bindings,
): string {
  const table = dayTable(zone)
  const offset =
    zone === undefined
      ? `if((b[p]|32)===122)p++;else{x=offset(p);if(x===NONE)return -1;d-=x*6e7;p+=6}`
      : ''
  // The day is looked at before the time: the registers that named it are needed again.
  return `${READ_DAY}d=${bindings.use(table.micros)}[(x*13+v)*32+n];
s=(x<<16)|(v<<8)|n;x=T2[dv.getUint16(p+11,true)];v=T2[dv.getUint16(p+14,true)];n=T2[dv.getUint16(p+17,true)];
if(((23-x)|(59-v)|(59-n))<0||b[p+13]!==58||b[p+16]!==58||((b[p+10]|32)!==116&&b[p+10]!==32))return -1;
v=(x*60+v)*60+n|0;if(d!==d){d=${bindings.use(table.startOf)}(s>>16,s>>8&255,s&255,v);if(d!==d)return -1}
p+=19;d+=v*1e6;if(b[p]===46){p++;s=p;v=0;while((x=b[p]^48)<=9){v=v*10+x|0;p++}n=p-s;if(n===0||n>6)return -1;d+=v*FRACTION[n]}
${offset}if(b[p]!==34)return -1;p++;${checks(plan, 'd', bindings)}${storeWide(bindings.use(column.halves))}`
}

function emitString(plan: FieldPlan, column: FieldColumn, bindings: Bindings): string {
  const { minLength = 0, maxLength } = plan.field.constraints
  const tooLong =
    maxLength === undefined ? '' : `if(n>${maxLength}&&characters(s,n)>${maxLength})return -1;`
  const tooShort =
    minLength === 0 ? '' : `if(n<${4 * minLength}&&characters(s,n)<${minLength})return -1;`
  const pattern =
    plan.pattern === undefined ? '' : `if(!${bindings.use(plan.pattern)}.test(M,s,n))return -1;`
  const { read, store } = readStringInto(column, bindings)
  return `${read}${tooLong}${tooShort}${pattern}${amongTexts(plan, bindings)}\n${store}`
}

const limit = (bound: number | undefined) => (bound === undefined ? 'undefined' : String(bound))

/** Source text of bounds and enumeration on a number. */
function checks(plan: FieldPlan, value: string, bindings: Bindings): string {
  const low = plan.minimum === undefined ? '' : `if(${value}<${plan.minimum})return -1;`
  const high = plan.maximum === undefined ? '' : `if(${value}>${plan.maximum})return -1;`
  return `${low}${high}${amongAllowed(plan, value, bindings)}`
}

/** More members than this are looked up instead of compared one by one. */
const MAX_COMPARED = 16

function amongAllowed(plan: FieldPlan, value: string, bindings: Bindings): string {
  if (plan.allowed === undefined) return ''
  const known = plan.allowed.map(Number)
  const found =
    known.length > MAX_COMPARED
      ? `${bindings.use(new Set(known))}.has(${value})`
      : known.map((one) => `${value}===${one}`).join('||') || 'false'
  return `if(!(${found}))return -1;`
}

function amongTexts(plan: FieldPlan, bindings: Bindings): string {
  if (plan.allowed === undefined) return ''
  const texts = plan.allowed.map(String)
  const found =
    texts.length > MAX_COMPARED || texts.join('').length > 64
      ? `${bindings.use(new KeyTable(texts))}.find(M,s,n)>=0`
      : texts.map((text) => emitEqual(Buffer.from(text))).join('||') || 'false'
  return `if(!(${found}))return -1;`
}

function emitEqual(text: Uint8Array): string {
  return [`n===${text.length}`, ...Array.from(text, (byte, i) => `b[s+${i}]===${byte}`)].join('&&')
}
