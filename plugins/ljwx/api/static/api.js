// What the page asks of the API, at an address relative to the page itself: a path before it is honoured.

const KEY = "ljwx-token";

/** An answer that is none: its status, a word for programs and a message for people. */
export class Problem extends Error {
  constructor(status, kind, message, chinese) {
    super(message);
    Object.assign(this, { status, kind, chinese });
  }
}

/** Whether a person has to sign in before anything can be shown. */
export const needsLogin = (error) => error instanceof Problem && (error.status === 401 || error.kind === "bad_token");

/** Keep a token of `ljwx token add` until this tab is closed; Airflow's login needs none. */
export const keepToken = (token) => sessionStorage.setItem(KEY, token);

/** Return what a route answers; throws a Problem. `signal` ends the request. */
export async function get(path, signal) {
  const token = sessionStorage.getItem(KEY);
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  let response;
  try {
    response = await fetch(`api/v1/${path}`, { headers, signal, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "unreachable", "the server cannot be reached", "无法连接服务器");
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  const said = body?.error ?? {};
  throw new Problem(response.status, said.kind ?? "failed", said.message ?? `HTTP ${response.status}`, said.chinese);
}
