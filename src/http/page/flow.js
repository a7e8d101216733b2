// The panels of what trades now: VPIN, order book, tape, toxicity, sweeps, kinds of trades, unusual
// options. Small drawings of our own: they change twice a second.

import { h } from './dom.js';
import * as format from './format.js';
import { plainTable, value } from './table.js';
import { note } from './empty.js';
import { bookStanding, drawBook, drawTape } from './book.js';
import { fact, has, meter, pairs, panel, sparkline } from './panels.js';

export function flowPanels(get, symbol, store) {
  const own = (options, draw) => panel(get, store, options, draw);
  return [
    own(
      {
        title: 'Order book',
        unit: 'size resting at each price; bids left, offers right',
        span: 3,
        reads: ['book', 'obi'],
        standing: (now) => bookStanding(get('book'), get('obi'), now),
      },
      (body) => drawBook(body, get, symbol),
    ),
    own({ title: 'Tape', unit: 'newest first; ▲ bought ▼ sold; S marks a sweep', span: 3, reads: ['tape'] }, (body) =>
      drawTape(body, get),
    ),
    own(
      {
        title: 'VPIN buckets',
        unit: '0 balanced, 1 all one side; share of its own past below',
        span: 3,
        reads: ['vpin'],
      },
      vpinDrawing(get, symbol),
    ),
    own(
      {
        title: 'Toxicity and takers',
        unit: '−1 all sold to +1 all bought; costs in bps of mid',
        span: 3,
        reads: ['toxicity', 'institutional_flow', 'retail_flow'],
      },
      (body) => drawToxicity(body, get, symbol),
    ),
    own(
      {
        title: 'Sweeps and hidden size',
        unit: 'the last 30 s; one order over several venues, or one venue several times',
        span: 6,
        reads: ['sweep', 'hidden'],
      },
      (body) => drawSweeps(body, get, symbol),
    ),
    own(
      {
        title: 'Flow clusters',
        unit: 'kinds of trades of the last minutes, three groups of their own making',
        span: 6,
        reads: ['flow_clusters'],
      },
      (body) => drawClusters(body, get, symbol),
    ),
    own(
      { title: 'Unusual options', unit: 'contracts traded against open; score 0 to 1', span: 8, reads: ['unusual'] },
      (body) => drawUnusual(body, get, symbol),
    ),
    own(
      {
        title: 'Closing auction',
        unit: 'money without another side; estimated where no auction feed is',
        span: 4,
        reads: ['moc'],
      },
      (body) => drawClose(body, get, symbol),
    ),
  ];
}

/** VPIN with what it rests on, and how it went since the page was opened. */
function vpinDrawing(get, symbol) {
  const seen = [];
  return (body) => {
    const vpin = get('vpin');
    if (!has(body, vpin, 'it wants some full buckets of volume')) return;
    const at = vpin.meta.as_of_ms;
    if (seen.at(-1)?.[0] !== at) seen.push([at, vpin.value]);
    if (seen.length > 600) seen.shift();
    const line = sparkline(seen, [0, 1], `VPIN since ${format.timeText(seen[0][0])}`);
    body.replaceChildren(
      h(
        'p',
        { class: 'line' },
        value(format.fixed(vpin.value, 3), vpin.value, symbol, 'vpin.value'),
        h('span', { class: 'muted' }, `± ${format.fixed(vpin.se, 3, { reason: 'too few buckets' }).text}`),
      ),
      meter(vpin.value, { label: `VPIN ${vpin.value}`, mark: vpin.percentile }),
      line,
      pairs([
        [
          'percentile (mark)',
          value(
            format.share(vpin.percentile, 0, { reason: `wants 200 past buckets, has ${vpin.percentile_samples ?? 0}` }),
            vpin.percentile,
            symbol,
            'vpin.percentile',
          ),
          'Where it stands among its own past values',
        ],
        ['full buckets', value(format.fixed(vpin.buckets, 0))],
        ['bucket size', value(format.compact(vpin.bucket_size, { plus: false, tone: false }))],
        ['open bucket filled', value(format.share(vpin.open_bucket_fill, 0))],
        ['side known', value(format.share(vpin.classified_share, 0))],
        ['signed by', value(format.word(vpin.sign_source))],
        ['by bulk volume', value(format.fixed(vpin.value_bvc, 3, { reason: 'wants minute bars' }))],
        ['last trade', format.ageText(vpin.last_trade_age_ms)],
      ]),
    );
  };
}

function drawToxicity(body, get, symbol) {
  const toxicity = get('toxicity');
  if (!has(body, toxicity, 'it wants trades with a known side')) return;
  const institutional = get('institutional_flow');
  const few = { reason: 'the trades do not reach as far' };
  const neutral = institutional?.meta.status !== 'ok';
  const venues = Object.entries(toxicity.venues ?? {})
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3);
  body.replaceChildren(
    meter(toxicity.aggressor_imbalance, {
      centred: true,
      label: `Takers ${format.fixed(toxicity.aggressor_imbalance, 2).text}`,
    }),
    pairs([
      [
        'takers',
        value(
          format.fixed(toxicity.aggressor_imbalance, 2, { plus: true, tone: true }),
          toxicity.aggressor_imbalance,
          symbol,
          'toxicity.aggressor_imbalance',
        ),
        'Bought less sold over both',
      ],
      [
        'toxicity',
        h('span', {}, value(format.fixed(toxicity.toxicity_adjusted, 2)), ` ${toxicity.toxicity_adjusted_level ?? ''}`),
      ],
      ['confidence', value(format.share(toxicity.confidence, 0))],
      ['large prints', value(format.share(toxicity.large_trade_ratio, 0))],
      ['at or through quote', value(format.share(toxicity.spread_cross_ratio, 0))],
      ['effective spread', value(format.fixed(toxicity.effective_spread_bps, 2, { unit: ' bps' }))],
      ['realised after 5 s', value(format.fixed(toxicity.realized_spread_bps?.s5, 2, { unit: ' bps', ...few }))],
      ['impact after 5 s', value(format.fixed(toxicity.price_impact_bps?.s5, 2, { unit: ' bps', ...few }))],
      [
        'institutions',
        value(
          format.share(neutral ? undefined : institutional?.value, 0, {
            reason: institutional?.meta.reason ?? 'nothing classified yet',
          }),
          institutional?.value,
          symbol,
          'institutional_flow.value',
        ),
        'Their share of the classified money',
      ],
      ['trades looked at', value(format.compact(toxicity.total_trades_analyzed, { plus: false, tone: false }))],
      ['venues', venues.map(([venue, share]) => `${venue}\u00a0${(share * 100).toFixed(0)}\u00a0%`).join(', ')],
    ]),
  );
}

function drawSweeps(body, get, symbol) {
  const sweep = get('sweep');
  if (!has(body, sweep, 'it wants trades')) return;
  const hidden = get('hidden');
  const rows = (sweep.events ?? [])
    .slice(0, 7)
    .map((event) => [
      format.timeText(event.start_ms, { millis: true }),
      event.kind.replaceAll('_', ' '),
      h(
        'span',
        { 'data-tone': event.side === 'buy' ? 'up' : event.side === 'sell' ? 'down' : null },
        event.side === 'buy' ? '▲ buy' : event.side === 'sell' ? '▼ sell' : '–',
      ),
      String(event.venues),
      String(event.levels),
      format.compactText(event.size),
      format.compactText(event.notional),
      format.priceText(event.vwap),
    ]);
  body.replaceChildren(
    rows.length
      ? plainTable('Sweeps', ['Start', 'Kind', 'Side', 'Venues', 'Levels', 'Size', 'Money', 'VWAP'], rows, { text: 3 })
      : note('Quiet: no sweep in the last 30 seconds.'),
    h(
      'p',
      { class: 'facts' },
      fact(
        'hidden score',
        value(
          format.fixed(hidden?.hidden_score, 2, { reason: 'needs a book and trades' }),
          hidden?.hidden_score,
          symbol,
          'hidden.hidden_score',
        ),
      ),
      fact('iceberg levels', value(format.fixed(hidden?.iceberg_levels, 0))),
      (hidden?.top_icebergs ?? []).length
        ? fact('at', hidden.top_icebergs.map((one) => `${format.priceText(one.price)} (${one.refills}×)`).join(', '))
        : null,
      fact('off exchange', value(format.share(hidden?.off_exchange_share, 0))),
      fact('at mid', value(format.share(hidden?.mid_price_share, 1))),
    ),
  );
}

function drawClusters(body, get, symbol) {
  const clusters = get('flow_clusters');
  if (!has(body, clusters, 'it wants some hundred trades')) return;
  const share = (key) =>
    fact(
      key.replaceAll('_', ' '),
      value(
        format.share(clusters.strategy_distribution?.[key], 0),
        clusters.strategy_distribution?.[key],
        symbol,
        `flow_clusters.strategy_distribution.${key}`,
      ),
    );
  const rows = (clusters.cluster_stats ?? []).map((one) => [
    one.strategy?.replaceAll('_', ' ') ?? 'unknown',
    format.compactText(one.count),
    value(format.fixed(one.mean_direction, 2, { plus: true, tone: true })),
    format.compactText(one.mean_size),
    format.compactText(one.mean_notional),
    format.fixed(one.mean_abs_return * 1e4, 2).text,
    format.fixed(one.mean_time_gap * 1000, 0).text,
    format.share(one.sweep_ratio, 0).text,
  ]);
  body.replaceChildren(
    plainTable(
      'Flow clusters',
      ['Kind', 'Trades', 'Direction', 'Mean size', 'Mean money', '|Return| bps', 'Gap ms', 'Sweeps'],
      rows,
    ),
    h('p', { class: 'facts' }, ['momentum', 'mean_reversion', 'hedging', 'unknown'].map(share)),
    h(
      'p',
      { class: 'facts' },
      fact(
        'institutional size',
        value(format.share(clusters.size_mix?.institutional ?? clusters.participant_distribution?.institutional, 0)),
      ),
      fact('silhouette', value(format.fixed(clusters.silhouette, 2))),
      fact('stability', value(format.fixed(clusters.stability, 2))),
      clusters.unclustered ? h('span', { class: 'warn' }, 'the trades form no groups worth the name') : null,
    ),
  );
}

/** A flag as people write it. */
const flagText = (flag) =>
  flag.replaceAll('_', ' ').replace('vol gt oi', 'volume > open').replace(/\boi\b/, 'OI');

function drawUnusual(body, get, symbol) {
  const unusual = get('unusual');
  if (!has(body, unusual, 'it wants an option chain with volumes')) return;
  const rows = (unusual.top_contracts ?? [])
    .slice(0, 8)
    .map((one) => [
      `${one.expiry} ${format.priceText(one.strike)}`,
      h('span', { 'data-tone': one.right === 'call' ? 'up' : 'down' }, one.right),
      one.flags.map(flagText).join(', '),
      format.compactText(one.volume),
      format.compact(one.open_interest, { plus: false, tone: false }).text,
      format.fixed(one.ratio, 2).text,
      format.compactText(one.premium_notional),
    ]);
  body.replaceChildren(
    h(
      'p',
      { class: 'facts' },
      fact('score', value(format.fixed(unusual.score, 2), unusual.score, symbol, 'unusual.score')),
      fact('', value(format.word(unusual.classification))),
      fact('flow', value(format.word(unusual.dominant_flow))),
      fact('volume / OI', value(format.fixed(unusual.volume_oi_ratio, 2))),
    ),
    plainTable('Contracts that stand out', ['Contract', 'Right', 'Why', 'Volume', 'Open', 'Ratio', 'Premium'], rows, {
      text: 3,
    }),
  );
}

function drawClose(body, get, symbol) {
  const moc = get('moc');
  if (!has(body, moc, 'only in the last minutes before the close')) return;
  body.replaceChildren(
    pairs([
      [
        'imbalance',
        value(format.compact(moc.imbalance_total, { tone: false }), moc.imbalance_total, symbol, 'moc.imbalance_total'),
      ],
      ['side', value(format.word(moc.imbalance_side))],
      ['share of the auction', value(format.share(moc.imbalance_ratio, 0))],
      ['indicative price', value(format.price(moc.indicative_price))],
      ['off the mid', value(format.fixed(moc.near_close_offset_bps, 1, { plus: true, unit: ' bps' }))],
      ['minutes to the close', value(format.fixed(moc.minutes_to_close, 0))],
      ['source', value(format.word(moc.source))],
    ]),
  );
}
