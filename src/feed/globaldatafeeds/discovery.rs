//! What there is to subscribe and to poll, and the decision about it: limits, lists, and the plan that
//! follows from them.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::NaiveDate;
use serde_json::Value;
use tokio::time::Instant;
use tracing::{info, warn};

use super::books::{Books, Product};
use super::budget::SMALLEST_PLAN;
use super::diagnostic::Class;
use super::plan::{self, Followed, Instruments, Limitation};
use super::request::{Function, Request};
use super::session::Trouble;
use super::{GlobalDatafeeds, Poll, Reply};

impl GlobalDatafeeds {
    /// Asks once what the plan allows.
    pub(super) async fn limits(&mut self) -> Result<(), Trouble> {
        if self.limitation.is_some() {
            return Ok(());
        }
        let limitation = match self.ask(Request::limitation()).await? {
            Reply::Body(body) => Limitation::read(&body, &mut self.books.counts),
            Reply::Refused(_, said) => {
                info!(said, "the vendor does not tell the plan");
                Limitation::default()
            }
            Reply::Unanswered => Limitation::default(),
        };
        if limitation.enabled == Some(false) {
            return Err(Trouble::Fatal(
                "the vendor says that the key is not enabled".to_owned(),
            ));
        }
        if let Some(end) = limitation.expires.filter(|end| *end < self.clock.now()) {
            let end = end.utc().date_naive();
            return Err(Trouble::Fatal(format!(
                "the vendor says that the key expired on {end}"
            )));
        }
        let own = Some(self.settings.plan_calls_per_hour).filter(|calls| *calls > 0);
        let least = own.into_iter().chain(limitation.calls_per_hour).min();
        self.calls_per_hour = least.unwrap_or(SMALLEST_PLAN);
        self.budget = self
            .budget
            .clone()
            .with_plan(self.calls_per_hour, Instant::now());
        info!(
            calls_per_hour = self.calls_per_hour,
            vendor_says = limitation.calls_per_hour,
            expires = limitation.expires.map(|end| end.to_rfc3339()),
            exchanges = ?limitation.exchanges.keys().collect::<Vec<_>>(),
            "plan"
        );
        self.limitation = Some(limitation);
        Ok(())
    }

    pub(super) fn forbids(&self, function: Function) -> bool {
        let named = self.limitation.as_ref();
        named.is_some_and(|plan| plan.forbids(function)) || self.refused.contains(function.name())
    }

    /// Asks for the expiries and instruments of a product, once a day.
    pub(super) async fn list(&mut self, at: usize, today: NaiveDate) -> Result<(), Trouble> {
        let (name, exchange) = (
            self.books.products[at].name.clone(),
            self.settings.exchange.clone(),
        );
        let most = self.settings.expiries;
        let body = self.listed(Request::expiries(&exchange, &name)).await?;
        let dates = body.map(|body| plan::expiries(&body, today, most, &mut self.books.counts));
        let body = self.listed(Request::instruments(&exchange, &name)).await?;
        let counts = &mut self.books.counts;
        let found = body.map(|body| Instruments::read(&body, &name, today, counts));
        let found = found.unwrap_or_default();
        let spot = plan::spot(
            &exchange,
            &name,
            found.kind.as_deref(),
            &self.settings.indices,
        );
        let cannot_list = self.forbids(Function::GetInstruments);
        let product = &mut self.books.products[at];
        product.expiries = match dates {
            Some(dates) if !dates.is_empty() => dates,
            _ => found.strikes.keys().copied().take(most).collect(),
        };
        let is_listed = !product.expiries.is_empty() && (cannot_list || !found.strikes.is_empty());
        product.listed_on = is_listed.then_some(today);
        info!(
            product = name,
            expiries = ?product.expiries,
            contracts = found.names.len(),
            "listed"
        );
        product.instruments = found;
        product.spot = spot;
        product.centres.clear();
        Ok(())
    }

    /// The answer to a request that can be done without.
    async fn listed(&mut self, request: Request) -> Result<Option<Value>, Trouble> {
        let function = request.function;
        if self.forbids(function) {
            return Ok(None);
        }
        Ok(match self.ask(request).await? {
            Reply::Body(body) => Some(body),
            Reply::Refused(class, said) => {
                info!(function = function.name(), said, "not listed");
                if class == Class::BadRequest {
                    self.refused.insert(function.name().to_owned());
                }
                None
            }
            Reply::Unanswered => None,
        })
    }

    /// Whether the chain of a product is to be pushed, as far as is known.
    pub(super) fn wants_push(&self, product: &Product) -> bool {
        let chain = self.forbids(Function::SubscribeOptionChain);
        let greeks = self.forbids(Function::SubscribeOptionChainGreeks);
        let listed = !product.expiries.is_empty() && !product.instruments.strikes.is_empty();
        match self.settings.path.as_str() {
            "poll" => false,
            "subscribe" => !chain,
            _ => listed && product.refusal.is_none() && !chain && !greeks,
        }
    }

    /// Decides what is subscribed and polled, within the plan.
    pub(super) fn arrange(&mut self) -> Result<(), Trouble> {
        let mut requests = Vec::new();
        let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
        for product in &self.books.products {
            for one in product.followed() {
                *counted.entry(&one.exchange).or_default() += 1;
                if self.is_pushed(one) {
                    requests.push(Request::realtime(&one.exchange, &one.id));
                }
            }
        }
        let allowed = self.limitation.iter().flat_map(|plan| &plan.exchanges);
        for (exchange, (most, _)) in allowed {
            let wanted = counted.get(exchange.as_str()).copied().unwrap_or(0);
            if let Some(most) = most.filter(|most| *most > 0 && wanted > *most) {
                return Err(Trouble::Fatal(format!(
                    "the settings follow {wanted} instruments on {exchange}, the plan allows {most}: \
                     name fewer symbols in feed.globaldatafeeds.symbols"
                )));
            }
        }
        for at in 0..self.books.products.len() {
            requests.extend(self.chain_requests(at));
        }
        self.requests = requests.into();
        self.arrange_polls()
    }

    fn is_pushed(&self, one: &Followed) -> bool {
        !self.forbids(Function::SubscribeRealtime) && !self.unpushed.contains_key(&one.id)
    }

    /// The subscriptions of a product's chain around its price.
    pub(super) fn chain_requests(&mut self, at: usize) -> Vec<Request> {
        let product = &self.books.products[at];
        let price = self
            .books
            .price(product)
            .filter(|_| self.wants_push(product));
        let functions = [
            Function::SubscribeOptionChain,
            Function::SubscribeOptionChainGreeks,
        ];
        let functions: Vec<_> = functions
            .into_iter()
            .filter(|one| !self.forbids(*one))
            .collect();
        let (exchange, depth) = (&self.settings.exchange, plan::depth(self.settings.strikes));
        let product = &mut self.books.products[at];
        let mut requests = Vec::new();
        product.centres.clear();
        for expiry in product.expiries.clone() {
            let centre = price.and_then(|price| product.instruments.nearest(expiry, price));
            let Some(centre) = centre else { continue };
            product.centres.insert(expiry, centre);
            for function in &functions {
                let around = (expiry, centre, depth);
                requests.push(Request::option_chain(
                    *function,
                    exchange,
                    &product.name,
                    around,
                    false,
                ));
            }
        }
        requests
    }

    /// Decides what is polled; what was polled before keeps its turn.
    pub(super) fn arrange_polls(&mut self) -> Result<(), Trouble> {
        let mut wanted = Vec::new();
        let chains = !self.forbids(Function::GetLastQuoteOptionGreeksChain);
        for product in &self.books.products {
            if !product.centres.is_empty() {
                continue;
            }
            match chains && self.settings.path != "subscribe" {
                true => wanted.extend(Books::chain_polls(product, &self.settings.exchange)),
                false => warn!(
                    product = product.name,
                    "no chain: it can neither be subscribed nor polled"
                ),
            }
        }
        let products = self.books.products.iter();
        let unpushed = products
            .flat_map(Product::followed)
            .filter(|one| !self.is_pushed(one));
        let unpushed: Vec<&Followed> = unpushed.collect();
        if !self.forbids(Function::GetLastQuoteArray) {
            wanted.splice(0..0, plan::quotes(&unpushed));
        }
        let mut poll_seconds = self.settings.poll_seconds;
        let needed = plan::needed(wanted.len(), poll_seconds, self.requests.len());
        let fits = plan::check_quota(needed, self.calls_per_hour);
        // A feed that once ran is not ended by a refusal: it goes on as well as the plan allows.
        if self.planned_on.is_none() {
            fits.map_err(Trouble::Fatal)?;
        } else if let Err(why) = fits {
            poll_seconds = plan::affordable_seconds(
                poll_seconds,
                wanted.len(),
                self.requests.len(),
                self.calls_per_hour,
            );
            warn!(why, poll_seconds, "polled less often, as the plan allows");
        }
        self.poll_pause = Duration::from_secs_f64(poll_seconds);
        let now = Instant::now();
        let due = |request: &Request| {
            let before = self.polls.iter().find(|poll| poll.request == *request);
            before.map_or(now, |poll| poll.due)
        };
        let polls = wanted.into_iter().map(|request| Poll {
            due: due(&request),
            request,
        });
        self.polls = polls.collect();
        let (subscriptions, polls) = (self.requests.len(), self.polls.len());
        info!(
            subscriptions,
            polls,
            poll_seconds,
            requests_per_hour = needed,
            plan = self.calls_per_hour,
            "planned"
        );
        Ok(())
    }
}
