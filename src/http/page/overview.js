// The overview: every symbol in one table, the totals of each currency, and one-day volatility.

import { h, setText } from './dom.js';
import { ALL, alive } from './store.js';
import { Table } from './table.js';
import { columns } from './columns.js';
import { totalsPanel, vixPanel } from './totals.js';
import * as reference from './reference.js';

const NAMES = ['summary', 'gex', 'vpin', 'pcr', 'toxicity', 'portfolio'];

export const title = () => 'Overview';
export const selection = () => ({ symbols: null, names: NAMES });

/** The documents of a symbol, each read only where a column looks at it. */
function lazily(store, symbol) {
  return {
    get summary() {
      return store.get(symbol, 'summary');
    },
    get gex() {
      return store.get(symbol, 'gex');
    },
    get vpin() {
      return store.get(symbol, 'vpin');
    },
    get pcr() {
      return store.get(symbol, 'pcr');
    },
    get toxicity() {
      return store.get(symbol, 'toxicity');
    },
  };
}

export function mount(root, { store, stream, query, setQuery, empty }) {
  const filter = h('input', {
    id: 'filter',
    type: 'search',
    value: query.get('q'),
    placeholder: 'Filter, e.g. SP, destabilizing',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const count = h('span', { class: 'muted', role: 'status' });
  const rowOf = (symbol) => {
    return { symbol, documents: lazily(store, symbol), now: store.now() };
  };
  const table = new Table({
    columns: columns(),
    caption: 'Symbols',
    rowOf,
    sort: query.get('sort') ?? 'symbol',
    descending: query.get('dir') === 'desc',
    link: (symbol) => `#/symbol/${encodeURIComponent(symbol)}`,
    onSight: (keys) => reference.want(keys),
    onSort: (sort, descending) => setQuery({ sort, dir: descending ? 'desc' : 'asc' }),
    mark: (row) => {
      const { state } = alive(row.documents.summary, row.now);
      return state === 'ok' ? null : state;
    },
  });
  const totals = totalsPanel();
  const vix = vixPanel();
  const none = h('div', { hidden: true }, empty('symbols'));
  const list = h(
    'section',
    { class: 'panel span-12 list', 'aria-label': 'Symbols' },
    h(
      'div',
      { class: 'bar' },
      h('h2', {}, 'Symbols'),
      h('label', { class: 'sr', for: 'filter' }, 'Filter symbols'),
      filter,
      count,
    ),
    table.element,
  );
  const board = h('div', { class: 'board' }, totals.element, vix.element, list);
  root.append(h('h1', { class: 'sr' }, 'Overview'), none, board);

  const matches = (symbol) => {
    const wanted = filter.value.trim().toLowerCase();
    if (!wanted) return true;
    const row = rowOf(symbol);
    return (
      symbol.toLowerCase().includes(wanted) ||
      (row.documents.gex?.regime ?? '').startsWith(wanted) ||
      row.documents.summary?.meta.currency.toLowerCase() === wanted
    );
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
  filter.addEventListener('input', () => {
    setQuery({ q: filter.value || null });
    refilter();
  });
  refilter();
  totals.draw(store);

  return {
    update(changed) {
      if (store.symbols().length !== known && performance.now() - (this.filtered ?? 0) > 500) {
        this.filtered = performance.now();
        refilter();
      }
      table.touch(changed.keys());
      if (changed.get(ALL)?.has('portfolio')) totals.draw(store);
      if (changed.get(ALL)?.has('vix1d')) vix.draw(store);
    },
    tick() {
      table.touchAll();
      totals.tick(store);
      vix.draw(store);
      if (known !== store.symbols().length || known === 0) refilter();
    },
    close: () => table.close(),
  };
}
