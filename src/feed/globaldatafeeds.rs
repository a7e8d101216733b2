//! The provider `globaldatafeeds`: quotes, option chains and greeks of Indian exchanges over the
//! vendor's WebSocket. Chains are subscribed, or polled where the key may not subscribe; one request
//! is outstanding at a time, and no more are sent than the plan allows.

mod books;
mod budget;
mod diagnostic;
mod discovery;
mod identifier;
mod images;
mod maintenance;
mod options;
mod plan;
mod request;
mod rows;
mod session;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use chrono::NaiveDate;
use futures_util::future::{BoxFuture, FutureExt};
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{info, warn};

use self::books::{Books, Product, Refusal};
use self::budget::{Budget, SMALLEST_PLAN};
use self::diagnostic::Class;
use self::maintenance::{Windows, date, until_next_hour};
use self::options::Quantities;
use self::plan::Limitation;
use self::request::{Function, Request};
use self::session::{Event, Patience, Session, Trouble};
use super::message::Message;
use super::provider::{FeedError, Options, Provider};
use crate::clock::Clock;
use crate::config::{ApiKey, GlobalDataFeeds};
use crate::telemetry;

/// The provider's name.
pub const NAME: &str = "globaldatafeeds";

/// Where options are listed.
const EXCHANGES: [&str; 4] = ["NFO", "BFO", "CDS", "MCX"];
/// Requests without an answer in a row, after which the connection is given up.
const UNANSWERED: u32 = 3;
/// What there was no data for is asked for again at the latest after so long.
const LONGEST_PAUSE: Duration = Duration::from_secs(900);
/// Nothing is due for so long.
const LONG: Duration = Duration::from_secs(3_600);

struct Poll {
    request: Request,
    due: Instant,
}

/// What came of a request.
enum Reply {
    Body(Value),
    Refused(Class, String),
    Unanswered,
}

struct GlobalDatafeeds {
    settings: GlobalDataFeeds,
    key: ApiKey,
    clock: Clock,
    windows: Windows,
    /// Between two chains of a product that are pushed.
    chain_pause: Duration,
    session: Option<Session>,
    not_before: Option<Instant>,
    /// What the plan allows, once it was asked for.
    limitation: Option<Limitation>,
    calls_per_hour: u64,
    budget: Budget,
    books: Books,
    /// The day of the plan, and how many maintenance windows had ended.
    planned_on: Option<(NaiveDate, usize)>,
    /// Subscriptions that are still to be sent.
    requests: VecDeque<Request>,
    /// Subscriptions for which there was no data.
    later: Vec<Request>,
    /// When they, and what could not be listed, are asked for again.
    again: Option<Instant>,
    /// Until the next time; it grows.
    pause: Duration,
    polls: Vec<Poll>,
    /// Between two polls of a request: what the settings say, longer where the plan allows less.
    poll_pause: Duration,
    /// Identifiers whose quotes are polled, as the vendor does not push them.
    unpushed: BTreeMap<String, Refusal>,
    /// Functions that were refused where nothing stands in for them.
    refused: BTreeSet<String>,
    chains_due: Instant,
    ready: Vec<Message>,
    unanswered: u32,
    told: BTreeMap<&'static str, u64>,
}

/// The provider of these options.
pub fn open(options: &Options) -> Result<Box<dyn Provider>, String> {
    let feed = &options.feed;
    let settings = feed.globaldatafeeds.clone();
    if !options.recordings.is_empty() {
        return Err(format!("the provider `{NAME}` plays no recordings"));
    }
    if options.labels.is_some() {
        return Err("--labels: a vendor does not know the truth about its trades".to_owned());
    }
    let exchange = settings.exchange.as_str();
    if !EXCHANGES.contains(&exchange) {
        let all = EXCHANGES.join(", ");
        return Err(format!(
            "feed.globaldatafeeds.exchange: must be one of {all} (is {exchange:?})"
        ));
    }
    let mut names: Vec<&str> = settings
        .symbols
        .iter()
        .map(|name| plan::product(name))
        .collect();
    if names.is_empty() {
        names = feed
            .symbols
            .iter()
            .map(|symbol| plan::product(symbol.as_str()))
            .collect();
    }
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(*name));
    if names.is_empty() {
        return Err(
            "feed.globaldatafeeds.symbols: name the products, such as NIFTY,BANKNIFTY".to_owned(),
        );
    }
    let products = names
        .iter()
        .map(|name| Product::new(name, exchange, &settings.indices));
    let products = products.collect::<Result<Vec<_>, _>>()?;
    let windows = Windows::parse(&settings.maintenance);
    let now = Instant::now();
    let calls_per_hour = match settings.plan_calls_per_hour {
        0 => SMALLEST_PLAN,
        calls => calls,
    };
    Ok(Box::new(GlobalDatafeeds {
        key: key(&settings)?,
        clock: options.clock.clone(),
        windows: windows.map_err(|why| format!("feed.globaldatafeeds.maintenance: {why}"))?,
        chain_pause: Duration::from_millis(feed.interval_ms * feed.chain_every),
        session: None,
        not_before: None,
        limitation: None,
        calls_per_hour,
        budget: Budget::new(calls_per_hour, now),
        books: Books::new(products, Quantities::named(&settings.quantities)),
        planned_on: None,
        requests: VecDeque::new(),
        later: Vec::new(),
        again: None,
        pause: Duration::from_secs_f64(settings.retry_seconds),
        polls: Vec::new(),
        poll_pause: Duration::from_secs_f64(settings.poll_seconds),
        unpushed: BTreeMap::new(),
        refused: BTreeSet::new(),
        chains_due: now,
        ready: Vec::new(),
        unanswered: 0,
        told: BTreeMap::new(),
        settings,
    }))
}

/// The key from its variable, else from its file.
fn key(settings: &GlobalDataFeeds) -> Result<ApiKey, String> {
    if let Some(key) = settings.api_key.clone().filter(|key| !key.is_empty()) {
        return Ok(key);
    }
    let Some(path) = &settings.api_key_file else {
        return Err(
            "no key: set ANALYTICS_GDF_API_KEY or feed.globaldatafeeds.api_key_file".to_owned(),
        );
    };
    let problem = |why: &dyn std::fmt::Display| {
        format!(
            "feed.globaldatafeeds.api_key_file: {}: {why}",
            path.display()
        )
    };
    let text = std::fs::read_to_string(path).map_err(|error| problem(&error))?;
    let key = ApiKey::new(text.lines().next().unwrap_or_default());
    match key.is_empty() {
        true => Err(problem(&"the first line must be the key (is empty)")),
        false => Ok(key),
    }
}

impl Provider for GlobalDatafeeds {
    fn name(&self) -> &'static str {
        NAME
    }

    fn connect(&mut self) -> BoxFuture<'_, Result<(), FeedError>> {
        async {
            let connected = self.begin().await;
            connected.map_err(|trouble| self.ended(trouble))
        }
        .boxed()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Vec<Message>>, FeedError>> {
        async {
            let said = self.advance().await;
            said.map(Some).map_err(|trouble| self.ended(trouble))
        }
        .boxed()
    }

    fn rejected(&self) -> BTreeMap<&'static str, u64> {
        self.books.counts.0.clone()
    }
}

impl GlobalDatafeeds {
    /// Connects, asks what there is, and plans what is subscribed and polled.
    async fn begin(&mut self) -> Result<(), Trouble> {
        self.session = None;
        if let Some(until) = self.not_before.take() {
            sleep_until(until).await;
        }
        while let Some(left) = self.windows.left(self.clock.now()) {
            info!(
                seconds = left.as_secs(),
                "the vendor's servers are being maintained: waiting"
            );
            sleep(left).await;
        }
        let seconds = Duration::from_secs_f64;
        let patience = Patience {
            silence: seconds(self.settings.silence_seconds),
            answer: seconds(self.settings.timeout_seconds),
        };
        let session = Session::open(&self.settings.endpoint, &self.key, patience).await?;
        self.session = Some(session);
        self.unanswered = 0;
        info!(endpoint = self.settings.endpoint, "authenticated");
        self.plan().await?;
        let names = self.books.symbols(self.clock.now());
        self.ready.splice(0..0, names);
        Ok(())
    }

    async fn plan(&mut self) -> Result<(), Trouble> {
        let today = date(self.clock.now());
        let turn = self.turn();
        if self.planned_on != Some(turn) {
            for product in &mut self.books.products {
                product.listed_on = None;
            }
        }
        // Words that nobody knows may have been of the moment.
        self.unpushed
            .retain(|_, refusal| *refusal == Refusal::ForGood);
        for product in &mut self.books.products {
            product.refusal = product.refusal.filter(|one| *one == Refusal::ForGood);
        }
        self.limits().await?;
        for at in 0..self.books.products.len() {
            self.books.products[at].options.forget_before(today);
            if self.books.products[at].listed_on != Some(today) {
                self.list(at, today).await?;
            }
        }
        self.books.follow();
        for at in 0..self.books.products.len() {
            self.first_price(at).await?;
        }
        self.arrange()?;
        self.planned_on = Some(turn);
        self.later.clear();
        self.again = None;
        self.pause = Duration::from_secs_f64(self.settings.retry_seconds);
        self.postpone_what_is_missing(today);
        Ok(())
    }

    /// Asks for the price that the chain of a product is subscribed around, where none is known.
    async fn first_price(&mut self, at: usize) -> Result<(), Trouble> {
        let product = &self.books.products[at];
        if !self.wants_push(product) || self.books.price(product).is_some() {
            return Ok(());
        }
        let first = product.followed().next().cloned();
        if let Some(one) = first {
            let request = Request::quote(&one.exchange, &one.id);
            if let Reply::Body(body) = self.ask(request).await? {
                self.hear(Function::GetLastQuote.name(), &body);
            }
        }
        Ok(())
    }

    /// Whether a product lacks its lists, or the price its chain would be subscribed around.
    fn is_missing(&self, at: usize, today: NaiveDate) -> bool {
        let product = &self.books.products[at];
        let lists = [Function::GetExpiryDates, Function::GetInstruments];
        let can_list = lists.iter().any(|one| !self.forbids(*one));
        (can_list && product.listed_on != Some(today))
            || (self.wants_push(product) && product.centres.is_empty())
    }

    fn postpone_what_is_missing(&mut self, today: NaiveDate) {
        if (0..self.books.products.len()).any(|at| self.is_missing(at, today)) {
            self.postpone();
        }
    }

    fn postpone(&mut self) {
        if self.again.is_none() {
            self.again = Some(Instant::now() + self.pause);
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Asks again for what there was no data for: before the open, on a holiday.
    async fn ask_again(&mut self) -> Result<(), Trouble> {
        let today = date(self.clock.now());
        self.again = None;
        let later = std::mem::take(&mut self.later);
        self.requests.extend(later);
        for at in 0..self.books.products.len() {
            if !self.is_missing(at, today) {
                continue;
            }
            if self.books.products[at].listed_on != Some(today) {
                self.list(at, today).await?;
                self.books.follow();
            }
            self.first_price(at).await?;
            let more = self.chain_requests(at);
            self.requests.extend(more);
        }
        self.postpone_what_is_missing(today);
        self.arrange_polls()
    }

    /// Asks and waits for the answer; what is pushed meanwhile is taken in.
    async fn ask(&mut self, request: Request) -> Result<Reply, Trouble> {
        loop {
            self.allowance().await?;
            self.session()?.send(request.clone()).await?;
            loop {
                let event = self.session()?.turn(Instant::now() + LONG).await?;
                match event {
                    Event::Heard {
                        body,
                        answers: Some(_),
                        ..
                    } => {
                        self.unanswered = 0;
                        return Ok(Reply::Body(body));
                    }
                    Event::Said {
                        class: Class::NextHour,
                        text,
                        about: Some(_),
                    } => {
                        self.wait_for_next_hour(&text);
                        break;
                    }
                    Event::Said {
                        class,
                        text,
                        about: Some(_),
                    } => {
                        return Ok(Reply::Refused(class, text));
                    }
                    Event::TimedOut(request) => {
                        self.not_answered(&request)?;
                        return Ok(Reply::Unanswered);
                    }
                    other => self.take(other)?,
                }
            }
        }
    }

    /// Waits until a request may be sent.
    async fn allowance(&mut self) -> Result<(), Trouble> {
        while let Err(at) = self.budget.take(Instant::now()) {
            let event = self.session()?.turn(at).await?;
            self.take(event)?;
        }
        Ok(())
    }

    /// What the plan is of: contracts are listed in the morning, while the servers are down.
    fn turn(&self) -> (NaiveDate, usize) {
        let now = self.clock.now();
        (date(now), self.windows.ended(now))
    }

    fn is_free(&self) -> bool {
        self.session.as_ref().is_some_and(Session::is_free)
    }

    fn session(&mut self) -> Result<&mut Session, Trouble> {
        let session = self.session.as_mut();
        session.ok_or_else(|| Trouble::Lost("not connected".to_owned()))
    }

    /// The next messages.
    async fn advance(&mut self) -> Result<Vec<Message>, Trouble> {
        loop {
            if !self.ready.is_empty() {
                return Ok(std::mem::take(&mut self.ready));
            }
            if self.planned_on != Some(self.turn()) && self.session()?.is_free() {
                // On a connection of its own: what is no longer wanted ends with the old one.
                return Err(Trouble::Lost("the lists of the day are due".to_owned()));
            }
            let is_due = self.again.is_some_and(|at| at <= Instant::now());
            if is_due && self.session()?.is_free() {
                self.ask_again().await?;
                continue;
            }
            self.make_pushed_chains();
            if !self.ready.is_empty() {
                continue;
            }
            let mut wake = self.send_due().await?;
            if let Some(at) = self.again.filter(|_| self.is_free()) {
                wake = wake.min(at);
            }
            let event = self.session()?.turn(wake).await?;
            self.take(event)?;
            if self.tell_counts() {
                return Ok(std::mem::take(&mut self.ready));
            }
        }
    }

    /// Sends what is due; says when to look again.
    async fn send_due(&mut self) -> Result<Instant, Trouble> {
        let now = Instant::now();
        let changed = self.books.products.iter().any(|one| one.options.changed);
        let wake = if changed { self.chains_due } else { now + LONG };
        if !self.session()?.is_free() {
            return Ok(wake);
        }
        let first = (0..self.polls.len()).min_by_key(|at| self.polls[*at].due);
        let due = first.map(|at| self.polls[at].due);
        if self.requests.is_empty() && due.is_none_or(|due| due > now) {
            return Ok(due.map_or(wake, |due| wake.min(due)));
        }
        if let Err(at) = self.budget.take(now) {
            return Ok(wake.min(at));
        }
        let request = match (self.requests.pop_front(), first) {
            (Some(request), _) => request,
            (None, Some(at)) => {
                let poll = &mut self.polls[at];
                poll.due = now.max(poll.due) + self.poll_pause;
                poll.request.clone()
            }
            (None, None) => return Ok(wake),
        };
        self.session()?.send(request).await?;
        Ok(wake)
    }

    fn take(&mut self, event: Event) -> Result<(), Trouble> {
        match event {
            Event::Due => {}
            Event::Malformed => self.books.counts.count("malformed_frame"),
            Event::TimedOut(request) => self.not_answered(&request)?,
            Event::Said { class, text, about } => self.said(class, &text, about)?,
            Event::Heard {
                kind,
                body,
                answers,
            } => {
                self.hear(&kind, &body);
                if let Some(request) = answers {
                    self.unanswered = 0;
                    self.round_ended(&request);
                }
            }
        }
        Ok(())
    }

    fn hear(&mut self, kind: &str, body: &Value) {
        let now = self.clock.now();
        let said = self.books.take(kind, body, now, date(now));
        self.ready.extend(said);
        self.follow_the_price();
    }

    /// Makes the chain of a product once the last of its polls was answered.
    fn round_ended(&mut self, request: &Request) {
        if request.function != Function::GetLastQuoteOptionGreeksChain {
            return;
        }
        let now = Instant::now();
        let name = request.about.first();
        let of_it = self
            .polls
            .iter()
            .filter(|poll| poll.request.about.first() == name);
        let mut others = of_it.filter(|poll| poll.request.function == request.function);
        if others.all(|poll| poll.due > now) {
            let (at, delayed) = (self.clock.now(), self.is_delayed());
            let chains = self
                .books
                .chains(at, delayed, |product| Some(&product.name) == name);
            self.ready.extend(chains);
        }
    }

    fn make_pushed_chains(&mut self) {
        let now = Instant::now();
        if now < self.chains_due {
            return;
        }
        let (at, delayed) = (self.clock.now(), self.is_delayed());
        let chains = self.books.chains(at, delayed, |_| true);
        if !chains.is_empty() {
            self.chains_due = now + self.chain_pause;
            self.ready.extend(chains);
        }
    }

    fn is_delayed(&self) -> bool {
        let plan = self.limitation.as_ref();
        let exchange = plan.and_then(|plan| plan.exchanges.get(&self.settings.exchange));
        exchange.is_some_and(|(_, delayed)| *delayed)
    }

    /// Moves subscriptions whose strikes the price has left.
    fn follow_the_price(&mut self) {
        let depth = plan::depth(self.settings.strikes);
        let exchange = self.settings.exchange.clone();
        for at in 0..self.books.products.len() {
            let product = &self.books.products[at];
            let Some(price) = self.books.price(product) else {
                continue;
            };
            let moved = product.centres.iter().filter_map(|(expiry, centre)| {
                let nearest = product.instruments.nearest(*expiry, price)?;
                let strikes = product.instruments.between(*expiry, *centre, nearest) as u64;
                (2 * strikes > depth.max(2)).then_some((*expiry, *centre, nearest))
            });
            let moved: Vec<_> = moved.collect();
            let name = product.name.clone();
            for (expiry, from, to) in moved {
                info!(product = name, %expiry, from, to, "the price has moved: other strikes are subscribed");
                self.books.products[at].centres.insert(expiry, to);
                self.later
                    .retain(|one| one.expiry != Some(expiry) || one.about.first() != Some(&name));
                for function in [
                    Function::SubscribeOptionChain,
                    Function::SubscribeOptionChainGreeks,
                ] {
                    if self.forbids(function) {
                        continue;
                    }
                    let of = |strike, ends| {
                        Request::option_chain(
                            function,
                            &exchange,
                            &name,
                            (expiry, strike, depth),
                            ends,
                        )
                    };
                    self.requests.extend([of(from, true), of(to, false)]);
                }
            }
        }
    }

    /// What the vendor said in words.
    fn said(&mut self, class: Class, text: &str, about: Option<Request>) -> Result<(), Trouble> {
        let Some(request) = about else {
            if class == Class::NextHour {
                self.wait_for_next_hour(text);
            } else {
                self.books.counts.count("unasked_text");
            }
            return Ok(());
        };
        let function = request.function;
        match class {
            Class::NextHour => {
                self.wait_for_next_hour(text);
                if function.is_subscription() {
                    self.requests.push_front(request);
                }
            }
            Class::NoData => {
                self.books.counts.count("no_data");
                self.round_ended(&request);
                if function.is_subscription() && request.body["Unsubscribe"] != "true" {
                    self.later.push(request);
                    self.postpone();
                }
            }
            _ if request.body["Unsubscribe"] == "true" => {}
            Class::Duplicate if function.is_subscription() => {}
            Class::Duplicate => self.round_ended(&request),
            Class::Unknown if !function.is_subscription() => {
                info!(
                    function = function.name(),
                    about = request.about.join(","),
                    said = text,
                    "not answered but told"
                );
                self.books.counts.count("unknown_text");
                self.round_ended(&request);
            }
            Class::Unknown => self.do_without(&request, text, Refusal::Passing)?,
            _ => self.do_without(&request, text, Refusal::ForGood)?,
        }
        Ok(())
    }

    /// Finds another way to what a refused request was to bring.
    fn do_without(
        &mut self,
        request: &Request,
        text: &str,
        refusal: Refusal,
    ) -> Result<(), Trouble> {
        let function = request.function;
        let about = request.about.join(",");
        match function {
            Function::SubscribeRealtime => {
                warn!(about, said = text, "quotes are not pushed: polled instead");
                let names = request.about.iter().cloned();
                self.unpushed.extend(names.map(|name| (name, refusal)));
            }
            Function::SubscribeOptionChain | Function::SubscribeOptionChainGreeks
                if self.settings.path != "subscribe" =>
            {
                warn!(
                    about,
                    said = text,
                    function = function.name(),
                    "chain is not pushed: polled instead"
                );
                let product = self
                    .books
                    .products
                    .iter_mut()
                    .find(|one| request.about.contains(&one.name));
                if let Some(product) = product {
                    product.refusal = Some(refusal);
                    product.centres.clear();
                }
                self.requests.retain(|other| {
                    let of_chain = other.function != Function::SubscribeRealtime;
                    !(of_chain && other.about == request.about)
                });
            }
            _ => {
                warn!(
                    about,
                    said = text,
                    function = function.name(),
                    "refused by the vendor"
                );
                self.polls.retain(|poll| poll.request != *request);
                return Ok(());
            }
        }
        self.arrange_polls()
    }

    fn wait_for_next_hour(&mut self, text: &str) {
        let wait = until_next_hour(self.clock.now());
        warn!(
            said = text,
            seconds = wait.as_secs(),
            "no requests until the next hour"
        );
        self.budget.close_for(wait, Instant::now());
    }

    fn not_answered(&mut self, request: &Request) -> Result<(), Trouble> {
        self.books.counts.count("unanswered");
        self.unanswered += 1;
        let function = request.function.name();
        if self.unanswered >= UNANSWERED {
            return Err(Trouble::Lost(format!(
                "{} requests without an answer, the last {function}",
                self.unanswered
            )));
        }
        info!(function, about = request.about.join(","), "no answer");
        self.round_ended(request);
        Ok(())
    }

    /// Hands what could not be used to the metrics; whether there was something new.
    fn tell_counts(&mut self) -> bool {
        let mut is_new = false;
        for (reason, count) in &self.books.counts.0 {
            let told = self.told.entry(reason).or_default();
            if *count > *told {
                telemetry::bad_input("feed", reason, *count - *told);
                *told = *count;
                is_new = true;
            }
        }
        is_new
    }

    /// What a trouble is to the feed.
    fn ended(&mut self, trouble: Trouble) -> FeedError {
        self.session = None;
        self.books.interrupted();
        self.requests.clear();
        let now = Instant::now();
        match trouble {
            Trouble::Lost(why) => FeedError::Lost(why),
            Trouble::Pause(why) => {
                let wait = Duration::from_secs_f64(self.settings.retry_seconds);
                self.not_before = Some(now + wait);
                FeedError::Lost(format!("{why} (again in {} s)", wait.as_secs_f64()))
            }
            Trouble::NextHour(why) => {
                self.not_before = Some(now + until_next_hour(self.clock.now()));
                FeedError::Lost(format!("{why} (again in the next hour)"))
            }
            Trouble::Fatal(why) => FeedError::Fatal(format!("{NAME}: {why}")),
        }
    }
}
