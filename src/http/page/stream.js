// The stream of documents: one EventSource for the present selection, watched so that its loss is
// noticed within two seconds even where the connection stays open and says nothing.

/** The server beats once a second; under two seconds of silence the page must say so. */
const SILENCE_MS = 1800;
/** How long a connection may take to say its first word. */
const PATIENCE_MS = 5000;
/** Over how long the largest offset of the clocks is taken. */
const OFFSETS_MS = 5 * 60_000;
const RETRY_MS = [500, 1000, 2000, 4000];

export class Stream {
  constructor(store, { onState, onUnauthorized }) {
    this.store = store;
    this.onState = onState;
    this.onUnauthorized = onUnauthorized;
    this.state = { connected: false, since: Date.now(), why: 'connecting', first: true };
    this.failures = 0;
    this.settled = false;
    /** Offsets of the clocks lately seen, falling: the first is the largest. */
    this.offsets = [];
    setInterval(() => this.watch(), 250);
  }

  /** Replaces what is streamed: `{symbols, names}`, each an array, or null for all. */
  select(selection) {
    const query = new URLSearchParams();
    if (selection.symbols) query.set('symbols', selection.symbols.join(','));
    if (selection.names) query.set('names', selection.names.join(','));
    const text = query.toString();
    if (text === this.query && this.source) return;
    this.query = text;
    this.selection = selection;
    this.store.forget((symbol, name) => this.selects(symbol, name));
    this.lastId = undefined;
    this.settled = false;
    this.open();
  }

  selects(symbol, name) {
    const { symbols, names } = this.selection;
    return (!symbols || symbols.includes(symbol)) && (!names || names.includes(name));
  }

  open() {
    clearTimeout(this.retry);
    this.source?.close();
    const query = new URLSearchParams(this.query);
    if (this.lastId) query.set('last_event_id', this.lastId);
    const source = new EventSource(`/stream?${query}`);
    this.source = source;
    this.heard = Date.now();
    const seen = new Set();
    let snapshot = true;
    const on = (type, take) =>
      source.addEventListener(type, (event) => {
        if (source !== this.source) return;
        this.heard = Date.now();
        if (event.lastEventId) this.lastId = event.lastEventId;
        take(event.data);
      });
    on('document', (data) => {
      const { symbol, name } = this.store.put(data);
      if (snapshot) seen.add(`${symbol} ${name}`);
    });
    on('snapshot_end', () => {
      snapshot = false;
      // Only a full snapshot has an end, also where one was sent in place of what was asked to go on from.
      this.store.keepOnly(seen, (symbol, name) => this.selects(symbol, name));
      seen.clear();
      this.settled = true;
      this.up();
    });
    on('gone', (data) => this.store.drop(JSON.parse(data)));
    on('heartbeat', (data) => {
      const { now, behind } = JSON.parse(data);
      this.store.clockOffset = this.offset(now - Date.now());
      this.behind = behind;
      this.up();
    });
    on('dropped', (data) => this.down(`dropped by the server: ${JSON.parse(data).reason}`));
    source.onerror = () => {
      if (source === this.source) this.down('stream lost');
    };
  }

  /** The server's clock less ours: the largest of some minutes, which was the least time on its way. */
  offset(newest) {
    const at = performance.now();
    if (this.offsets[0]?.value - newest > SILENCE_MS) this.offsets = []; // Nothing is so long on its way: a clock was set.
    this.offsets = this.offsets.filter((one) => at - one.at < OFFSETS_MS && one.value > newest);
    this.offsets.push({ at, value: newest });
    return this.offsets[0].value;
  }

  up() {
    this.failures = 0;
    if (!this.state.connected) this.enter({ connected: true, since: Date.now() });
  }

  /** Says that the stream is away and tries again; a refused sign-in is told instead. */
  down(why) {
    this.source?.close();
    this.source = undefined;
    if (this.state.connected || this.state.first)
      this.enter({ connected: false, since: this.heard ?? Date.now(), why });
    clearTimeout(this.retry);
    const wait = RETRY_MS[Math.min(this.failures++, RETRY_MS.length - 1)];
    this.retry = setTimeout(async () => {
      if (await this.refused()) return this.onUnauthorized();
      this.open();
    }, wait);
  }

  async refused() {
    try {
      return (await fetch('/symbols', { cache: 'no-store' })).status === 401;
    } catch {
      return false;
    }
  }

  watch() {
    const silence = Date.now() - this.heard;
    if (this.source && silence > (this.state.connected ? SILENCE_MS : PATIENCE_MS)) this.down('stream silent');
  }

  enter(state) {
    this.state = state;
    this.onState(state);
  }
}
