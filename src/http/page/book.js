// The order book as a ladder, and the tape.

import { h, svg } from './dom.js';
import * as format from './format.js';
import { freshness } from './store.js';
import { value } from './table.js';
import { note } from './empty.js';
import { has, meter, pairs } from './panels.js';

const LEVELS = 10;
const TAPE_ROWS = 60;
/** A book of which nothing else is known may be this old. */
const OLDEST_MS = 5000;

/** Whether the ladder speaks for now: it bears no limit of its own, so that of its imbalance holds. */
export function bookStanding(book, obi, now) {
  if (!book) return freshness(undefined, now);
  const limit = obi?.meta ? obi.meta.valid_until_ms - obi.meta.as_of_ms : OLDEST_MS;
  if (now - book.at > Math.max(limit, OLDEST_MS))
    return { state: 'stale', reason: 'the book is older than it may be believed', since: book.at + limit };
  const fresh = freshness(obi, now);
  return obi && fresh.state !== 'ok' ? { ...fresh, state: 'stale', reason: `imbalance: ${fresh.reason}` } : { state: 'ok' };
}

/** The ladder, with imbalance and micro-price. */
export function drawBook(body, get, symbol) {
  const book = get('book');
  if (!book?.bids)
    return has(body, undefined, 'the book of a symbol comes a moment after its page is opened, where its feed has one');
  const bids = book.bids.slice(0, LEVELS);
  const asks = book.asks.slice(0, LEVELS);
  const largest = Math.max(1, ...bids.map(([, size]) => size), ...asks.map(([, size]) => size));
  const bar = (size, side) =>
    svg(
      'svg',
      { viewBox: '0 0 100 1', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
      svg('rect', {
        class: side === 'bid' ? 'fill-up' : 'fill-down',
        x: side === 'bid' ? 100 - (100 * size) / largest : 0,
        width: (100 * size) / largest,
        height: 1,
      }),
    );
  const cell = (size, side) =>
    h(
      'span',
      { class: `size ${side}` },
      size === undefined ? null : bar(size, side),
      size === undefined ? '' : h('span', {}, format.compactText(size)),
    );
  const row = (price, bid, ask) =>
    h(
      'div',
      {},
      cell(bid, 'bid'),
      h('span', { class: 'price', 'data-tone': bid === undefined ? 'down' : 'up' }, format.priceText(price)),
      cell(ask, 'ask'),
    );
  const obi = get('obi');
  const micro = obi?.micro_price;
  const mid = bids.length && asks.length ? (bids[0][0] + asks[0][0]) / 2 : undefined;
  body.replaceChildren(
    h(
      'div',
      {
        class: 'ladder',
        role: 'img',
        'aria-label': `Best bid ${bids[0]?.[0] ?? 'none'}, best offer ${asks[0]?.[0] ?? 'none'}`,
      },
      [...asks].reverse().map(([price, size]) => row(price, undefined, size)),
      h(
        'div',
        { class: 'middle' },
        h(
          'span',
          { title: 'Mid weighted toward the thinner side' },
          `micro ${format.fixed(micro, 4).text}`,
          mid && typeof micro === 'number'
            ? ` (${format.fixed(((micro - mid) / mid) * 1e4, 2, { plus: true }).text} bps of mid)`
            : '',
        ),
      ),
      bids.map(([price, size]) => row(price, size, undefined)),
    ),
    meter(obi?.level5_imbalance, {
      centred: true,
      label: `Imbalance of five levels ${format.fixed(obi?.level5_imbalance, 2).text}`,
    }),
    pairs([
      [
        'imbalance 1 / 5 levels',
        h(
          'span',
          {},
          value(format.fixed(obi?.level1_imbalance, 2, { plus: true, tone: true })),
          ' / ',
          value(
            format.fixed(obi?.level5_imbalance, 2, { plus: true, tone: true }),
            obi?.level5_imbalance,
            symbol,
            'obi.level5_imbalance',
          ),
        ),
      ],
      ['order flow, 10 s', value(format.compact(obi?.ofi), obi?.ofi, symbol, 'obi.ofi')],
      ['spread', value(format.fixed(obi?.spread_bps, 2, { unit: ' bps' }))],
      ['book', value(format.word(obi?.book_status))],
    ]),
  );
}

/** The newest trades; rows are made anew, since all of them move down. */
export function drawTape(body, get) {
  const tape = get('tape');
  if (!tape) return has(body, undefined, 'the tape of a symbol comes a moment after its page is opened');
  if (!tape.length) return body.replaceChildren(note('No trades yet.'));
  const rows = tape.slice(0, TAPE_ROWS).map((trade) => {
    const arrow = trade.side === 'buy' ? '▲' : trade.side === 'sell' ? '▼' : '·';
    const tone = trade.side === 'buy' ? 'up' : trade.side === 'sell' ? 'down' : null;
    return h(
      'tr',
      { class: trade.sweep ? 'sweep' : null },
      h(
        'td',
        { class: 'text muted', title: new Date(trade.at).toISOString() },
        format.timeText(trade.at, { millis: true }),
      ),
      h(
        'td',
        { 'data-tone': tone },
        h('span', { title: trade.side ?? 'side unknown' }, arrow),
        ' ',
        format.priceText(trade.price),
      ),
      h('td', {}, format.compactText(trade.size)),
      h('td', { class: 'text' }, trade.venue ?? '–'),
      h('td', { class: 'text', title: trade.sweep ? 'part of a sweep' : null }, trade.sweep ? 'S' : ''),
    );
  });
  if (!body.frame) {
    body.rows = h('tbody', {});
    body.frame = h(
      'div',
      { class: 'tape scroll', tabindex: '0', role: 'group', 'aria-label': 'Trades' },
      h(
        'table',
        { class: 'grid' },
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ['Time', 'Price', 'Size', 'Venue', ''].map((head, i) =>
              h(
                'th',
                { scope: 'col', class: i === 0 || i > 2 ? 'text' : null },
                head || h('span', { class: 'sr' }, 'Sweep'),
              ),
            ),
          ),
        ),
        body.rows,
      ),
    );
  }
  if (body.firstChild !== body.frame) body.replaceChildren(body.frame);
  body.rows.replaceChildren(...rows);
}
