// Requests to this page's own server; what fails becomes an Error in words.

const NO_PAGE_SERVER =
  "This page's own server does not answer. Is “python -m serving web” still running?";

/** {model, version, server} of whoever draws. */
export async function fetchModel() {
  return (await request("api/model")).json();
}

/** Drawings, each with its steps; `wanted` is {prompt, n, seed, temperature}. */
export async function fetchDrawings(wanted) {
  return (await (await request("api/drawings", wanted)).json()).drawings;
}

/** A GIF of the same, as a Blob. */
export async function fetchAnimation(wanted) {
  return (await request("api/animation", wanted)).blob();
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
