/** What a text may be declared as: each is decided in time linear in the text. */
export const STRING_FORMATS = {
  uuid: {
    meaning: 'a UUID as RFC 9562 writes it, letters of either case',
    accepts: matches(/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i, 36),
  },
  email: {
    meaning: 'an address as HTML has it: no quotes, no comments, letters of ASCII, at most 254',
    accepts: matches(
      /^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i,
      254,
    ),
  },
  uri: {
    meaning: 'a URI with a scheme, of the characters of RFC 3986',
    accepts: matches(
      /^[a-z][a-z0-9+.-]*:(?:[a-z0-9._~:/?#[\]@!$&'()*+,;=-]|%[0-9a-f]{2})+$/i,
      8_192,
    ),
  },
  hostname: {
    meaning: 'labels of 1 to 63 letters, digits and inner hyphens, at most 253 characters',
    accepts: matches(
      /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i,
      253,
    ),
  },
  ipv4: {
    meaning: 'four decimal numbers up to 255, without leading zeros',
    accepts: matches(/^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/, 15),
  },
} as const satisfies Readonly<
  Record<string, { readonly meaning: string; accepts(text: string): boolean }>
>

export type StringFormat = keyof typeof STRING_FORMATS

export function isStringFormat(text: string): text is StringFormat {
  return Object.hasOwn(STRING_FORMATS, text)
}

function matches(expression: RegExp, longest: number): (text: string) => boolean {
  return (text) => text.length <= longest && expression.test(text)
}
