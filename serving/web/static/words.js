// Words and marks of a caption, as the models split it: by the ranges of t2i_tf/text/scripts.py.

const SPACE = "\\x00-\\x20\\x7f-\\xa0\\u1680\\u2000-\\u200b\\u2028-\\u202f\\u205f\\u3000\\ufeff";
const MARK =
  "!-\\/:-@\\[-`\\{-~\\xa1-\\xa9\\xab-\\xb1\\xb4\\xb6-\\xb8\\xbb\\xbf\\xd7\\xf7" +
  "\\u2010-\\u2027\\u2030-\\u205e\\u20a0-\\u20bf\\u3001-\\u3003\\u3008-\\u301f" +
  "\\uff01-\\uff0f\\uff1a-\\uff20\\uff3b-\\uff40\\uff5b-\\uff65";
// Where a word may break, which way it runs, which shape of a letter is meant: no letters.
const UNSEEN = /[\xad\u061c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f]+/gu;
const LETTERS = `[^${SPACE}${MARK}]+`;
const WORD = new RegExp(`${LETTERS}(?:['\\u2019]${LETTERS})*|[${MARK}]`, "gu");

// What a word is depends on the model: on the words it knows in scripts without spaces and of emoji,
// and on its version for the marks of some scripts.
const UNSURE = new RegExp(
  "[\\u0e01-\\u0e4e\\u0e81-\\u0ecf\\u1000-\\u109f\\u1780-\\u17dd\\u2e80-\\u2fdf\\u3005-\\u3007" +
    "\\u3041-\\u31ff\\u3400-\\u9fff\\uf900-\\ufaff\\uff66-\\uff9f\\u{20000}-\\u{3ffff}" +
    "\\u0589\\u058a\\u05be\\u060c\\u061b\\u061f\\u06d4\\u0964\\u0965" +
    "\\p{Extended_Pictographic}\\p{Regional_Indicator}]",
  "u",
);

/** Whether only the model itself can count the words of a caption. */
export function isEstimate(caption) {
  return UNSURE.test(caption);
}

/** About how many words and marks a caption has: the browser cuts what has no spaces. */
export function estimateWords(caption) {
  const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });
  return wordsOf(caption)
    .map((word) => (isEstimate(word) ? [...segmenter.segment(word)].length : 1))
    .reduce((sum, count) => sum + count, 0);
}

/** How many words and marks a caption has: “a dog, red.” has five. */
export function countWords(caption) {
  return wordsOf(caption).length;
}

function wordsOf(caption) {
  return caption.replace(UNSEEN, "").match(WORD) ?? [];
}
