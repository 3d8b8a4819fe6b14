// Requests to the server of this page. A failure becomes an Error with a sentence for the user.

const NO_PAGE_SERVER =
  "The server of this page does not answer. Is “python -m serving web” still running?";

/**
 * {model, version, maxWords, guided} of the model that draws; maxWords is null where it states none,
 * and guided says whether it takes guidance.
 */
export async function fetchModel() {
  return (await request("api/model")).json();
}

/** Drawings with their steps; `settings` is {prompt, n, seed, temperature, guidance}. */
export async function fetchDrawings(settings) {
  return (await (await request("api/drawings", settings)).json()).drawings;
}

/** A GIF of the same drawings, as a Blob. */
export async function fetchAnimation(settings) {
  return (await request("api/animation", settings)).blob();
}

async function request(path, body) {
  const options = body && {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, options).catch(() => {
    throw new Error(NO_PAGE_SERVER);
  });
  if (response.ok) return response;
  const answer = await response.json().catch(() => ({}));
  throw new Error(answer.error ?? `${NO_PAGE_SERVER} (HTTP ${response.status})`);
}
