/** JSON on lines of its own, two spaces a level; numbers and texts are the characters that they were. */
export function prettyJson(text: string): string {
  let depth = 0
  const line = () => `\n${'  '.repeat(depth)}`
  return text.replace(/"(?:[^"\\]|\\.)*"|\{\}|\[\]|[{}[\],:]|[^\s"{}[\],:]+|\s+/g, (token) => {
    switch (token) {
      case '{':
      case '[':
        depth++
        return `${token}${line()}`
      case '}':
      case ']':
        depth--
        return `${line()}${token}`
      case ',':
        return `,${line()}`
      case ':':
        return ': '
      default:
        return token.trim() === '' ? '' : token
    }
  })
}
