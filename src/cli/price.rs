//! `analytics price`: one option's price, greeks and implied volatility, by the models the
//! calculators use.

use std::process::ExitCode;

use chrono::NaiveDate;
use clap::{Args, ValueEnum};
use quant::market::{Right, Settlement, Style, Symbol, Timestamp, t_years};
use quant::math::american;
use quant::math::black_scholes::{Greeks, Terms, greeks};
use quant::math::implied_vol::implied_vol;
use serde::Serialize;

use super::{UsageError, print};
use crate::engine::setup::calendars;

/// Price an option, or imply the volatility of a price.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  analytics price --type call --spot 42 --strike 40 --t-years 0.5 --iv 0.2 --rate 0.1
  analytics price --type put --spot 5800 --strike 5750 --symbol SPXW --expiry 2026-11-20 \\
    --as-of 2026-11-20T15:00:00-05:00 --price 3.4 --json

Time is elapsed seconds over 365 days. Greeks are per 1.00 of volatility and rate, decay per year
and per day of calendar time.")]
pub(super) struct PriceArgs {
    /// Call or put
    #[arg(long = "type", value_name = "TYPE")]
    right: RightArg,
    /// Price of the underlying
    #[arg(long, value_name = "S")]
    spot: f64,
    /// Strike
    #[arg(long, value_name = "K")]
    strike: f64,
    /// Years to settlement
    #[arg(long, value_name = "T", required_unless_present = "expiry")]
    t_years: Option<f64>,
    /// Date it expires, instead of the years; wants --as-of
    #[arg(
        long,
        value_name = "DATE",
        requires = "as_of",
        conflicts_with = "t_years"
    )]
    expiry: Option<NaiveDate>,
    /// Instant to price at, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = instant, requires = "expiry")]
    as_of: Option<Timestamp>,
    /// Underlying or root, for the hour it settles; a stock of the United States where left out
    #[arg(long, value_name = "S", value_parser = Symbol::new, requires = "expiry")]
    symbol: Option<Symbol>,
    /// Implied volatility, 0.2 is 20 %
    #[arg(long, value_name = "V", required_unless_present = "price")]
    iv: Option<f64>,
    /// Price of the option, to imply the volatility of
    #[arg(long, value_name = "P", conflicts_with = "iv")]
    price: Option<f64>,
    /// Continuous rate a year
    #[arg(
        long,
        value_name = "R",
        default_value_t = 0.045,
        allow_negative_numbers = true
    )]
    rate: f64,
    /// Continuous dividend yield a year
    #[arg(
        long,
        value_name = "Q",
        default_value_t = 0.0,
        allow_negative_numbers = true
    )]
    dividend: f64,
    /// When it may be exercised
    #[arg(long, value_enum, default_value_t)]
    style: StyleArg,
    /// One line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RightArg {
    Call,
    Put,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum StyleArg {
    #[default]
    European,
    American,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Priced {
    model: &'static str,
    t_years: f64,
    iv: f64,
    price: f64,
    delta: f64,
    gamma: f64,
    /// Only of a European option.
    #[serde(skip_serializing_if = "Option::is_none")]
    greeks: Option<Rest>,
    /// Only of an American option.
    #[serde(skip_serializing_if = "Option::is_none")]
    early_exercise_premium: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Rest {
    vega: f64,
    theta: f64,
    theta_per_day: f64,
    rho: f64,
    vanna: f64,
    charm: f64,
    charm_per_day: f64,
    vomma: f64,
    veta: f64,
    speed: f64,
    zomma: f64,
    color: f64,
}

pub(super) fn execute(args: &PriceArgs) -> anyhow::Result<ExitCode> {
    let priced = price(args).map_err(UsageError)?;
    match args.json {
        true => print(&serde_json::to_string(&priced)?),
        false => print(&table(&priced)),
    }
    Ok(ExitCode::SUCCESS)
}

fn price(args: &PriceArgs) -> Result<Priced, String> {
    for (flag, value) in [("--spot", args.spot), ("--strike", args.strike)] {
        if !(value > 0.0 && value.is_finite()) {
            return Err(format!("{flag}: must be above 0 (is {value})"));
        }
    }
    for (flag, value) in [("--rate", args.rate), ("--dividend", args.dividend)] {
        if !(-1.0..=5.0).contains(&value) {
            return Err(format!(
                "{flag}: must be -1 to 5, 0.05 is 5 % a year (is {value})"
            ));
        }
    }
    let (right, style) = (args.right.right(), args.style.style());
    let terms = Terms {
        spot: args.spot,
        strike: args.strike,
        t_years: time(args)?,
        rate: args.rate,
        dividend_yield: args.dividend,
        sigma: f64::NAN,
    };
    let terms = Terms {
        sigma: volatility(args, right, style, &terms)?,
        ..terms
    };
    match style {
        Style::European => {
            let found = greeks(right, &terms).map_err(|why| why.as_str().replace('_', " "))?;
            Ok(Priced {
                model: "black_scholes_merton",
                t_years: terms.t_years,
                iv: terms.sigma,
                price: found.price,
                delta: found.delta,
                gamma: found.gamma,
                greeks: Some(Rest::of(&found)),
                early_exercise_premium: None,
            })
        }
        Style::American => {
            let found = american::sensitivities(right, &terms).map_err(|why| why.to_string())?;
            let premium = american::early_exercise_premium(right, &terms);
            Ok(Priced {
                model: "andersen_lake_offengenden",
                t_years: terms.t_years,
                iv: terms.sigma,
                price: found.price,
                delta: found.delta,
                gamma: found.gamma,
                greeks: None,
                early_exercise_premium: premium.ok(),
            })
        }
    }
}

/// Years to settlement, as told or by the calendar.
fn time(args: &PriceArgs) -> Result<f64, String> {
    let years = match (args.t_years, args.expiry.zip(args.as_of)) {
        (Some(years), _) => years,
        (None, Some((expiry, as_of))) => {
            let calendars = calendars();
            let symbol = args.symbol.as_ref().map_or("", Symbol::as_str);
            let product = calendars.product(symbol, "XNYS");
            let product = product.ok_or("--symbol: its exchange has no calendar")?;
            let settlement = match symbol {
                "" => Settlement::Pm,
                root => product.settlement(root),
            };
            t_years(product.settlement_instant(expiry, settlement), as_of)
        }
        (None, None) => return Err("either --t-years or --expiry with --as-of".to_owned()),
    };
    match years > 0.0 && years <= 200.0 {
        true => Ok(years),
        false => Err(format!(
            "time to settlement must be above 0 and 200 years at most (is {years})"
        )),
    }
}

fn volatility(args: &PriceArgs, right: Right, style: Style, terms: &Terms) -> Result<f64, String> {
    let iv = match (args.iv, args.price) {
        (Some(iv), _) => iv,
        (None, Some(price)) => {
            let growth = (terms.rate * terms.t_years).exp();
            let forward = terms.spot * ((terms.rate - terms.dividend_yield) * terms.t_years).exp();
            let solved = match style {
                Style::European => {
                    implied_vol(right, price * growth, forward, terms.strike, terms.t_years)
                        .map_err(|why| why.as_str().replace('_', " "))
                }
                Style::American => {
                    american::implied_vol(right, price, terms).map_err(|why| why.to_string())
                }
            };
            solved.map_err(|why| format!("--price {price}: {why}"))?
        }
        (None, None) => return Err("either --iv or --price".to_owned()),
    };
    match iv > 0.0 && iv <= 20.0 {
        true => Ok(iv),
        false => Err(format!(
            "--iv: must be above 0, 20 at most: 0.2 is 20 % (is {iv})"
        )),
    }
}

fn table(priced: &Priced) -> String {
    let mut rows = vec![
        ("model", priced.model.to_owned()),
        ("years", priced.t_years.to_string()),
        ("implied volatility", priced.iv.to_string()),
        ("price", priced.price.to_string()),
        ("delta", priced.delta.to_string()),
        ("gamma", priced.gamma.to_string()),
    ];
    if let Some(premium) = priced.early_exercise_premium {
        rows.push(("early exercise premium", premium.to_string()));
    }
    if let Some(rest) = &priced.greeks {
        rows.extend([
            ("vega, per 1.00", rest.vega.to_string()),
            ("theta, a year", rest.theta.to_string()),
            ("theta, a day", rest.theta_per_day.to_string()),
            ("rho, per 1.00", rest.rho.to_string()),
            ("vanna, per 1.00", rest.vanna.to_string()),
            ("charm, a year", rest.charm.to_string()),
            ("charm, a day", rest.charm_per_day.to_string()),
            ("vomma", rest.vomma.to_string()),
            ("veta, a year", rest.veta.to_string()),
            ("speed", rest.speed.to_string()),
            ("zomma", rest.zomma.to_string()),
            ("color, a year", rest.color.to_string()),
        ]);
    }
    let line = |(name, value): (&str, String)| format!("{name:<24}{value}");
    rows.into_iter().map(line).collect::<Vec<_>>().join("\n")
}

impl Rest {
    fn of(greeks: &Greeks) -> Self {
        Self {
            vega: greeks.vega,
            theta: greeks.theta,
            theta_per_day: greeks.theta / 365.0,
            rho: greeks.rho,
            vanna: greeks.vanna,
            charm: greeks.charm,
            charm_per_day: greeks.charm / 365.0,
            vomma: greeks.vomma,
            veta: greeks.veta,
            speed: greeks.speed,
            zomma: greeks.zomma,
            color: greeks.color,
        }
    }
}

impl RightArg {
    fn right(self) -> Right {
        match self {
            Self::Call => Right::Call,
            Self::Put => Right::Put,
        }
    }
}

impl StyleArg {
    fn style(self) -> Style {
        match self {
            Self::European => Style::European,
            Self::American => Style::American,
        }
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::from_rfc3339(text)
        .ok_or_else(|| "must be RFC 3339, such as 2026-11-20T15:00:00-05:00".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        price: PriceArgs,
    }

    fn priced(line: &str) -> Result<Priced, String> {
        let words = format!("price {line}");
        let cli = Cli::try_parse_from(words.split_whitespace()).map_err(|e| e.to_string())?;
        price(&cli.price)
    }

    /// Hull, "Options, Futures, and Other Derivatives", example 15.6.
    #[test]
    fn hulls_call_has_its_price_and_implies_its_volatility() {
        let terms = "--type call --spot 42 --strike 40 --t-years 0.5 --rate 0.1";
        let call = priced(&format!("{terms} --iv 0.2")).unwrap();
        assert!((call.price - 4.759_422_392_871_533).abs() < 1e-12);
        let back = priced(&format!("{terms} --price {}", call.price)).unwrap();
        assert!((back.iv - 0.2).abs() < 1e-12);
    }

    #[test]
    fn an_american_put_is_worth_more_and_implies_its_volatility() {
        let terms = "--type put --spot 100 --strike 100 --t-years 0.4986301369863014 --rate 0.05 \
                     --style american";
        let put = priced(&format!("{terms} --iv 0.25")).unwrap();
        // QuantLib 1.44, QdFpAmericanEngine, high precision scheme.
        assert!((put.price - 6.015_335_554_958_475).abs() < 1e-4);
        assert!(put.early_exercise_premium.unwrap() > 0.2);
        let back = priced(&format!("{terms} --price {}", put.price)).unwrap();
        assert!((back.iv - 0.25).abs() < 1e-6);
    }

    #[test]
    fn the_hour_of_settlement_follows_from_the_root() {
        let until = |symbol: &str| {
            let line = format!(
                "--type put --spot 6000 --strike 6000 --iv 0.1 --expiry 2026-11-20 \
                 --as-of 2026-11-19T16:00:00-05:00 --symbol {symbol}"
            );
            priced(&line).unwrap().t_years * 365.0 * 24.0
        };
        assert!((until("SPX") - 17.5).abs() < 1e-9);
        assert!((until("SPXW") - 24.0).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let refused = |line: &str, why: &str| {
            let error = priced(line).unwrap_err();
            assert!(error.contains(why), "{line}: {error}");
        };
        let call = "--type call --spot 100 --strike 80";
        refused(
            &format!("{call} --t-years 0.5 --iv 20.5"),
            "--iv: must be above 0",
        );
        refused(
            &format!("{call} --t-years 0.5 --price 1"),
            "below intrinsic",
        );
        refused(
            &format!("{call} --t-years 0 --iv 0.2"),
            "time to settlement",
        );
        refused(
            &format!("{call} --t-years 0.5 --iv 0.2 --rate 45"),
            "--rate: must be",
        );
        refused(
            "--type call --spot 0 --strike 80 --t-years 1 --iv 0.2",
            "--spot: must be above 0",
        );
        refused(&format!("{call} --expiry 2026-11-20 --iv 0.2"), "--as-of");
        refused(&format!("{call} --t-years 1"), "--iv");
    }
}
