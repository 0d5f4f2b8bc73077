"""Reads JSON {name: Markdown} from stdin and prints, per page, its blocks as CommonMark (with tables) has them."""

import json
import sys

from markdown_it import MarkdownIt


def spans(children):
    """Texts and code join; whatever else is in a line is told by its kind."""
    found = []
    for token in children or []:
        if token.type in ("text", "code_inline"):
            found.append([token.type, token.content])
        else:
            found.append([token.type, token.content or token.tag])
    return found


def blocks(page):
    parser = MarkdownIt("commonmark").enable("table")
    found = []
    opened = ""
    for token in parser.parse(page):
        if token.type == "inline":
            found.append([opened, spans(token.children)])
        elif token.type in ("html_block", "fence", "code_block"):
            found.append([token.type, [["text", token.content]]])
        elif token.nesting == 1:
            opened = token.tag
    return found


pages = json.load(sys.stdin)
json.dump({name: blocks(text) for name, text in pages.items()}, sys.stdout)
