// What the server has published, as last heard: documents by symbol and name, and the server's clock.

/** The symbol under which roll-ups stand. */
export const ALL = '*';

export class Store {
  documents = new Map();
  /** Reports changes as a map of symbol → set of names, at most once a frame. */
  listeners = new Set();
  changed = new Map();
  /** Entries whose text was not parsed yet: one for each document, its newest. */
  unread = new Map();
  /** The server's clock less ours, milliseconds. */
  clockOffset = 0;

  now() {
    return Date.now() + this.clockOffset;
  }

  /** Takes an event's text; the document in it is read when someone looks, or in an idle moment. */
  put(text) {
    const { symbol, name, entry } = unpack(text);
    let names = this.documents.get(symbol);
    if (!names) this.documents.set(symbol, (names = new Map()));
    names.set(name, entry);
    const key = `${symbol} ${name}`;
    this.unread.delete(key); // What it replaces is read by nobody any more.
    if (entry.text) this.readLater(key, entry);
    this.note(symbol, name);
    return { symbol, name };
  }

  /** A page out of sight reads only what is asked for: its idle moments may never come. */
  readLater(key, entry) {
    if (document.hidden) return;
    this.unread.set(key, entry);
    this.reading ??= idle((deadline) => this.readSome(deadline));
  }

  readSome(deadline) {
    this.reading = undefined;
    let least = deadline.didTimeout ? 1 : 0; // A browser that is never idle gets on, too.
    for (const [key, entry] of this.unread) {
      if (least-- <= 0 && deadline.timeRemaining() <= 3) break;
      this.unread.delete(key);
      read(entry);
    }
    if (this.unread.size) this.reading = idle((again) => this.readSome(again));
  }

  drop({ symbol, name }) {
    this.unread.delete(`${symbol} ${name}`);
    this.documents.get(symbol)?.delete(name);
    this.note(symbol, name);
  }

  /** Forgets what a new snapshot did not confirm: `seen` holds its "symbol name" pairs. */
  keepOnly(seen, selected) {
    for (const [symbol, names] of this.documents) {
      for (const name of names.keys()) {
        if (selected(symbol, name) && !seen.has(`${symbol} ${name}`)) this.drop({ symbol, name });
      }
    }
  }

  /** Forgets what is no longer streamed: it would stand there and grow old. */
  forget(selected) {
    for (const [symbol, names] of this.documents) {
      for (const name of [...names.keys()]) {
        if (selected(symbol, name)) continue;
        names.delete(name);
        this.unread.delete(`${symbol} ${name}`);
      }
      if (!names.size) this.documents.delete(symbol);
    }
  }

  get(symbol, name) {
    return read(this.documents.get(symbol)?.get(name));
  }

  publishedAt(symbol, name) {
    return this.documents.get(symbol)?.get(name)?.publishedAt;
  }

  symbols() {
    return [...this.documents.keys()].filter((symbol) => symbol !== ALL && this.documents.get(symbol).size);
  }

  note(symbol, name) {
    let names = this.changed.get(symbol);
    if (!names) this.changed.set(symbol, (names = new Set()));
    names.add(name);
    if (this.scheduled) return;
    this.scheduled = true;
    // A frame in sight, a timer in the background, where no frames come.
    const soon = document.hidden ? (run) => setTimeout(run, 500) : requestAnimationFrame;
    soon(() => this.tell());
  }

  tell() {
    const changed = this.changed;
    this.changed = new Map();
    this.scheduled = false;
    for (const listener of this.listeners) listener(changed);
  }
}

const idle = (run) =>
  window.requestIdleCallback
    ? requestIdleCallback(run, { timeout: 1000 })
    : setTimeout(() => run({ timeRemaining: () => 8 }), 50);

const CUT = ',"document":';

/** An event's head, and its document as text: many are replaced before anyone looks at them. */
function unpack(text) {
  const cut = text.indexOf(CUT);
  try {
    const head = JSON.parse(`${text.slice(0, cut)}}`);
    return {
      ...head,
      entry: { text: text.slice(cut + CUT.length, text.lastIndexOf('}')), publishedAt: head.published_at },
    };
  } catch {
    const { symbol, name, published_at: publishedAt, document } = JSON.parse(text);
    return { symbol, name, entry: { document, publishedAt } };
  }
}

function read(entry) {
  if (entry?.text) {
    entry.document = JSON.parse(entry.text);
    entry.text = undefined;
  }
  return entry?.document;
}

/**
 * Whether a document speaks for now: `{state, reason, since, real}` with `state` one of `ok`, `stale`,
 * `none`, or what the document says of itself. Its numbers are measurements only where `real`: what
 * ended holds neutral values in their place.
 */
export function freshness(document, now) {
  if (!document) return { state: 'none', reason: 'nothing published yet' };
  const meta = document.meta;
  if (!meta) return { state: 'ok', real: true };
  if (meta.status !== 'ok') return { state: meta.status, reason: meta.reason ?? meta.status, since: meta.as_of_ms };
  if (now > meta.valid_until_ms) {
    return { state: 'stale', reason: 'older than it may be believed', since: meta.valid_until_ms, real: true };
  }
  return { state: 'ok', delayed: delayOf(document), real: true };
}

/**
 * Whether a symbol's market is alive, by its summary. That stays `ok` as long as any part of it is;
 * without quotes the rest is of the past, whatever its age.
 */
export function alive(summary, now) {
  const fresh = freshness(summary, now);
  const quote = summary?.status?.ticker;
  if (fresh.state !== 'ok' || !quote) return fresh;
  return { ...fresh, state: quote, reason: `its quotes are ${quote}`, since: summary.meta.as_of_ms };
}

/** Whether its numbers are from a delayed source, and by how much where that is known. */
function delayOf(document) {
  const ms = document.basis?.delay_ms;
  if (ms > 0) return `${Math.round(ms / 60_000)} min`;
  return document.meta.delayed || document.delayed ? 'yes' : undefined;
}

/** The value at a path of keys, `undefined` where any of them is missing. */
export function pick(document, path) {
  let value = document;
  for (const key of path.split('.')) value = value?.[key];
  return value;
}
