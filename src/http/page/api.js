// Questions to the server that the stream does not answer. A failure is an ApiError with the
// server's code and its own words.

export class ApiError extends Error {
  constructor(status, body) {
    super(body.error ?? `the server answered ${status}`);
    this.status = status;
    this.code = body.code ?? 'unreadable';
    this.body = body;
  }
}

/** Whoever wants to know that a sign-in is needed. */
export const unauthorized = new EventTarget();

export async function get(path) {
  let response;
  try {
    response = await fetch(path, { headers: { accept: 'application/json' } });
  } catch {
    throw new ApiError(0, { error: 'the server does not answer', code: 'away' });
  }
  const body = await response.json().catch(() => ({}));
  if (response.status === 401) unauthorized.dispatchEvent(new Event('needed'));
  if (!response.ok || response.status === 202) throw new ApiError(response.status, body);
  return body;
}

/** Signs in with a token; the cookie that comes back is kept by the browser. */
export async function signIn(token) {
  const response = await fetch('/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  if (!response.ok) throw new ApiError(response.status, await response.json().catch(() => ({})));
}
