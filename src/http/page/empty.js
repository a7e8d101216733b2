// What is said where there is nothing to show, for someone who sees the page for the first time.

import { h } from './dom.js';

const code = (text) => h('code', {}, text);

const TEXTS = {
  unknown: (symbol) => [
    h('h2', {}, `Nothing is known of ${symbol}`),
    h(
      'p',
      {},
      'It is none of the symbols that are computed on. Choose one in the ',
      h('a', { href: '#/' }, 'overview'),
      ', or add it to ',
      code('symbols.standard'),
      ' in analytics.toml or to the Redis set ',
      code('market:symbols'),
      '. The page fills by itself when it comes.',
    ),
  ],
  symbols: () => [
    h('h2', {}, 'No symbols yet'),
    h('p', {}, 'The engine runs, but nothing has reached it that it could compute on. One of these helps:'),
    h(
      'ul',
      {},
      h(
        'li',
        {},
        'To look around, stop it and run ',
        code('analytics demo'),
        ': a synthetic market and this page, with nothing else installed.',
      ),
      h(
        'li',
        {},
        'To feed it, run ',
        code('analytics feed'),
        ' beside it, or let your own programs write ',
        code('market:{S}:ticker'),
        ', ',
        code('market:{S}:trades'),
        ' and ',
        code('options:{S}:chain'),
        ' into the same Redis.',
      ),
      h(
        'li',
        {},
        'To name the symbols, set ',
        code('symbols.standard'),
        ' in analytics.toml, or add them to the Redis set ',
        code('market:symbols'),
        '.',
      ),
      h(
        'li',
        {},
        'To see what is wrong, run ',
        code('analytics check'),
        ', or open ',
        h('a', { href: '/status' }, '/status'),
        '.',
      ),
    ),
    h('p', { class: 'muted' }, 'This page fills by itself as soon as something is published.'),
  ],
};

export function empty(kind, of) {
  return h('section', { class: 'panel empty' }, TEXTS[kind](of));
}

/** One sentence in place of a chart or table. */
export const note = (text) => h('p', { class: 'note' }, text);
