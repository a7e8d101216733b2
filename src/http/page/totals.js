// What stands above the overview's table: the portfolio by currency, and one-day volatility.

import { h, refill, setAttribute, setText, show } from './dom.js';
import * as format from './format.js';
import { ALL, freshness } from './store.js';
import { plainTable, value } from './table.js';

/** The totals: signs are the dealers' unless said. */
const TOTALS = [
  [
    'signed_gex_usd_per_1pct',
    'Net GEX per 1 %',
    'Gamma exposure, dealers long calls and short puts, money per +1 % of spot',
  ],
  ['gross_gex_usd_per_1pct', 'Gross |GEX| per 1 %', 'Sum of each symbol’s size, without sign'],
  ['signed_dex_usd', 'Dealer delta', 'Delta exposure, dealers long calls and short puts, money'],
  ['signed_vanna_usd_per_volpt', 'Vanna per vol pt', 'Money of delta per +1 volatility point, dealers’ sign'],
  ['signed_charm_usd_per_day', 'Charm per day', 'Money of delta per calendar day, dealers’ sign'],
  ['total_hedging_notional', 'Hedging per 1 %', 'Money traded to hedge a +1 % move, calls and puts as they are'],
];

const UNSIGNED = new Set(['gross_gex_usd_per_1pct', 'total_hedging_notional']);

/** The portfolio: drawn when it changes or ages, its age on every tick. */
export function totalsPanel() {
  const age = h('span', { class: 'muted age' });
  const body = h('div', {});
  const element = h(
    'section',
    { class: 'panel span-8', 'aria-label': 'Portfolio totals' },
    h(
      'div',
      { class: 'bar' },
      h('h2', {}, 'Portfolio'),
      h('span', { class: 'muted' }, 'dealers long calls, short puts · each currency by itself'),
      age,
    ),
    body,
  );
  let drawnAs;
  const draw = (store) => {
    const fresh = freshness(store.get(ALL, 'portfolio'), store.now());
    drawnAs = fresh.state;
    refill(body, ...totals(store.get(ALL, 'portfolio'), fresh));
    mark(store, fresh);
  };
  const mark = (store, fresh) => {
    const document = store.get(ALL, 'portfolio');
    setAttribute(element, 'data-state', document && fresh.state !== 'ok' ? fresh.state : null);
    const text = document ? format.ageText(store.now() - document.meta.as_of_ms) : '';
    setText(age, fresh.state === 'ok' || !document ? text : `${fresh.state} ${text}`);
    setAttribute(age, 'title', fresh.reason ?? 'age of its newest input');
  };
  const tick = (store) => {
    const fresh = freshness(store.get(ALL, 'portfolio'), store.now());
    if (fresh.state === drawnAs) mark(store, fresh);
    else draw(store);
  };
  return { element, draw, tick };
}

/** A row for each currency, and how toxic the flow is over all. */
function totals(document, fresh) {
  const own = document?.meta?.currency ?? 'USD';
  const row = (currency, totals, path) => [
    currency,
    ...TOTALS.map(([key, , help]) => {
      const sign = !UNSIGNED.has(key);
      const shown = format.compact(totals?.[key], {
        reason: fresh.reason ?? 'no symbol has one',
        plus: sign,
        tone: sign,
      });
      return value(
        { ...shown, title: `${shown.title} ${currency}. ${help}` },
        totals?.[key],
        ALL,
        `portfolio.${path}${key}`,
      );
    }),
  ];
  const rows = [row(own, document, '')];
  for (const [currency, totals] of Object.entries(document?.other_currencies ?? {}))
    rows.push(row(currency, totals, `other_currencies.${currency}.`));
  const fact = (label, shown, raw, field) =>
    h('span', {}, h('span', { class: 'muted' }, `${label} `), value(shown, raw, ALL, field));
  const missing = [...(document?.missing_symbols ?? []), ...(document?.stale_symbols ?? [])];
  return [
    plainTable('Portfolio totals by currency', ['Currency', ...TOTALS.map(([, label]) => label)], rows),
    h(
      'p',
      { class: 'facts' },
      fact('with data', { text: `${document?.symbols_with_data ?? '–'} of ${document?.symbol_count ?? '–'}` }),
      fact(
        'mean VPIN',
        format.fixed(document?.avg_vpin, 3, { reason: 'no symbol has one yet' }),
        document?.avg_vpin,
        'portfolio.avg_vpin',
      ),
      fact(
        'highest',
        format.fixed(document?.max_vpin, 3, { reason: 'no symbol has one yet' }),
        document?.max_vpin,
        'portfolio.max_vpin',
      ),
      document?.max_vpin_symbol
        ? h('a', { href: `#/symbol/${encodeURIComponent(document.max_vpin_symbol)}` }, document.max_vpin_symbol)
        : null,
      fact('toxic', format.fixed(document?.toxic_count, 0), document?.toxic_count, 'portfolio.toxic_count'),
      missing.length
        ? h(
            'span',
            { class: 'warn' },
            `without data: ${missing.slice(0, 8).join(', ')}${missing.length > 8 ? ' …' : ''}`,
          )
        : null,
    ),
  ];
}

/** One-day volatility: its level, regime and changes. */
export function vixPanel() {
  const level = h('strong', { class: 'big', 'data-symbol': ALL, 'data-field': 'vix1d.value' });
  const regime = h('span', { class: 'tag' });
  const facts = h('p', { class: 'facts' });
  const element = h(
    'section',
    { class: 'panel span-4', 'aria-label': 'One-day volatility' },
    h('div', { class: 'bar' }, h('h2', {}, 'VIX1D'), h('span', { class: 'muted' }, 'volatility points a year')),
    h('p', { class: 'line' }, level, regime),
    facts,
  );
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
      h(
        'span',
        { class: fresh.state === 'ok' ? 'muted' : 'warn' },
        document
          ? `${fresh.state === 'ok' ? '' : fresh.state + ', '}${format.ageText(now - document.meta.as_of_ms)} old${document.delayed ? ', delayed' : ''}`
          : fresh.reason,
      ),
    );
  };
  return { element, draw };
}
