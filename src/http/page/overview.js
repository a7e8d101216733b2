// The overview: every symbol in one table, the totals of each currency, and one-day volatility.

import { h, setAttribute, setText, show, svg } from './dom.js';
import * as format from './format.js';
import { ALL, alive, freshness, pick } from './store.js';
import { Table, plainTable, value } from './table.js';
import * as reference from './reference.js';

const NAMES = ['summary', 'gex', 'vpin', 'pcr', 'toxicity', 'portfolio'];

export const title = () => 'Overview';
export const selection = () => ({ symbols: null, names: NAMES });

/** What the summary's scalars come from. */
const PARTS = { spot: 'ticker', signed_gex: 'gex', level5_imbalance: 'obi', iv30: 'skew' };

/** The number at `name.path` of a symbol's documents, or why there is none. */
function read(row, field) {
  const [name, ...path] = field.split('.');
  const document = row.documents[name];
  const fresh = freshness(document, row.now);
  const found = document && fresh.state !== 'none' ? pick(document, path.join('.')) : undefined;
  const part = name === 'summary' ? document?.status?.[PARTS[path[0]]] : undefined;
  const reason = part ? `${PARTS[path[0]]} ${part}` : fresh.state === 'ok' ? `${name}: not defined for this book` : `${name} ${fresh.state}: ${fresh.reason}`;
  return { value: (fresh.real ? found : undefined) ?? undefined, reason };
}

function number(field, label, help, write, more = {}) {
  return {
    key: more.key ?? field, label, title: help, field,
    sort: (row) => read(row, field).value,
    raw: (row) => read(row, field).value,
    show: (row) => {
      const { value: found, reason } = read(row, field);
      return write(found, { reason }, row);
    },
  };
}

const columns = () => [
  { key: 'symbol', label: 'Symbol', text: true, title: 'Symbol; opens its page', sort: (row) => row.symbol, show: (row) => ({ text: row.symbol }) },
  number('summary.spot', 'Spot', 'Last trade, else mid, in the symbol’s currency', format.price, { key: 'spot' }),
  {
    key: 'change', label: 'Change', title: 'Spot against the open of the oldest bar of the session that the engine keeps',
    sort: (row) => changeOf(row)?.pct,
    show: (row) => {
      const change = changeOf(row);
      if (!change) return format.absent('no bar of the session yet');
      return { ...format.percent(change.pct, 2, { plus: true, tone: true }), title: `since ${change.since}, open ${change.open}` };
    },
  },
  number('summary.signed_gex', 'Net GEX', 'Gamma exposure with the dealers’ sign (long calls, short puts), money per +1 % of spot; + damps moves', format.compact, { key: 'netgex' }),
  number('gex.zero_gamma.nearest', 'Zero γ', 'Spot nearest by at which net gamma, re-priced, changes sign', format.price, { key: 'zero' }),
  number('gex.zero_gamma.distance_pct', 'Dist.', 'Spot less zero gamma, percent of spot: + spot stands above', (v, o) => format.percent(v, 2, { ...o, plus: true, tone: true }), { key: 'distance' }),
  {
    ...number('gex.regime', 'Regime', 'What hedging does to moves: stabilizing damps, destabilizing feeds', format.word, { key: 'regime' }),
    text: true, show: regimeOf,
  },
  {
    key: 'levels', label: 'Levels, ±2 σ', title: 'Spot in the middle, two daily standard deviations to each side (IV 30d); ◆ zero gamma, ▲ call wall, ▼ put wall',
    sort: (row) => Math.abs(read(row, 'gex.zero_gamma.distance_pct').value ?? Infinity), draw: drawLevels,
  },
  number('vpin.value', 'VPIN', 'Share of one-sided volume over the last buckets, 0 to 1', (v, o) => format.fixed(v, 3, o), { key: 'vpin' }),
  number('vpin.percentile', 'VPIN pct', 'Where VPIN stands among its own past values; high is toxic', (v, o) => format.share(v, 0, o), { key: 'vpin_percentile' }),
  number('toxicity.toxicity_adjusted', 'Toxicity', 'VPIN, one-sidedness and large prints together, 0 to 1', toxicityOf, { key: 'toxicity' }),
  number('summary.level5_imbalance', 'OBI', 'Order-book imbalance of five levels, −1 all offered to +1 all bid', (v, o) => format.fixed(v, 2, { ...o, plus: true, tone: true }), { key: 'obi' }),
  number('pcr.total.pcr_oi', 'PCR', 'Open interest of puts over that of calls, all expiries', (v, o) => format.fixed(v, 2, o), { key: 'pcr' }),
  number('summary.iv30', 'IV 30d', 'At-the-money implied volatility at 30 days', (v, o) => format.share(v, 1, o), { key: 'iv30' }),
  {
    key: 'age', label: 'Age', title: 'Time since the newest input of the summary',
    sort: (row) => row.documents.summary?.meta.as_of_ms,
    show: (row) => ageOf(row),
  },
];

/** Where zero gamma and the walls lie around spot, on a line of two daily deviations to each side. */
function drawLevels(cell, row) {
  const gex = row.documents.gex;
  const spot = row.documents.summary?.spot;
  const reach = (2 * (row.documents.summary?.iv30 ?? 0.3)) / Math.sqrt(365);
  const x = (level) => (typeof level === 'number' && spot ? 50 + ((level / spot - 1) / reach) * 50 : undefined);
  const marks = [['zero', x(gex?.zero_gamma?.nearest)], ['call', x(gex?.call_wall)], ['put', x(gex?.put_wall)]].filter(([, at]) => at >= 2 && at <= 98);
  const drawn = marks.map(([name, at]) => `${name}${at.toFixed(0)}`).join();
  if (cell.drawn === drawn) return;
  cell.drawn = drawn;
  const shapes = { zero: (at) => `M${at} 3l3 5l-3 5l-3 -5z`, call: (at) => `M${at} 2l3.5 5h-7z`, put: (at) => `M${at} 14l3.5 -5h-7z` };
  cell.replaceChildren(svg('svg', { class: 'levels', viewBox: '0 0 100 16', 'aria-hidden': 'true' },
    svg('path', { class: 'axis', d: 'M0 8H100' }), svg('path', { class: 'spot', d: 'M50 1V15' }),
    marks.map(([name, at]) => svg('path', { class: name, d: shapes[name](at.toFixed(1)) }))));
  setAttribute(cell, 'title', spot && gex ? `zero gamma ${format.price(gex.zero_gamma?.nearest).text}, call wall ${format.price(gex.call_wall).text}, put wall ${format.price(gex.put_wall).text}` : 'no gamma yet');
}

function changeOf(row) {
  const open = reference.openOf(row.symbol);
  const spot = row.documents.summary?.spot;
  if (!open || typeof spot !== 'number') return undefined;
  return { pct: (spot / open.price - 1) * 100, since: format.timeText(open.at), open: open.price };
}

function regimeOf(row) {
  const { value: regime, reason } = read(row, 'gex.regime');
  if (!regime) return format.absent(reason);
  const sign = { stabilizing: '▲', destabilizing: '▼', neutral: '■' }[regime] ?? '';
  return { text: `${sign} ${regime}`, tone: regime === 'destabilizing' ? 'down' : regime === 'stabilizing' ? 'up' : null };
}

function toxicityOf(found, options, row) {
  const shown = format.fixed(found, 2, options);
  const level = row.documents.toxicity?.toxicity_adjusted_level;
  return shown.missing || !level ? shown : { ...shown, text: `${level} ${shown.text}`, title: `${level}, ${found}`, tone: level === 'high' ? 'warn' : null };
}

function ageOf(row) {
  const document = row.documents.summary;
  if (!document) return format.absent('no summary');
  const fresh = alive(document, row.now);
  const text = format.ageText(row.now - document.meta.as_of_ms);
  const delayed = fresh.delayed ? ` delayed ${fresh.delayed}` : '';
  return { text: (fresh.state === 'ok' ? text : `${fresh.state} ${text}`) + delayed, title: fresh.reason, tone: fresh.state === 'ok' ? null : 'warn' };
}

/** The documents of a symbol, each read only where a column looks at it. */
function lazily(store, symbol) {
  return {
    get summary() { return store.get(symbol, 'summary'); },
    get gex() { return store.get(symbol, 'gex'); },
    get vpin() { return store.get(symbol, 'vpin'); },
    get pcr() { return store.get(symbol, 'pcr'); },
    get toxicity() { return store.get(symbol, 'toxicity'); },
  };
}

export function mount(root, { store, stream, query, setQuery, empty }) {
  const filter = h('input', { id: 'filter', type: 'search', value: query.get('q'), placeholder: 'Filter, e.g. SP, destabilizing', autocomplete: 'off', spellcheck: 'false' });
  const count = h('span', { class: 'muted', role: 'status' });
  const rowOf = (symbol) => {
    return { symbol, documents: lazily(store, symbol), now: store.now() };
  };
  const table = new Table({
    columns: columns(), caption: 'Symbols', rowOf,
    sort: query.get('sort') ?? 'symbol', descending: query.get('dir') === 'desc',
    link: (symbol) => `#/symbol/${encodeURIComponent(symbol)}`,
    onSight: (keys) => reference.want(keys),
    onSort: (sort, descending) => setQuery({ sort, dir: descending ? 'desc' : 'asc' }),
    mark: (row) => { const { state } = alive(row.documents.summary, row.now); return state === 'ok' ? null : state; },
  });
  const totals = h('div', { class: 'panel span-8' });
  const vix = vixPanel();
  const none = h('div', { hidden: true }, empty('symbols'));
  const list = h('section', { class: 'panel span-12 list', 'aria-label': 'Symbols' },
    h('div', { class: 'bar' }, h('h2', {}, 'Symbols'), h('label', { class: 'sr', for: 'filter' }, 'Filter symbols'), filter, count),
    table.element);
  const board = h('div', { class: 'board' }, totals, vix.element, list);
  root.append(h('h1', { class: 'sr' }, 'Overview'), none, board);

  const matches = (symbol) => {
    const wanted = filter.value.trim().toLowerCase();
    if (!wanted) return true;
    const row = rowOf(symbol);
    return symbol.toLowerCase().includes(wanted) || (row.documents.gex?.regime ?? '').startsWith(wanted) || row.documents.summary?.meta.currency.toLowerCase() === wanted;
  };
  const refilter = () => {
    const all = store.symbols().filter((symbol) => store.get(symbol, 'summary'));
    const kept = all.filter(matches);
    table.setKeys(kept);
    setText(count, kept.length === all.length ? `${all.length} symbols` : `${kept.length} of ${all.length} symbols`);
    none.hidden = all.length > 0 || !stream.settled;
    board.hidden = !none.hidden;
    known = all.length;
  };
  let known = -1;
  filter.addEventListener('input', () => { setQuery({ q: filter.value || null }); refilter(); });
  refilter();
  drawTotals();

  function drawTotals() {
    const document = store.get(ALL, 'portfolio');
    totals.replaceChildren(totalsTable(document, store.now()));
  }

  return {
    update(changed) {
      if (store.symbols().length !== known && performance.now() - (this.filtered ?? 0) > 500) {
        this.filtered = performance.now();
        refilter();
      }
      table.touch(changed.keys());
      if (changed.get(ALL)?.has('portfolio')) drawTotals();
      if (changed.get(ALL)?.has('vix1d')) vix.draw(store);
    },
    tick() {
      table.touchAll();
      vix.draw(store);
      if (known !== store.symbols().length || known === 0) refilter();
    },
    close: () => table.close(),
  };
}

/** The totals: signs are the dealers' unless said. */
const TOTALS = [
  ['signed_gex_usd_per_1pct', 'Net GEX per 1 %', 'Gamma exposure, dealers long calls and short puts, money per +1 % of spot'],
  ['gross_gex_usd_per_1pct', 'Gross |GEX| per 1 %', 'Sum of each symbol’s size, without sign'],
  ['signed_dex_usd', 'Dealer delta', 'Delta exposure, dealers long calls and short puts, money'],
  ['signed_vanna_usd_per_volpt', 'Vanna per vol pt', 'Money of delta per +1 volatility point, dealers’ sign'],
  ['signed_charm_usd_per_day', 'Charm per day', 'Money of delta per calendar day, dealers’ sign'],
  ['total_hedging_notional', 'Hedging per 1 %', 'Money traded to hedge a +1 % move, calls and puts as they are'],
];

const UNSIGNED = new Set(['gross_gex_usd_per_1pct', 'total_hedging_notional']);

function totalsTable(document, now) {
  const fresh = freshness(document, now);
  const own = document?.meta?.currency ?? 'USD';
  const row = (currency, totals, path) => [currency, ...TOTALS.map(([key, , help]) => {
    const sign = !UNSIGNED.has(key);
    const shown = format.compact(totals?.[key], { reason: fresh.reason ?? 'no symbol has one', plus: sign, tone: sign });
    return value({ ...shown, title: `${shown.title} ${currency}. ${help}` }, totals?.[key], ALL, `portfolio.${path}${key}`);
  })];
  const rows = [row(own, document, '')];
  for (const [currency, totals] of Object.entries(document?.other_currencies ?? {})) rows.push(row(currency, totals, `other_currencies.${currency}.`));
  const fact = (label, shown, raw, field) => h('span', {}, h('span', { class: 'muted' }, `${label} `), value(shown, raw, ALL, field));
  const missing = [...(document?.missing_symbols ?? []), ...(document?.stale_symbols ?? [])];
  return h('section', { 'aria-label': 'Portfolio totals' },
    h('div', { class: 'bar' }, h('h2', {}, 'Portfolio'), h('span', { class: 'muted' }, 'dealers long calls, short puts · each currency by itself')),
    plainTable('Portfolio totals by currency', ['Currency', ...TOTALS.map(([, label]) => label)], rows),
    h('p', { class: 'facts' },
      fact('with data', { text: `${document?.symbols_with_data ?? '–'} of ${document?.symbol_count ?? '–'}` }),
      fact('mean VPIN', format.fixed(document?.avg_vpin, 3, { reason: 'no symbol has one yet' }), document?.avg_vpin, 'portfolio.avg_vpin'),
      fact('highest', format.fixed(document?.max_vpin, 3, { reason: 'no symbol has one yet' }), document?.max_vpin, 'portfolio.max_vpin'),
      document?.max_vpin_symbol ? h('a', { href: `#/symbol/${encodeURIComponent(document.max_vpin_symbol)}` }, document.max_vpin_symbol) : null,
      fact('toxic', format.fixed(document?.toxic_count, 0), document?.toxic_count, 'portfolio.toxic_count'),
      missing.length ? h('span', { class: 'warn' }, `without data: ${missing.slice(0, 8).join(', ')}${missing.length > 8 ? ' …' : ''}`) : null));
}

function vixPanel() {
  const level = h('strong', { class: 'big', 'data-symbol': ALL, 'data-field': 'vix1d.value' });
  const regime = h('span', { class: 'tag' });
  const facts = h('p', { class: 'facts' });
  const element = h('section', { class: 'panel span-4', 'aria-label': 'One-day volatility' },
    h('div', { class: 'bar' }, h('h2', {}, 'VIX1D'), h('span', { class: 'muted' }, 'volatility points a year')),
    h('p', { class: 'line' }, level, regime), facts);
  const draw = (store) => {
    const document = store.get(ALL, 'vix1d');
    const now = store.now();
    const fresh = freshness(document, now);
    setAttribute(element, 'data-state', fresh.state === 'ok' ? null : fresh.state);
    show(level, format.fixed(document?.value, 2, { reason: fresh.reason }), document?.value);
    setText(regime, document?.regime ?? fresh.state);
    setAttribute(regime, 'data-tone', ['ELEVATED', 'SHOCK'].includes(document?.regime) ? 'warn' : null);
    const fact = (label, shown) => h('span', {}, h('span', { class: 'muted' }, `${label} `), value(shown));
    const few = { reason: 'too little history yet' };
    facts.replaceChildren(
      fact('5 m', format.fixed(document?.change_5m, 2, { ...few, plus: true, tone: true })),
      fact('1 h', format.fixed(document?.change_1h, 2, { ...few, plus: true, tone: true })),
      fact('percentile', format.share(document?.percentile, 0, few)),
      fact('0 d', format.fixed(document?.components?.zero_dte, 1, few)),
      fact('1 d', format.fixed(document?.components?.one_dte, 1, few)),
      fact('less official', format.fixed(document?.residual_to_official, 2, { ...few, plus: true })),
      fact('source', format.word(document?.source, few)),
      h('span', { class: fresh.state === 'ok' ? 'muted' : 'warn' }, document ? `${fresh.state === 'ok' ? '' : fresh.state + ', '}${format.ageText(now - document.meta.as_of_ms)} old${document.delayed ? ', delayed' : ''}` : fresh.reason));
  };
  return { element, draw };
}
