// Captions in which one part changes: novel compositions, and flips of a single word.

const EXAMPLES = [
  ["", ["a stop sign", "a yellow school bus", "a herd of elephants"], "is flying in blue skies"],
  ["a", ["red", "blue", "green", "yellow"], "school bus is parked in the parking lot"],
  ["an elephant is walking across a", ["dry", "green"], "grass field"],
  ["an airplane is flying in", ["clear", "rainy"], "skies"],
  ["", ["a bowl of bananas", "a chocolate cake"], "is on the table"],
];

export const FIRST = caption(...EXAMPLES[0].with(1, EXAMPLES[0][1][0]));

/** Fills a list with the examples; calls `choose(caption)` when one is clicked. */
export function showExamples(list, choose) {
  for (const [before, choices, after] of EXAMPLES) {
    const item = document.createElement("li");
    item.append(`${before} `);
    for (const choice of choices) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "chip";
      button.textContent = choice;
      button.ariaLabel = caption(before, choice, after);
      button.addEventListener("click", () => choose(button.ariaLabel));
      item.append(button, " ");
    }
    item.append(after);
    list.append(item);
  }
}

function caption(...parts) {
  return parts.filter(Boolean).join(" ");
}
