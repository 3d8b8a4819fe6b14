// Words and marks of a caption, as the models split it: by the ranges of t2i_tf/text/tokenizer.py.

const SPACE = "\\x00-\\x20\\x7f-\\xa0\\u1680\\u2000-\\u200b\\u2028-\\u202f\\u205f\\u3000\\ufeff";
const MARK =
  "!-\\/:-@\\[-`\\{-~\\xa1-\\xa9\\xab-\\xb1\\xb4\\xb6-\\xb8\\xbb\\xbf\\xd7\\xf7" +
  "\\u2010-\\u2027\\u2030-\\u205e\\u20a0-\\u20bf\\u3001-\\u3003\\u3008-\\u301f" +
  "\\uff01-\\uff0f\\uff1a-\\uff20\\uff3b-\\uff40\\uff5b-\\uff65";
const LETTERS = `[^${SPACE}${MARK}]+`;
const WORD = new RegExp(`${LETTERS}(?:['\\u2019]${LETTERS})*|[${MARK}]`, "gu");

/** How many words and marks a caption has: “a dog, red.” has five. */
export function countWords(caption) {
  return caption.match(WORD)?.length ?? 0;
}
