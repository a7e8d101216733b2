// The option chain of one expiry: quotes, greeks, open interest and its change, what the change means,
// and what is odd about a quote. Calls left, puts right, strikes between them.

import { csv, download, h, setAttribute, setText, show } from './dom.js';
import * as format from './format.js';
import { get } from './api.js';
import { alive } from './store.js';
import { note } from './empty.js';

const AGAIN_MS = 4000;
/** Series are listed and expire: the expiries are asked for again. */
const EXPIRIES_AGAIN_MS = 60_000;
/** A spread of more than this share of the mid, and of more than this, is called wide. */
const WIDE_SHARE = 0.25;
const WIDE_LEAST = 0.05;

export const title = ({ symbol }) => `${symbol} chain`;
export const selection = ({ symbol }) => ({ symbols: [symbol], names: ['summary', 'oi_buildup', 'expected_move'] });

const number = (key, places, options) => (leg) => [
  format.fixed(leg?.[key], places, { reason: 'the source states none', ...options }),
  leg?.[key],
];
const count = (key, plus) => (leg) => [
  format.compact(leg?.[key], { plus, tone: plus, reason: 'the source states none' }),
  leg?.[key],
];

/** The columns of the puts; the calls have them mirrored. */
const COLUMNS = [
  ['bid', 'Bid', number('bid', 2)],
  ['ask', 'Ask', number('ask', 2)],
  [
    'iv',
    'IV %',
    (leg) => [
      format.fixed(typeof leg?.iv === 'number' ? leg.iv * 100 : undefined, 1, { reason: 'no price to imply it from' }),
      leg?.iv,
    ],
  ],
  ['delta', 'Δ', number('delta', 3)],
  ['gamma', 'Γ', (leg) => [gammaOf(leg?.gamma), leg?.gamma]],
  ['vega', 'Vega', number('vega', 3)],
  ['theta', 'Θ /day', number('theta', 3)],
  ['volume', 'Vol', count('volume', false)],
  ['open_interest', 'OI', count('open_interest', false)],
  ['oi_change', 'ΔOI', count('oi_change', true)],
  ['state', 'Build-up', (leg, built) => [buildUp(built), built?.state]],
  ['flags', 'Flags', (leg) => [flagsOf(leg), undefined]],
];
const TEXT = new Set(['state', 'flags']);

function gammaOf(value) {
  if (typeof value !== 'number') return format.absent('no volatility, no greeks');
  return {
    text:
      Math.abs(value) > 5e-7 && Math.abs(value) < 0.0005 ? value.toExponential(0).replace('-', '−') : value.toFixed(4),
    title: String(value),
  };
}

const STATES = {
  long_build_up: ['▲ long +', 'up', 'opened while its price rose: buyers open'],
  short_build_up: ['▼ short +', 'down', 'opened while its price fell: writers open'],
  long_unwinding: ['▽ long −', 'down', 'closed while its price fell: buyers leave'],
  short_covering: ['△ short −', 'up', 'closed while its price rose: writers leave'],
  new: ['◆ new', null, 'nothing was open before'],
  neutral: ['·', null, 'no change worth a name'],
};

function buildUp(built) {
  if (!built?.state) return format.absent(built?.reason?.replaceAll('_', ' ') ?? 'no reference to compare with yet');
  const [text, tone, help] = STATES[built.state] ?? [built.state, null, ''];
  const change = `open interest ${format.percent(built.oi_pct, 1, { plus: true }).text}, price ${format.percent(built.price_pct, 1, { plus: true }).text} against ${built.oi_reference ?? 'no reference'}`;
  return { text, tone, title: `${built.state.replaceAll('_', ' ')}: ${help}; ${change}` };
}

/** What the server flags, and whether the spread is wide. */
function flagsOf(leg) {
  if (!leg) return { text: 'not listed', title: 'no such contract' };
  const flags = Array.isArray(leg.flags) ? [...leg.flags] : [];
  const { bid, ask } = leg;
  if (bid > 0 && ask - bid > WIDE_LEAST && (ask - bid) / ((bid + ask) / 2) > WIDE_SHARE) flags.push('wide');
  if (leg.age_ms > 60_000) flags.push(`${format.ageText(leg.age_ms)} old`);
  return {
    text: flags.join(' ').replaceAll('_', ' '),
    title: flags.join(', '),
    tone: flags.some((flag) => flag === 'crossed') ? 'warn' : null,
  };
}

export function mount(root, { store, symbol, query, setQuery }) {
  let chain;
  let expiry = query.get('expiry');
  let rows = new Map();
  let timer;
  let expiriesTimer;
  let closed = false;
  const picker = h('select', {
    id: 'expiry',
    onchange: () => {
      expiry = picker.value;
      setQuery({ expiry });
      rows = new Map();
      chain = undefined;
      centred = false;
      load();
    },
  });
  const facts = h('p', { class: 'facts' });
  const age = h('span', { class: 'muted age' });
  const body = h('tbody', {});
  const message = h('div', {}, note('Loading the chain…'));
  const mirrored = [...COLUMNS].reverse();
  const headOf = ([key, label]) => h('th', { scope: 'col', class: TEXT.has(key) ? 'text' : null }, label);
  const table = h(
    'table',
    { class: 'grid' },
    h('caption', { class: 'sr' }, `Option chain of ${symbol}`),
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        h('th', { class: 'group', colspan: COLUMNS.length, scope: 'colgroup' }, 'Calls'),
        h('td', { class: 'mid' }),
        h('th', { class: 'group', colspan: COLUMNS.length, scope: 'colgroup' }, 'Puts'),
      ),
      h('tr', {}, mirrored.map(headOf), h('th', { scope: 'col', class: 'mid' }, 'Strike'), COLUMNS.map(headOf)),
    ),
    body,
  );
  const frame = h(
    'div',
    { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': `Option chain of ${symbol}`, hidden: true },
    table,
  );
  const panel = h(
    'section',
    { class: 'panel chain dense', 'aria-label': 'Option chain' },
    h(
      'div',
      { class: 'bar' },
      h('h2', {}, 'Option chain'),
      h('label', { for: 'expiry', class: 'muted' }, 'Expiry'),
      picker,
      h('button', { type: 'button', class: 'tool', onclick: centre }, 'To the money'),
      age,
      h('button', { type: 'button', class: 'tool', 'aria-label': 'Download the chain as CSV', onclick: save }, 'CSV'),
    ),
    h(
      'p',
      { class: 'unit' },
      'IV and greeks per contract unit: Θ per calendar day, vega per volatility point. Δ of puts negative. Build-up: ▲ long + ▼ short + opened, ▽ long − △ short − closed. Shaded: in the money.',
    ),
    facts,
    message,
    frame,
  );
  root.append(
    h(
      'div',
      { class: 'head' },
      h('h1', {}, symbol),
      h('a', { href: `#/symbol/${encodeURIComponent(symbol)}` }, 'Symbol'),
      h('a', { href: `#/surface/${encodeURIComponent(symbol)}` }, 'Volatility surface'),
    ),
    panel,
  );
  let centred = false;
  start();

  /** Fills the picker, again each minute, and goes on from an expiry that is over to the next. */
  async function start() {
    clearTimeout(expiriesTimer);
    let wait = EXPIRIES_AGAIN_MS;
    try {
      const answer = await get(`/expiries/${encodeURIComponent(symbol)}`);
      if (closed) return;
      offer(Array.isArray(answer) ? answer : answer.expiries);
    } catch (error) {
      if (closed) return;
      if (!chain) say(`The expiries of ${symbol} did not come: ${error.message}.`);
      wait = AGAIN_MS;
    }
    expiriesTimer = setTimeout(start, wait);
  }

  function offer(expiries) {
    if (!expiries.length) {
      clearTimeout(timer);
      expiry = undefined;
      chain = undefined;
      picker.replaceChildren();
      picker.known = '';
      return say(
        `No expiry of ${symbol} is live: nothing writes options:${symbol}:chain, or it is older than five minutes.`,
      );
    }
    const gone = !expiries.includes(expiry);
    if (gone) expiry = expiries[0];
    if (gone || picker.known !== expiries.join()) {
      picker.known = expiries.join();
      picker.replaceChildren(...expiries.map((one) => h('option', { value: one, selected: one === expiry }, one)));
    }
    if (!gone && chain) return;
    rows = new Map();
    chain = undefined;
    centred = false;
    load();
  }

  async function load() {
    clearTimeout(timer);
    if (closed || !expiry) return;
    const wanted = expiry;
    try {
      const found = await get(`/chain/${encodeURIComponent(symbol)}?expiry=${encodeURIComponent(wanted)}&greeks=true`);
      if (closed || wanted !== expiry) return;
      chain = found;
      draw();
    } catch (error) {
      if (closed || wanted !== expiry) return;
      if (!chain) say(`The chain of ${wanted} did not come: ${error.message}.`);
    }
    clearTimeout(timer);
    timer = setTimeout(load, AGAIN_MS);
  }

  function say(text) {
    message.replaceChildren(note(text));
    message.hidden = false;
    frame.hidden = true;
  }

  /** The row of this chain; of two series that expire on one date, the one of the same size. */
  function ofSeries(rows) {
    const apart = (row) =>
      Math.abs((row.call_oi ?? 0) - (chain.total_call_oi ?? 0)) +
      Math.abs((row.put_oi ?? 0) - (chain.total_put_oi ?? 0));
    return (rows ?? []).filter((row) => row.expiry === chain.expiry).sort((a, b) => apart(a) - apart(b))[0];
  }

  function buildUps() {
    const found = ofSeries(store.get(symbol, 'oi_buildup')?.by_expiry);
    return { found, of: new Map((found?.strikes ?? []).map((one) => [one.strike, one])) };
  }

  function draw() {
    message.hidden = true;
    frame.hidden = false;
    const { found, of } = buildUps();
    const strikes = chain.strikes;
    if (rows.size !== strikes.length || !strikes.every((strike) => rows.has(strike))) {
      rows = new Map(strikes.map((strike) => [strike, makeRow(strike)]));
      body.replaceChildren(...[...rows.values()].map((row) => row.element));
    }
    const legs = (side) => new Map(chain[side].filter(Boolean).map((leg) => [leg.strike, leg]));
    const calls = legs('calls');
    const puts = legs('puts');
    for (const [strike, row] of rows) {
      const built = of.get(strike);
      setAttribute(row.element, 'class', strike === chain.atm_strike ? 'atm' : null);
      COLUMNS.forEach(([, , write], i) => {
        show(row.calls[i], ...write(calls.get(strike), built?.call));
        show(row.puts[i], ...write(puts.get(strike), built?.put));
        setAttribute(row.calls[i], 'class', cellClass(i, strike < chain.spot_price));
        setAttribute(row.puts[i], 'class', cellClass(i, strike > chain.spot_price));
      });
    }
    drawFacts(found);
    if (!centred) centre();
  }

  const cellClass = (i, inside) =>
    [TEXT.has(COLUMNS[i][0]) ? 'text' : '', inside ? 'itm' : ''].join(' ').trim() || null;

  function makeRow(strike) {
    const cells = (side) =>
      COLUMNS.map(([key]) => h('td', { 'data-symbol': symbol, 'data-field': `chain.${side}.${strike}.${key}` }));
    const calls = cells('calls');
    const puts = cells('puts');
    return {
      calls,
      puts,
      element: h(
        'tr',
        {},
        [...calls].reverse(),
        h('th', { scope: 'row', class: 'mid' }, format.priceText(strike)),
        puts,
      ),
    };
  }

  function drawFacts(found) {
    const fact = (label, shown) =>
      h('span', {}, h('span', { class: 'muted' }, `${label} `), show(h('span', {}), shown));
    const move = store.get(symbol, 'expected_move')?.by_expiry?.find((one) => one.expiry === chain.expiry);
    facts.replaceChildren(
      fact('spot', format.price(chain.spot_price)),
      fact('at the money', format.price(chain.atm_strike)),
      fact('straddle', format.fixed(chain.atm_straddle_price, 2, { reason: 'a leg has no quote' })),
      fact('1 σ', format.percent(move?.em_1sd_iv_pct, 2, { reason: move?.reason ?? 'not computed yet' })),
      fact('max pain', format.price(chain.max_pain_strike)),
      fact('PCR OI', format.fixed(chain.pcr_oi, 2)),
      fact('PCR volume', format.fixed(chain.pcr_volume, 2)),
      fact('call OI', format.compact(chain.total_call_oi, { plus: false, tone: false })),
      fact('put OI', format.compact(chain.total_put_oi, { plus: false, tone: false })),
      fact('support', format.price(found?.support)),
      fact('resistance', format.price(found?.resistance)),
      h('span', {}, found?.interpretation ?? ''),
    );
  }

  /** Scrolls the strikes at the money into the middle. */
  function centre() {
    const row = rows.get(chain?.atm_strike);
    if (!row) return;
    centred = true;
    frame.scrollTop = row.element.offsetTop - frame.clientHeight / 2;
    frame.scrollLeft = (frame.scrollWidth - frame.clientWidth) / 2;
  }

  function save() {
    if (!chain) return;
    const keys = COLUMNS.map(([key]) => key).filter((key) => !TEXT.has(key));
    const legs = (side) => new Map(chain[side].filter(Boolean).map((leg) => [leg.strike, leg]));
    const calls = legs('calls');
    const puts = legs('puts');
    const head = [
      'strike',
      ...keys.map((key) => `call_${key}`),
      'call_state',
      ...keys.map((key) => `put_${key}`),
      'put_state',
    ];
    const { of } = buildUps();
    const lines = chain.strikes.map((strike) => [
      strike,
      ...keys.map((key) => calls.get(strike)?.[key]),
      of.get(strike)?.call?.state,
      ...keys.map((key) => puts.get(strike)?.[key]),
      of.get(strike)?.put?.state,
    ]);
    download(`${symbol}-chain-${expiry.replace(':', '-')}.csv`, 'text/csv', csv([head, ...lines]));
  }

  return {
    tick() {
      const at = Date.parse(chain?.timestamp);
      const old = store.now() - at;
      setText(age, chain ? `${old > 60_000 ? 'stale ' : ''}${format.ageText(old)}` : '');
      const fresh = alive(store.get(symbol, 'summary'), store.now());
      setAttribute(
        panel,
        'data-state',
        old > 60_000 || (fresh.state !== 'ok' && fresh.state !== 'none') ? 'stale' : null,
      );
    },
    close() {
      closed = true;
      clearTimeout(timer);
      clearTimeout(expiriesTimer);
    },
  };
}
