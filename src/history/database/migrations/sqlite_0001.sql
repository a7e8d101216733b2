-- The numbers that are kept, and the contracts that are quoted: rows name them by id, so that they are small.
CREATE TABLE metric_series (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    symbol TEXT NOT NULL,
    name TEXT NOT NULL,
    field TEXT NOT NULL,
    UNIQUE (symbol, name, field)
) STRICT;

-- Never the same id twice: a quote cannot come to belong to another contract.
CREATE TABLE contracts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    symbol TEXT NOT NULL,
    series TEXT NOT NULL,
    expiry INTEGER NOT NULL,
    is_call INTEGER NOT NULL,
    strike REAL NOT NULL,
    UNIQUE (symbol, series, is_call, strike)
) STRICT;
CREATE INDEX contracts_by_expiry ON contracts (expiry);

CREATE TABLE underlying_ticks (
    symbol TEXT NOT NULL,
    at INTEGER NOT NULL,
    price REAL NOT NULL,
    PRIMARY KEY (symbol, at)
) STRICT, WITHOUT ROWID;

-- By time first: quotes are appended, however many contracts there are.
CREATE TABLE option_quotes (
    at INTEGER NOT NULL,
    contract INTEGER NOT NULL,
    bid REAL,
    ask REAL,
    last REAL,
    iv REAL,
    delta REAL,
    volume REAL,
    open_interest REAL,
    PRIMARY KEY (at, contract)
) STRICT, WITHOUT ROWID;

CREATE TABLE option_chains (
    symbol TEXT NOT NULL,
    series TEXT NOT NULL,
    expiry INTEGER NOT NULL,
    at INTEGER NOT NULL,
    spot REAL,
    pcr_oi REAL,
    pcr_volume REAL,
    atm_strike REAL,
    atm_straddle REAL,
    max_pain REAL,
    call_oi REAL,
    put_oi REAL,
    document BLOB NOT NULL,
    UNIQUE (symbol, at, series)
) STRICT;
CREATE INDEX option_chains_by_series ON option_chains (symbol, series, at);
CREATE INDEX option_chains_by_expiry ON option_chains (symbol, expiry, at);

-- By block of ten minutes first: a minute's rows of many series fall on a few pages that are in memory, and a
-- question reads a few pages a block.
CREATE TABLE metrics (
    block INTEGER NOT NULL,
    series INTEGER NOT NULL,
    at INTEGER NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (block, series, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE metrics_daily (
    session INTEGER NOT NULL,
    series INTEGER NOT NULL,
    at INTEGER NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (session, series)
) STRICT, WITHOUT ROWID;

CREATE TABLE bars (
    symbol TEXT NOT NULL,
    minutes INTEGER NOT NULL,
    start INTEGER NOT NULL,
    open REAL NOT NULL,
    high REAL NOT NULL,
    low REAL NOT NULL,
    close REAL NOT NULL,
    volume REAL NOT NULL,
    ticks INTEGER,
    PRIMARY KEY (symbol, minutes, start)
) STRICT, WITHOUT ROWID;
CREATE INDEX bars_by_start ON bars (start);
