//! History on a server of PostgreSQL, or one that speaks its protocol: one connection writes, a few read.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Row as _};
use tokio::sync::Mutex;
use tokio::time::timeout;

use quant::market::Symbol;

use super::batch::{
    Batch, ContractKey, Listed, Numbered, day, expiry_of, finite, last_of_sessions,
};
use super::ids::Ids;
use super::{HistoryError, Stored, migrate, old};

/// A server that does not answer for so long is away.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// A batch takes so long at most. The server gives up before.
const STORE_PATIENCE: Duration = Duration::from_secs(45);

/// What a connection sets; what a server does not know it goes without. Where the role or the database does not
/// wait for the disk, what is acknowledged would not be there after a crash.
const SETTINGS: [&str; 4] = [
    "SET statement_timeout = '30s'",
    "SET lock_timeout = '10s'",
    "SET idle_in_transaction_session_timeout = '60s'",
    "SELECT set_config('synchronous_commit', 'on', false) \
     WHERE current_setting('synchronous_commit') = 'off'",
];

/// What a URL may ask for; a misspelt one would be left out in silence.
const PARAMETERS: [&str; 15] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "port",
    "dbname",
    "user",
    "password",
];

const UNKNOWN_PARAMETER: &str = "history.url: one of its parameters is not known (special characters of a \
    password are written as %XX)";

pub(super) struct Server {
    /// `host/database`, for messages.
    place: String,
    options: PgConnectOptions,
    writer: Mutex<Option<Writer>>,
    pub(super) readers: PgPool,
}

struct Writer {
    connection: PgConnection,
    ids: Ids,
}

impl Server {
    pub(super) async fn open(url: &str) -> Result<Self, HistoryError> {
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let names = query.split('&').filter(|pair| !pair.is_empty());
        let names = names.map(|pair| pair.split('=').next().unwrap_or_default());
        for name in names {
            let known = PARAMETERS.contains(&name) || name == "hostaddr";
            let known = known || name == "application_name" || name.starts_with("options");
            if !known {
                // Not said which: a `?` or `&` of a password that is not written as %XX stands here, too.
                return Err(HistoryError::Other(UNKNOWN_PARAMETER.to_owned()));
            }
        }
        // The library's word on a bad URL is left out: it may repeat a part of it.
        let options = PgConnectOptions::from_str(url).map_err(|_| {
            HistoryError::Other(
                "history.url is not a URL of PostgreSQL (special characters of a password are \
                 written as %XX)"
                    .to_owned(),
            )
        })?;
        let options = match options.get_application_name() {
            Some(_) => options,
            None => options.application_name("analytics"),
        };
        let options = options.disable_statement_logging();
        let host = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        let name = options.get_database().unwrap_or(options.get_username());
        let place = format!("postgres {host}/{name}");
        let readers = PgPoolOptions::new()
            .max_connections(4)
            .acquire_timeout(CONNECT_PATIENCE)
            .acquire_slow_threshold(CONNECT_PATIENCE)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    settle(connection).await;
                    Ok(())
                })
            })
            .connect_lazy_with(options.clone());
        let server = Self {
            place,
            options,
            writer: Mutex::default(),
            readers,
        };
        let writer = server.connect().await?;
        *server.writer.lock().await = Some(writer);
        Ok(server)
    }

    /// What an error means here.
    pub(super) fn explain(&self, error: &sqlx::Error) -> HistoryError {
        HistoryError::of(error, &self.place)
    }

    fn silent(&self) -> HistoryError {
        HistoryError::Away(format!("{}: no answer", self.place))
    }

    async fn connect(&self) -> Result<Writer, HistoryError> {
        let connection = timeout(CONNECT_PATIENCE, self.options.connect()).await;
        let connection = connection.map_err(|_| self.silent())?;
        let mut connection = connection.map_err(|error| self.explain(&error))?;
        let migrated = timeout(STORE_PATIENCE, async {
            settle(&mut connection).await;
            self.migrate(&mut connection).await
        });
        migrated.await.map_err(|_| self.silent())??;
        let ids = Ids::default();
        Ok(Writer { connection, ids })
    }

    /// Lays the tables out. Of two that begin at once one is refused by the other's work, and finds it done.
    async fn migrate(&self, connection: &mut PgConnection) -> Result<(), HistoryError> {
        for attempt in 0.. {
            match self.try_to_migrate(connection).await {
                Ok(found) if found > migrate::LATEST => {
                    return Err(HistoryError::Newer {
                        place: self.place.clone(),
                        found,
                        known: migrate::LATEST,
                    });
                }
                Ok(_) => return Ok(()),
                Err(error) if attempt == 3 => return Err(self.explain(&error)),
                Err(_) => run(connection, "ROLLBACK").await.unwrap_or_default(),
            }
        }
        unreachable!("an attempt is the last")
    }

    /// The layout that stood.
    async fn try_to_migrate(&self, connection: &mut PgConnection) -> sqlx::Result<i64> {
        // Asked first, so that a role that may not create tables can use those that are there.
        let stands: bool = sqlx::query_scalar(
            "SELECT count(*) > 0 FROM information_schema.tables \
             WHERE table_name = 'history_layouts' AND table_schema = ANY (current_schemas(false))",
        )
        .fetch_one(&mut *connection)
        .await?;
        if !stands {
            run(connection, migrate::CREATE).await?;
        }
        let found = sqlx::query_scalar(migrate::READ).fetch_one(&mut *connection);
        let found: Option<i64> = found.await?;
        let found = found.unwrap_or(0);
        for (layout, sql) in (1_i64..).zip(migrate::POSTGRES).skip(found as usize) {
            run(connection, "BEGIN").await?;
            let write = sqlx::query(migrate::WRITE).bind(layout);
            write.execute(&mut *connection).await?;
            run(connection, sql).await?;
            run(connection, "COMMIT").await?;
        }
        Ok(found)
    }

    /// The connection is taken out for as long as it works: after a failure it is dropped, and the server undoes
    /// what it had begun.
    pub(super) async fn store(&self, batch: &Batch<'_>) -> Result<Stored, HistoryError> {
        let mut slot = self.writer.lock().await;
        let mut writer = self.living(slot.take()).await?;
        let stored = timeout(STORE_PATIENCE, writer.store(batch)).await;
        let stored = stored.map_err(|_| self.silent())?;
        let stored = stored.map_err(|error| self.explain(&error))?;
        *slot = Some(writer);
        Ok(stored)
    }

    /// See `Database::forget`.
    pub(super) async fn forget(&self, old: &old::Old) -> Result<u64, HistoryError> {
        let mut slot = self.writer.lock().await;
        let mut writer = self.living(slot.take()).await?;
        let gone = timeout(STORE_PATIENCE, writer.forget(old)).await;
        let gone = gone.map_err(|_| self.silent())?;
        let gone = gone.map_err(|error| self.explain(&error))?;
        *slot = Some(writer);
        Ok(gone)
    }

    /// A connection that answers: a server may have been restarted while nothing was stored.
    async fn living(&self, writer: Option<Writer>) -> Result<Writer, HistoryError> {
        if let Some(mut writer) = writer {
            let ping = timeout(CONNECT_PATIENCE, writer.connection.ping()).await;
            if matches!(ping, Ok(Ok(()))) {
                return Ok(writer);
            }
        }
        self.connect().await
    }
}

async fn settle(connection: &mut PgConnection) {
    for setting in SETTINGS {
        run(connection, setting).await.unwrap_or_default();
    }
}

async fn run(connection: &mut PgConnection, sql: &'static str) -> sqlx::Result<()> {
    sqlx::raw_sql(sql).execute(connection).await.map(drop)
}

impl Writer {
    async fn store(&mut self, batch: &Batch<'_>) -> sqlx::Result<Stored> {
        self.ids.trim();
        run(&mut self.connection, "BEGIN").await?;
        self.learn_series(batch).await?;
        self.learn_contracts(batch).await?;
        let mut new = 0;
        new += self.store_ticks(batch).await?;
        new += self.store_quotes(batch).await?;
        new += self.store_chains(batch).await?;
        new += self.store_metrics(batch).await?;
        new += self.store_bars(batch).await?;
        run(&mut self.connection, "COMMIT").await?;
        Ok(Stored::new(new, batch))
    }

    async fn forget(&mut self, old: &old::Old) -> sqlx::Result<u64> {
        self.ids.forget_expired(old.expired_before);
        let mut gone = 0;
        for statement in old.statements() {
            let at_most = old.at_most.saturating_sub(gone).min(i64::MAX as u64) as i64;
            if at_most == 0 {
                break;
            }
            let delete = sqlx::query(statement.sql)
                .bind(statement.before)
                .bind(at_most);
            let deleted = delete.execute(&mut self.connection).await?;
            gone += deleted.rows_affected();
        }
        Ok(gone)
    }

    async fn learn_series(&mut self, batch: &Batch<'_>) -> sqlx::Result<()> {
        let unknown = self.ids.unknown_series(&batch.metrics);
        if unknown.is_empty() {
            return Ok(());
        }
        let columns = [
            column(&unknown, |key| key.0.as_str()),
            column(&unknown, |key| key.1.as_str()),
            column(&unknown, |key| key.2.as_str()),
        ];
        for sql in [ADD_SERIES, FIND_SERIES] {
            let mut query = sqlx::query(sql);
            for values in &columns {
                query = query.bind(values);
            }
            for row in query.fetch_all(&mut self.connection).await? {
                let key = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
                self.ids.learn_series(&key, row.try_get(3)?);
            }
        }
        Ok(())
    }

    async fn learn_contracts(&mut self, batch: &Batch<'_>) -> sqlx::Result<()> {
        let unknown = self.ids.unknown_contracts(&batch.quotes);
        if unknown.is_empty() {
            return Ok(());
        }
        for sql in [ADD_CONTRACTS, FIND_CONTRACTS] {
            let query = sqlx::query(sql)
                .bind(column(&unknown, |key| key.symbol.as_str()))
                .bind(column(&unknown, |key| key.series.as_str()))
                .bind(column(&unknown, |key| key.listed.is_call))
                .bind(column(&unknown, |key| key.listed.strike()))
                .bind(column(&unknown, |key| expiry_of(&key.series)));
            for row in query.fetch_all(&mut self.connection).await? {
                let symbol: String = row.try_get(0)?;
                if let Ok(symbol) = Symbol::new(&symbol) {
                    let series = row.try_get(1)?;
                    let listed = Listed::new(row.try_get(2)?, row.try_get(3)?);
                    let key = ContractKey {
                        symbol,
                        series,
                        listed,
                    };
                    self.ids.learn_contract(key, row.try_get(4)?);
                }
            }
        }
        Ok(())
    }

    async fn store_ticks(&mut self, batch: &Batch<'_>) -> sqlx::Result<u64> {
        let ticks = &batch.ticks;
        if ticks.is_empty() {
            return Ok(0);
        }
        let query = sqlx::query(TICKS)
            .bind(column(ticks, |tick| tick.symbol.as_str()))
            .bind(column(ticks, |tick| tick.at.nanos()))
            .bind(column(ticks, |tick| tick.price));
        let done = query.execute(&mut self.connection).await?;
        Ok(done.rows_affected())
    }

    async fn store_quotes(&mut self, batch: &Batch<'_>) -> sqlx::Result<u64> {
        let quotes = self.ids.number_quotes(&batch.quotes);
        let quotes = quotes.ok_or(sqlx::Error::RowNotFound)?;
        if quotes.is_empty() {
            return Ok(0);
        }
        let query = sqlx::query(QUOTES)
            .bind(column(&quotes, |(_, quote)| quote.at.nanos()))
            .bind(column(&quotes, |(contract, _)| *contract))
            .bind(column(&quotes, |(_, quote)| finite(quote.bid)))
            .bind(column(&quotes, |(_, quote)| finite(quote.ask)))
            .bind(column(&quotes, |(_, quote)| finite(quote.last)))
            .bind(column(&quotes, |(_, quote)| finite(quote.iv)))
            .bind(column(&quotes, |(_, quote)| finite(quote.delta)))
            .bind(column(&quotes, |(_, quote)| finite(quote.volume)))
            .bind(column(&quotes, |(_, quote)| finite(quote.open_interest)));
        let done = query.execute(&mut self.connection).await?;
        Ok(done.rows_affected())
    }

    async fn store_chains(&mut self, batch: &Batch<'_>) -> sqlx::Result<u64> {
        let chains = &batch.chains;
        if chains.is_empty() {
            return Ok(0);
        }
        let query = sqlx::query(CHAINS)
            .bind(column(chains, |chain| chain.symbol.as_str()))
            .bind(column(chains, |chain| chain.series.as_str()))
            .bind(column(chains, |chain| day(chain.expiry)))
            .bind(column(chains, |chain| chain.at.nanos()))
            .bind(column(chains, |chain| finite(chain.spot)))
            .bind(column(chains, |chain| finite(chain.pcr_oi)))
            .bind(column(chains, |chain| finite(chain.pcr_volume)))
            .bind(column(chains, |chain| finite(chain.atm_strike)))
            .bind(column(chains, |chain| finite(chain.atm_straddle)))
            .bind(column(chains, |chain| finite(chain.max_pain)))
            .bind(column(chains, |chain| finite(chain.call_oi)))
            .bind(column(chains, |chain| finite(chain.put_oi)))
            .bind(column(chains, |chain| chain.document.as_ref()));
        let done = query.execute(&mut self.connection).await?;
        Ok(done.rows_affected())
    }

    async fn store_metrics(&mut self, batch: &Batch<'_>) -> sqlx::Result<u64> {
        let metrics = self.ids.number_metrics(&batch.metrics);
        let metrics = metrics.ok_or(sqlx::Error::RowNotFound)?;
        if metrics.is_empty() {
            return Ok(0);
        }
        let query = sqlx::query(METRICS)
            .bind(column(&metrics, Numbered::block))
            .bind(column(&metrics, |metric| metric.series))
            .bind(column(&metrics, |metric| metric.at.nanos()))
            .bind(column(&metrics, |metric| metric.value));
        let done = query.execute(&mut self.connection).await?;
        let last = last_of_sessions(&metrics);
        let query = sqlx::query(DAILY)
            .bind(column(&last, |metric| day(metric.session)))
            .bind(column(&last, |metric| metric.series))
            .bind(column(&last, |metric| metric.at.nanos()))
            .bind(column(&last, |metric| metric.value));
        query.execute(&mut self.connection).await?;
        Ok(done.rows_affected())
    }

    async fn store_bars(&mut self, batch: &Batch<'_>) -> sqlx::Result<u64> {
        let bars = &batch.bars;
        if bars.is_empty() {
            return Ok(0);
        }
        let ticks = |bar: &&crate::history::row::Bar| {
            bar.ticks.map(|ticks| ticks.min(i64::MAX as u64) as i64)
        };
        let query = sqlx::query(BARS)
            .bind(column(bars, |bar| bar.symbol.as_str()))
            .bind(column(bars, |bar| i64::from(bar.minutes)))
            .bind(column(bars, |bar| bar.start.nanos()))
            .bind(column(bars, |bar| bar.open))
            .bind(column(bars, |bar| bar.high))
            .bind(column(bars, |bar| bar.low))
            .bind(column(bars, |bar| bar.close))
            .bind(column(bars, |bar| bar.volume))
            .bind(column(bars, ticks));
        let done = query.execute(&mut self.connection).await?;
        Ok(done.rows_affected())
    }
}

/// A value of every row, for `UNNEST`: one statement a table, however many rows.
fn column<'a, T, V: 'a>(rows: &'a [T], value: impl Fn(&'a T) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

const ADD_SERIES: &str = "INSERT INTO metric_series (symbol, name, field) \
    SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING";

const FIND_SERIES: &str = "SELECT s.symbol, s.name, s.field, s.id \
    FROM UNNEST($1::text[], $2::text[], $3::text[]) AS w (symbol, name, field) \
    JOIN metric_series s ON s.symbol = w.symbol AND s.name = w.name AND s.field = w.field";

const ADD_CONTRACTS: &str = "INSERT INTO contracts (symbol, series, is_call, strike, expiry) \
    SELECT * FROM UNNEST($1::text[], $2::text[], $3::bool[], $4::float8[], $5::int[]) ON CONFLICT DO NOTHING";

const FIND_CONTRACTS: &str = "SELECT c.symbol, c.series, c.is_call, c.strike, c.id \
    FROM UNNEST($1::text[], $2::text[], $3::bool[], $4::float8[], $5::int[]) \
    AS w (symbol, series, is_call, strike, expiry) JOIN contracts c ON c.symbol = w.symbol \
    AND c.series = w.series AND c.is_call = w.is_call AND c.strike = w.strike";

const TICKS: &str = "INSERT INTO underlying_ticks (symbol, at, price) \
    SELECT * FROM UNNEST($1::text[], $2::int8[], $3::float8[]) ON CONFLICT DO NOTHING";

const QUOTES: &str = "INSERT INTO option_quotes \
    (at, contract, bid, ask, last, iv, delta, volume, open_interest) \
    SELECT * FROM UNNEST($1::int8[], $2::int[], $3::float8[], $4::float8[], $5::float8[], \
    $6::float8[], $7::float8[], $8::float8[], $9::float8[]) ON CONFLICT DO NOTHING";

const CHAINS: &str = "INSERT INTO option_chains (symbol, series, expiry, at, spot, pcr_oi, pcr_volume, \
    atm_strike, atm_straddle, max_pain, call_oi, put_oi, document) \
    SELECT * FROM UNNEST($1::text[], $2::text[], $3::int[], $4::int8[], $5::float8[], \
    $6::float8[], $7::float8[], $8::float8[], $9::float8[], $10::float8[], $11::float8[], \
    $12::float8[], $13::bytea[]) ON CONFLICT DO NOTHING";

const METRICS: &str = "INSERT INTO metrics (block, series, at, value) \
    SELECT * FROM UNNEST($1::int[], $2::int[], $3::int8[], $4::float8[]) ON CONFLICT DO NOTHING";

const DAILY: &str = "INSERT INTO metrics_daily (session, series, at, value) \
    SELECT * FROM UNNEST($1::int[], $2::int[], $3::int8[], $4::float8[]) \
    ON CONFLICT (session, series) DO UPDATE SET at = excluded.at, value = excluded.value \
    WHERE excluded.at > metrics_daily.at";

const BARS: &str = "INSERT INTO bars \
    (symbol, minutes, start, open, high, low, close, volume, ticks) \
    SELECT * FROM UNNEST($1::text[], $2::int8[], $3::int8[], $4::float8[], $5::float8[], \
    $6::float8[], $7::float8[], $8::float8[], $9::int8[]) \
    ON CONFLICT (symbol, minutes, start) DO UPDATE SET open = excluded.open, \
    high = excluded.high, low = excluded.low, close = excluded.close, \
    volume = excluded.volume, ticks = excluded.ticks \
    WHERE (bars.open, bars.high, bars.low, bars.close, bars.volume, bars.ticks) IS DISTINCT FROM \
    (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, excluded.ticks)";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_part_of_a_password_is_said() {
        for url in [
            "postgres://me:hun?ter2@db/h",
            "postgres://me@db/h?password=ab&ter2",
            "postgres://me@db/h?ter2=1",
        ] {
            let why = Server::open(url).await.err().expect(url).to_string();
            assert!(!why.contains("ter2") && why.contains("%XX"), "{why}");
        }
    }
}
