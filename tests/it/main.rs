//! The end-to-end tests: the binary as its users start it, beside a real redis-server.
//! One module a topic; `harness` starts and stops what they need.

// Tells clippy that helpers beside the tests are test code too (`allow-unwrap-in-tests`).
#![cfg(test)]

mod harness;

mod bars;
mod binance;
mod chain;
mod chain_imports;
mod chain_service;
mod channels;
mod command_line;
mod daemon;
mod dashboard;
mod demo;
mod deployment;
mod faults;
mod feed_cboe;
mod feed_globaldatafeeds;
mod feed_synthetic;
mod flow;
mod gdf_server;
mod harness_works;
mod history;
mod history_daemon;
mod history_kills;
mod history_load;
mod http_documents;
mod http_security;
mod options;
mod overall;
mod overall_sources;
mod real_data;
mod record;
mod reference_vectors;
mod reload;
mod replay;
mod restart;
mod second_names;
mod silence;
mod tidy;
mod volatility;
