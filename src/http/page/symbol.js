// One symbol: the key numbers, then price and exposures (exposure.js), then the flow (flow.js), then
// how each of its documents stands.

import { h, refill, setAttribute, setText, show } from './dom.js';
import * as format from './format.js';
import { alive, freshness, pick } from './store.js';
import { plainTable } from './table.js';
import { exposureCharts } from './exposure.js';
import { flowPanels } from './flow.js';
import * as reference from './reference.js';
import { get as ask } from './api.js';

const REASONS_AGAIN_MS = 30_000;

/** What this page reads; the status table at its end names these. */
const NAMES = [
  'summary',
  'gex',
  'dex',
  'vanna',
  'charm',
  'hedging_impact',
  'skew',
  'expected_move',
  'iv_rank',
  'pcr',
  'vpin',
  'toxicity',
  'institutional_flow',
  'retail_flow',
  'obi',
  'sweep',
  'hidden',
  'unusual',
  'moc',
  'flow_clusters',
  'bars',
];

export const title = ({ symbol }) => symbol ?? 'Symbol';
export const selection = ({ symbol }) => ({ symbols: [symbol], names: [...NAMES, 'book', 'tape'] });

const signed = (places) => (v, o) => format.fixed(v, places, { ...o, plus: true, tone: true });

/** Key numbers: label, field, how it is written, and a second line from the same document. */
const TILES = [
  ['Spot', 'summary.spot', format.price, spread],
  ['Net GEX per 1 %', 'summary.signed_gex', format.compact, () => 'dealers’ sign'],
  [
    'Zero gamma',
    'gex.zero_gamma.nearest',
    format.price,
    (d) =>
      ({ none: 'no root', one: 'one root', many: `${d.zero_gamma?.roots?.length} roots, nearest` })[
        d.zero_gamma?.status
      ] ?? d.zero_gamma?.status,
  ],
  [
    'Above zero γ',
    'gex.zero_gamma.distance_pct',
    (v, o) => format.percent(v, 2, { ...o, plus: true, tone: true }),
    (d) => `${format.fixed(d.zero_gamma?.distance_expected_moves, 2, { plus: true }).text} day moves`,
  ],
  ['Call wall', 'gex.call_wall', format.price, (d) => away(d.call_wall, d.spot)],
  ['Put wall', 'gex.put_wall', format.price, (d) => away(d.put_wall, d.spot)],
  ['Regime', 'gex.regime', format.word, (d) => `0DTE ${format.share(d.zero_dte_share, 0).text} of gross`],
  [
    'Expected move',
    'expected_move.by_expiry.0.em_1sd_iv',
    (v, o) => format.fixed(v, 2, o),
    (d) =>
      d.by_expiry?.[0] &&
      `${format.percent(d.by_expiry[0].em_1sd_iv_pct, 2).text}, 1 σ to ${d.by_expiry[0].expiry.slice(5)}`,
  ],
  [
    'Dealer delta',
    'dex.dex_usd.dealer_long_calls_short_puts',
    format.compact,
    (d) => `book ${format.compact(d.total_dex).text}, ${d.bias ?? '–'}`,
  ],
  ['Vanna per vol pt', 'vanna.vex_usd_per_volpt.dealer_long_calls_short_puts', format.compact, () => 'dealers’ sign'],
  [
    'Charm per day',
    'charm.chex_usd_per_day.dealer_long_calls_short_puts',
    format.compact,
    (d) => `to close ${format.compact(d.delta_drift?.close?.dealer_long_calls_short_puts).text}`,
  ],
  [
    'Hedging per +1 %',
    'hedging_impact.signed.hedge_notional_per_pct_move.dealer_long_calls_short_puts',
    format.compact,
    (d) => {
      const bps = d.impact_bps?.bps?.dealer_long_calls_short_puts;
      return typeof bps === 'number'
        ? `impact ${format.fixed(bps, 1, { plus: true }).text} bps`
        : 'impact: no ADV';
    },
  ],
  ['VPIN', 'vpin.value', (v, o) => format.fixed(v, 3, o), (d) => `percentile ${format.share(d.percentile, 0).text}`],
  ['Toxicity', 'toxicity.toxicity_adjusted', (v, o) => format.fixed(v, 2, o), (d) => d.toxicity_adjusted_level],
  ['OBI, 5 levels', 'obi.level5_imbalance', signed(2), (d) => d.state?.replaceAll('_', ' ')],
  [
    'PCR, open interest',
    'pcr.total.pcr_oi',
    (v, o) => format.fixed(v, 2, o),
    (d) => `volume ${format.fixed(d.total?.pcr_volume, 2).text}`,
  ],
  ['Skew, 25 Δ', 'skew.skew', (v, o) => format.share(v, 1, { ...o, plus: true }), () => 'put − call, vol points'],
  [
    'IV 30 d',
    'iv_rank.iv',
    (v, o) => format.share(v, 1, o),
    (d) => `rank ${format.share(d.iv_rank, 0).text} of ${d.observations} d`,
  ],
];

const away = (level, spot) =>
  typeof level === 'number' && spot
    ? `${format.percent((level / spot - 1) * 100, 2, { plus: true }).text} from spot`
    : '';

function spread(document, symbol, now) {
  const open = reference.openOf(symbol);
  const change =
    open && typeof document.spot === 'number'
      ? `${format.percent((document.spot / open.price - 1) * 100, 2, { plus: true }).text} since ${format.momentText(open.at, now)}`
      : '';
  return change || `spread ${format.fixed(document.spread_bps, 1).text} bps`;
}

export function mount(root, { store, symbol, symbols, empty }) {
  const get = (name) => store.get(symbol, name);
  // Looked up anew: its session opens and closes while the page is open.
  const facts = () => symbols().find((one) => one.symbol === symbol);
  const state = h('span', { class: 'tag' });
  const age = h('span', { class: 'muted' });
  const about = h('span', { class: 'muted' });
  const head = h(
    'div',
    { class: 'head' },
    h('h1', {}, symbol),
    about,
    state,
    age,
    h('a', { href: `#/chain/${encodeURIComponent(symbol)}` }, 'Option chain'),
    h('a', { href: `#/surface/${encodeURIComponent(symbol)}` }, 'Volatility surface'),
  );

  const tiles = TILES.map(([label, field, write, second]) => {
    const main = h('dd', { 'data-symbol': symbol, 'data-field': field });
    const more = h('dd', {});
    return {
      name: field.split('.')[0],
      field,
      write,
      second,
      main,
      more,
      element: h('div', { class: 'tile' }, h('dt', { title: label }, label), main, more),
    };
  });
  const charts = exposureCharts(get, symbol, facts()?.currency);
  const flow = flowPanels(get, symbol, store);
  const status = h('section', { class: 'panel span-12 dense', 'aria-label': 'Documents' });
  const unknown = empty('unknown', symbol);
  const list = h(
    'dl',
    { class: 'tiles' },
    tiles.map((tile) => tile.element),
  );
  const board = h(
    'div',
    { class: 'board' },
    charts.map((chart) => chart.element),
    flow.map((panel) => panel.element),
    status,
  );
  root.append(head, unknown, list, board);

  function drawTile(tile) {
    const document = get(tile.name);
    const fresh = freshness(document, store.now());
    const raw =
      document && fresh.state !== 'none' ? pick(document, tile.field.split('.').slice(1).join('.')) : undefined;
    const neutral = !fresh.real;
    show(
      tile.main,
      tile.write(neutral ? undefined : raw, { reason: fresh.reason ?? 'not defined for this book' }),
      neutral ? undefined : raw,
    );
    const text = document && !neutral ? (tile.second(document, symbol, store.now()) ?? '') : (fresh.reason ?? '');
    setText(tile.more, text);
    setAttribute(tile.more, 'title', text);
    setAttribute(tile.element, 'data-state', fresh.state === 'ok' ? null : fresh.state);
  }

  function drawHead() {
    const document = get('summary');
    const fresh = alive(document, store.now());
    const known = facts();
    const isKnown = !symbols().length || known || document;
    setText(about, known ? `${known.exchange} · ${known.currency} · ${known.sector.toLowerCase()}` : '');
    unknown.hidden = isKnown;
    list.hidden = board.hidden = !isKnown;
    setText(state, !isKnown ? 'unknown symbol' : fresh.state === 'ok' ? (known?.session ?? 'live') : fresh.state);
    setAttribute(state, 'data-tone', fresh.state === 'ok' ? 'good' : 'warn');
    setText(age, document ? `${format.ageText(store.now() - document.meta.as_of_ms)} old` : fresh.reason);
  }

  /** Why documents that never were are not there: only /status knows. */
  let reasons = {};
  let askedAt = -Infinity;
  async function askReasons() {
    if (performance.now() - askedAt < REASONS_AGAIN_MS) return;
    askedAt = performance.now();
    reasons = await ask('/status').then(
      (status) => status.symbols?.[symbol] ?? {},
      () => ({}),
    );
  }

  function drawStatus() {
    const now = store.now();
    const listed = [...new Set([...NAMES, ...(facts()?.documents ?? [])])].filter(
      (name) => name !== 'book' && name !== 'tape',
    );
    const rows = listed.map((name) => statusRow(name, get(name), now, NAMES.includes(name), reasons[name]));
    if (NAMES.some((name) => !get(name))) askReasons();
    refill(
      status,
      h('div', { class: 'bar' }, h('h2', {}, 'Documents'), h('span', { class: 'muted' }, 'what each says of itself')),
      plainTable(
        'Documents of this symbol',
        [
          'Document',
          'State',
          'Why there is no value, or remark',
          'Newest input',
          'Oldest input',
          'Used',
          'Dropped',
          'Computed',
        ],
        rows,
        { text: 3 },
      ),
    );
  }

  return {
    update(changed) {
      const names = changed.get(symbol);
      if (!names) return;
      if (names.has('bars')) reference.newestBar(symbol, get('bars'));
      for (const tile of tiles) if (names.has(tile.name)) drawTile(tile);
      for (const chart of charts) chart.draw();
      for (const panel of flow) if (panel.reads.some((name) => names.has(name))) panel.draw();
    },
    tick() {
      const now = store.now();
      reference.want([symbol]);
      drawHead();
      tiles.forEach(drawTile);
      for (const chart of charts) chart.tick(now);
      for (const panel of flow) panel.tick?.(now);
      this.ticks = (this.ticks ?? 0) + 1;
      if (this.ticks % 4 === 1) drawStatus();
    },
  };
}

function statusRow(name, document, now, streamed, known) {
  if (!document) {
    const why =
      known?.reason ??
      (streamed ? 'no value yet: its inputs have not come, or it has not run' : 'shown on another page');
    return [name, known?.status ?? (streamed ? 'none' : ''), why, '–', '–', '–', '–', '–'];
  }
  const { meta } = document;
  const fresh = freshness(document, now);
  const dropped = Object.entries(meta.dropped ?? {});
  const total = dropped.reduce((sum, [, n]) => sum + n, 0);
  const remark =
    fresh.reason ??
    (fresh.delayed ? `delayed ${fresh.delayed}` : document.sign_source ? `signed by ${document.sign_source}` : '');
  return [
    name,
    h('span', { class: 'tag', 'data-tone': fresh.state === 'ok' ? 'good' : 'warn' }, fresh.state),
    remark,
    format.ageText(now - meta.as_of_ms),
    format.ageText(meta.age_ms + (now - document.timestamp * 1000)),
    format.compactText(meta.used),
    total ? h('span', { title: dropped.map(([why, n]) => `${why} ${n}`).join(', ') }, format.compactText(total)) : '0',
    format.timeText(document.timestamp * 1000),
  ];
}
