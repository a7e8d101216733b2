// The frame of the page: views by the address after #, the header's pulse, the banner that says what
// is stale, sign-in, and dark or light. Views draw themselves; see overview.js for what one is.

import { h, setAttribute, setText } from './dom.js';
import { ageText, timeText } from './format.js';
import { ALL, Store, alive, freshness } from './store.js';
import { Stream } from './stream.js';
import { get, signIn, unauthorized } from './api.js';
import { empty } from './empty.js';
import * as charts from './charts.js';
import * as overview from './overview.js';
import * as symbol from './symbol.js';
import * as chain from './chain.js';
import * as surface from './surface.js';
import * as correlation from './correlation.js';
import * as sectors from './sectors.js';
import * as jobs from './jobs.js';

const VIEWS = { overview, symbol, chain, surface, correlation, sectors, jobs };
const LABELS = {
  overview: 'Overview',
  symbol: 'Symbol',
  chain: 'Chain',
  surface: 'Surface',
  correlation: 'Correlation',
  sectors: 'Sectors',
  jobs: 'Jobs',
};
/** Views of one symbol: `#/chain/SPY`. */
const OF_SYMBOL = new Set(['symbol', 'chain', 'surface']);
/** What the server takes for a symbol; of anything else it would refuse the stream. */
const SYMBOL = /^[A-Za-z0-9._^-]{1,32}$/;
/** The header needs these, whatever the view streams. */
const ALWAYS = ['heartbeat', 'vix1d'];
/** An engine that did not beat for so long stands still. */
const STILL_MS = 2000;
const TICK_MS = 500;
/** Symbols come and go, and their sessions open and close. */
const SYMBOLS_AGAIN_MS = 60_000;

const byId = (id) => document.getElementById(id);
const store = new Store();
let symbols = [];
/** The symbols that the search box offers. */
let listed;
let view;
let route;

const stream = new Stream(store, {
  onState: () => {
    drawState();
    if (stream.state.connected) loadSymbols();
  },
  onUnauthorized: showSignIn,
});

/** A part of the address as it was meant; what is no code stands for itself. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function parse() {
  const [path, query] = location.hash.replace(/^#\/?/, '').split('?');
  const [name, ...rest] = path.split('/').map(decoded);
  const known = Object.hasOwn(VIEWS, name) ? name : 'overview';
  return { name: known, symbol: rest[0] || undefined, query: new URLSearchParams(query) };
}

/** Changes what follows `?` in the address without another view being drawn. */
function setQuery(changes) {
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === undefined) route.query.delete(key);
    else route.query.set(key, value);
  }
  const text = route.query.toString();
  history.replaceState(null, '', `#/${path(route.name, route.symbol)}${text && `?${text}`}`);
}

const path = (name, of) =>
  OF_SYMBOL.has(name) && of ? `${name}/${encodeURIComponent(of)}` : name === 'overview' ? '' : name;

function go() {
  route = parse();
  if (OF_SYMBOL.has(route.name) && !route.symbol) {
    route.symbol = localStorage.getItem('symbol') ?? symbols[0]?.symbol;
    if (route.symbol) history.replaceState(null, '', `#/${path(route.name, route.symbol)}`);
  }
  const sound = !OF_SYMBOL.has(route.name) || SYMBOL.test(route.symbol ?? '');
  if (OF_SYMBOL.has(route.name) && sound) localStorage.setItem('symbol', route.symbol);
  view?.close?.();
  charts.closeAll();
  const main = byId('main');
  main.replaceChildren();
  main.className = `view-${route.name}`;
  const module = VIEWS[route.name];
  document.title = `${module.title(route)} · analytics`;
  drawNav();
  if (!sound) {
    main.append(route.symbol ? empty('unknown', route.symbol) : empty('symbols'));
    view = undefined;
    return select({ symbols: [], names: [] });
  }
  const context = { store, symbol: route.symbol, query: route.query, setQuery, empty, symbols: () => symbols, stream };
  view = module.mount(main, context);
  select(module.selection(route));
  view.tick?.();
  scrollTo(0, 0);
}

function select({ symbols: of, names }) {
  stream.select({ symbols: of && [...of, ALL], names: names && [...new Set([...names, ...ALWAYS])] });
}

function drawNav() {
  const of = route.symbol ?? localStorage.getItem('symbol') ?? undefined;
  const links = Object.entries(LABELS).map(([name, label]) =>
    h('a', { href: `#/${path(name, of)}`, 'aria-current': name === route.name ? 'page' : null }, label),
  );
  byId('nav').replaceChildren(...links);
  const current = links.find((link) => link.hasAttribute('aria-current'));
  if (current) byId('nav').scrollLeft = current.offsetLeft - byId('nav').offsetLeft - 60; // A narrow screen shows a few of them.
}

async function loadSymbols() {
  try {
    symbols = (await get('/symbols')).symbols;
  } catch {
    return; // The banner says that the server is away; the stream's return asks again.
  }
  const names = symbols.map((one) => one.symbol);
  if (names.join() !== listed) byId('jump-list').replaceChildren(...names.map((value) => h('option', { value })));
  listed = names.join();
  if (OF_SYMBOL.has(route.name) && !route.symbol && symbols.length) go();
}

// ---- what is stale ----

/** The worst of what is wrong: `{state, text}`, or nothing. */
function trouble() {
  const { connected, since, why, first } = stream.state;
  if (!connected)
    return {
      state: first ? 'wait' : 'lost',
      text: first ? 'Connecting…' : `Stream lost at ${timeText(since)} (${why}); reconnecting. Numbers are as of then.`,
    };
  const now = store.now();
  const beat = store.get(ALL, 'heartbeat');
  if (!beat)
    return stream.settled
      ? { state: 'stale', text: 'The engine has sent no heartbeat. Is it running? See /health.' }
      : undefined;
  if (!beat.running)
    return { state: 'stale', text: `The engine was stopped at ${timeText(beat.ts)}. Stale since then.` };
  if (now - beat.ts > stillAfter(beat))
    return { state: 'stale', text: `Stale since ${timeText(beat.ts)}: the engine has not turned since then.` };
  return staleMarket(now, beat);
}

/** After how long without a turn an engine of this pace stands still. */
const stillAfter = (beat) => Math.max(STILL_MS, 3000 / beat.cadence_hz);

/** Whether no symbol in view has data that speak for now. */
function staleMarket(now, beat) {
  const shown = OF_SYMBOL.has(route.name) ? [route.symbol] : store.symbols();
  if (route.name !== 'overview' && !OF_SYMBOL.has(route.name)) return staleTotals(now);
  let since = 0;
  let any = false;
  for (const name of shown) {
    const summary = store.get(name, 'summary');
    if (!summary) continue;
    any = true;
    const fresh = alive(summary, now);
    if (fresh.state === 'ok') return undefined;
    since = Math.max(since, fresh.since ?? 0);
  }
  if (!any) return undefined;
  const why = beat.session === 'open' ? '' : ` The session is ${beat.session}.`;
  const whose = OF_SYMBOL.has(route.name) ? `${route.symbol} is stale` : 'Market data are stale';
  return { state: 'stale', text: `${whose} since ${timeText(since)}.${why}` };
}

/** Views without symbols rest on the roll-ups. */
function staleTotals(now) {
  const portfolio = store.get(ALL, 'portfolio');
  const fresh = freshness(portfolio, now);
  const rows = portfolio?.symbol_rows ?? [];
  if (rows.length && rows.every((row) => row.status?.ticker))
    return {
      state: 'stale',
      text: `Market data are stale since ${timeText(portfolio.meta.as_of_ms)}: no symbol has a fresh quote.`,
    };
  if (!portfolio || fresh.state === 'ok') return undefined;
  return { state: 'stale', text: `The totals are ${fresh.state} since ${timeText(fresh.since)} (${fresh.reason}).` };
}

function drawState() {
  const wrong = trouble();
  setAttribute(document.body, 'data-state', wrong?.state);
  const banner = byId('banner');
  banner.hidden = !wrong || wrong.state === 'wait';
  setText(banner, wrong?.text ?? '');
  drawPulse();
}

const pills = {};
function pill(key, label, text, tone, title) {
  if (!pills[key]) {
    pills[key] = h('span', { class: 'pill' }, h('span', { class: 'muted' }, label), ' ', h('b', {}));
    byId('pulse').append(pills[key]);
  }
  setText(pills[key].lastChild, text);
  setAttribute(pills[key], 'data-tone', tone);
  setAttribute(pills[key], 'title', title);
}

function drawPulse() {
  const beat = store.get(ALL, 'heartbeat');
  const ms = (value) => (typeof value === 'number' ? (value >= 9.95 ? value.toFixed(0) : value.toFixed(1)) : '–');
  const { connected } = stream.state;
  pill(
    'stream',
    'stream',
    connected ? (stream.behind > 100 ? `${stream.behind} behind` : 'live') : 'lost',
    connected ? 'good' : 'warn',
    'Connection to the server',
  );
  pill(
    'session',
    'session',
    beat?.session ?? '–',
    beat?.session === 'open' ? 'good' : null,
    'What the default exchange is doing',
  );
  pill(
    'beat',
    'beat',
    beat ? ageText(store.now() - beat.ts) : '–',
    !beat || store.now() - beat.ts > stillAfter(beat) ? 'warn' : null,
    'Time since the engine’s last heartbeat',
  );
  pill(
    'pass',
    'pass',
    beat ? `${ms(beat.pass.last_ms)} ms` : '–',
    null,
    beat
      ? `pass ${beat.pass.count}: last ${ms(beat.pass.last_ms)} ms, p50 ${ms(beat.pass.p50_ms)} ms, p99 ${ms(beat.pass.p99_ms)} ms, skipped ${beat.pass.skipped}, late ${ms(beat.pass.late_ms)} ms`
      : null,
  );
  pill('p99', 'p99', beat ? `${ms(beat.pass.p99_ms)} ms` : '–', null, '99th percentile of the passes’ time');
  pill('clock', '', timeText(store.now()), null, 'The server’s time, in your zone');
}

// ---- sign-in ----

function showSignIn() {
  if (byId('token')) return;
  const message = h('p', { class: 'warn', role: 'alert' });
  const input = h('input', { id: 'token', type: 'password', autocomplete: 'current-password', required: true });
  const form = h(
    'form',
    { class: 'panel signin', onsubmit: submit },
    h('h1', {}, 'Sign in'),
    h(
      'p',
      {},
      'This server wants a token. Whoever runs it makes one with ',
      h('code', {}, 'analytics token new NAME'),
      '.',
    ),
    h('label', { for: 'token' }, 'Token'),
    input,
    message,
    h('button', { type: 'submit' }, 'Sign in'),
  );
  view?.close?.();
  view = undefined;
  byId('main').replaceChildren(form);
  input.focus();
  async function submit(event) {
    event.preventDefault();
    try {
      await signIn(input.value);
    } catch (error) {
      setText(message, error.status === 401 ? 'This token is not known here.' : error.message);
      return;
    }
    await loadSymbols();
    go();
    stream.open();
  }
}
unauthorized.addEventListener('needed', showSignIn);

// ---- dark and light, keys ----

function dark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

function setTheme(name) {
  if (name) document.documentElement.dataset.theme = name;
  charts.redrawAll();
}

byId('theme').addEventListener('click', () => {
  const name = dark() ? 'light' : 'dark';
  localStorage.setItem('theme', name);
  setTheme(name);
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => charts.redrawAll());

byId('skip').addEventListener('click', (event) => {
  event.preventDefault(); // The address after # is the view's.
  byId('main').focus();
});

byId('jump').addEventListener('submit', (event) => {
  event.preventDefault();
  jump();
});
byId('jump-to').addEventListener('change', jump);

function jump() {
  const wanted = byId('jump-to').value.trim();
  if (!wanted) return;
  const known = symbols.find(({ symbol: name }) => name.toLowerCase() === wanted.toLowerCase());
  const name = OF_SYMBOL.has(route.name) ? route.name : 'symbol';
  location.hash = `#/${path(name, known?.symbol ?? wanted.toUpperCase())}`;
  byId('jump-to').value = '';
  byId('jump-to').blur();
}

addEventListener('keydown', (event) => {
  if (event.target.matches('input, select, textarea') || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === '/') {
    event.preventDefault();
    byId('jump-to').focus();
  }
});

// ---- start ----

setTheme(localStorage.getItem('theme'));
store.listeners.add((changed) => {
  if (changed.get(ALL)?.has('heartbeat')) drawState();
  view?.update?.(changed);
});
addEventListener('hashchange', () => {
  go();
  byId('main').focus({ preventScroll: true }); // The next Tab goes into the new view.
});
setInterval(() => {
  drawState();
  view?.tick?.();
}, TICK_MS);
setInterval(() => {
  if (stream.state.connected) loadSymbols();
}, SYMBOLS_AGAIN_MS);
await loadSymbolsFirst();

async function loadSymbolsFirst() {
  route = parse();
  await loadSymbols();
  if (!byId('token')) go();
}
