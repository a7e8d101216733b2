//! A simulator of the GlobalDatafeeds server on a free loopback port. It speaks every behaviour that
//! the vendor's documents, samples and a trial describe, where a test asks for it; what clients sent
//! and what they did wrong is kept for the test to look at.

mod rows;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::Message;

use self::rows::{
    STEP, expiries, formed, instruments, limitation, options, quote, strikes, written,
};
use crate::harness::market::now_ms;

/// The key that is accepted.
pub(crate) const KEY: &str = "hunter2-key-0a0b0c";
pub(crate) const IN_USE: &str = "Access Denied. Key already in use by other session.";
pub(crate) const NOT_ENABLED: &str = "Function not enabled.";
/// Where the index stands.
pub(crate) const SPOT: f64 = 25_000.0;
/// Between two pushes.
const PUSH: Duration = Duration::from_millis(100);
/// The lot of every contract.
const LOT: u64 = 75;

/// How a client is answered that authenticates.
#[derive(Clone, Debug, Default)]
pub(crate) enum Auth {
    #[default]
    Success,
    /// A text and the end of the connection.
    Text(&'static str),
    /// `Complete: false` with a message.
    Failure(&'static str),
}

/// How keys are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Case {
    #[default]
    Documented,
    Lower,
    Upper,
}

/// What the server does.
#[derive(Clone, Debug)]
pub(crate) struct Behaviour {
    pub(crate) auth: Auth,
    pub(crate) auth_delay_ms: u64,
    /// Between two heartbeats.
    pub(crate) echo_ms: u64,
    /// The two frames that nobody asked for.
    pub(crate) unsolicited: bool,
    /// Requests an hour in the plan.
    pub(crate) calls_per_hour: Value,
    /// Functions that the plan says are not enabled.
    pub(crate) disabled: Vec<&'static str>,
    /// Functions that are refused with a text.
    pub(crate) refused: BTreeMap<&'static str, &'static str>,
    /// Functions whose first requests are not answered, so many.
    pub(crate) unanswered: BTreeMap<&'static str, usize>,
    /// Milliseconds that answers take.
    pub(crate) delays: BTreeMap<&'static str, u64>,
    /// What a request with more than 25 identifiers gets; nothing is silence.
    pub(crate) over_cap: Option<&'static str>,
    /// Requests, authentication apart, after which the hour is used up.
    pub(crate) quota: Option<usize>,
    pub(crate) case: Case,
    /// Numbers and booleans are text.
    pub(crate) as_text: bool,
    /// Answers are bare rows instead of `Request` and `Result`.
    pub(crate) flat: bool,
    /// Rows, and flat answers, say that their kind is null.
    pub(crate) null_kind: bool,
    /// The kind of pushed greeks.
    pub(crate) greeks_kind: &'static str,
    /// Some numbers are not what JSON knows, or not what greeks can be.
    pub(crate) bad_numbers: bool,
    /// Fields that documents of 2018 do not have are left out.
    pub(crate) bare: bool,
    /// Contracts that expired are listed and quoted, too, and rows of no known shape.
    pub(crate) stale_rows: bool,
    /// The exchange is closed: there is no data.
    pub(crate) holiday: bool,
    /// So many more instruments are listed.
    pub(crate) more_instruments: usize,
    /// Neither heartbeats nor pushes: a dead link.
    pub(crate) frozen: bool,
    /// Connections that are dropped at once, so many.
    pub(crate) refuse: usize,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            auth: Auth::Success,
            auth_delay_ms: 0,
            echo_ms: 200,
            unsolicited: true,
            calls_per_hour: 7_200.into(),
            disabled: Vec::new(),
            refused: BTreeMap::new(),
            unanswered: BTreeMap::new(),
            delays: BTreeMap::new(),
            over_cap: None,
            quota: None,
            case: Case::Documented,
            as_text: false,
            flat: false,
            null_kind: false,
            greeks_kind: "RealtimeOptionChainGreeksResult",
            bad_numbers: false,
            bare: false,
            stale_rows: false,
            holiday: false,
            more_instruments: 0,
            frozen: false,
            refuse: 0,
        }
    }
}

/// What happened.
#[derive(Default)]
pub(crate) struct Seen {
    /// TCP connections, those that were refused among them.
    pub(crate) connections: usize,
    /// Connections that authenticated.
    pub(crate) sessions: usize,
    /// Requests with the session they came on.
    pub(crate) requests: Vec<(usize, Value)>,
    /// Requests that came while one was not answered yet.
    pub(crate) overlaps: usize,
    /// The most identifiers of one request.
    pub(crate) most_identifiers: usize,
    /// The volumes of the future's images by session, as they were sent.
    pub(crate) volumes: BTreeMap<usize, Vec<u64>>,
    /// The largest frame sent.
    pub(crate) largest_frame: usize,
}

struct Shared {
    behaviour: Behaviour,
    seen: Seen,
    /// The session that has the key.
    current: Option<(usize, mpsc::UnboundedSender<Order>)>,
    /// Images sent of the future: its volume.
    images: u64,
}

/// What a session is told to do.
enum Order {
    Say(String),
    /// The answer to a request, which is free for another one.
    Answer(String),
    /// Says a text and ends.
    End(Option<&'static str>),
    /// Ends in the middle of a frame's life: without a word.
    Drop,
}

/// The server; it ends when this is dropped.
pub(crate) struct GdfServer {
    shared: Arc<Mutex<Shared>>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl GdfServer {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let shared = Arc::new(Mutex::new(Shared {
            behaviour,
            seen: Seen::default(),
            current: None,
            images: 0,
        }));
        let (stop, stopped) = watch::channel(false);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let thread = std::thread::spawn({
            let shared = shared.clone();
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread();
                let runtime = { runtime }.enable_all().build().unwrap();
                runtime.block_on(serve(listener, shared, stopped));
            }
        });
        Self {
            shared,
            address,
            stop,
            thread: Some(thread),
        }
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Behaves differently from here on.
    pub(crate) fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut lock(&self.shared).behaviour);
    }

    /// What was seen so far.
    pub(crate) fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&lock(&self.shared).seen)
    }

    /// How many requests of a function came.
    pub(crate) fn asked(&self, function: &str) -> usize {
        self.seen(|seen| {
            let named = seen.requests.iter();
            named
                .filter(|(_, request)| field(request, "MessageType") == Some(function))
                .count()
        })
    }

    /// Sends a frame to the session there is.
    pub(crate) fn say(&self, text: &str) {
        self.order(Order::Say(text.to_owned()));
    }

    /// Ends the session there is, with a text first.
    pub(crate) fn end(&self, text: &'static str) {
        self.order(Order::End(Some(text)));
    }

    /// Cuts the connection.
    pub(crate) fn cut(&self) {
        self.order(Order::Drop);
    }

    fn order(&self, order: Order) {
        if let Some((_, session)) = &lock(&self.shared).current {
            session.send(order).ok();
        }
    }
}

impl Drop for GdfServer {
    fn drop(&mut self) {
        self.stop.send(true).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A field whatever the case of its key.
fn field<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    let found = object
        .as_object()?
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name));
    found?.1.as_str()
}

async fn serve(
    listener: std::net::TcpListener,
    shared: Arc<Mutex<Shared>>,
    mut stop: watch::Receiver<bool>,
) {
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let Ok((stream, _)) = accepted else { continue };
        let refused = {
            let mut shared = lock(&shared);
            shared.seen.connections += 1;
            let refuse = &mut shared.behaviour.refuse;
            let refused = *refuse > 0;
            *refuse = refuse.saturating_sub(1);
            refused
        };
        if !refused {
            tokio::spawn(session(stream, shared.clone()));
        }
    }
}

/// What one connection has subscribed, and whether a request is being answered.
#[derive(Default)]
struct Connection {
    number: Option<usize>,
    is_busy: bool,
    quotes: Vec<(String, String)>,
    /// Product, expiry, whether greeks, middle strike and depth.
    chains: Vec<(String, String, bool, f64, f64)>,
}

async fn session(stream: TcpStream, shared: Arc<Mutex<Shared>>) {
    let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
        return;
    };
    let (orders, mut ordered) = mpsc::unbounded_channel();
    let behaviour = || lock(&shared).behaviour.clone();
    let mut connection = Connection::default();
    if behaviour().unsolicited {
        for name in ["VM", "ServerOS"] {
            let frame = json!({format!("Allow{name}Running"): false, "MessageType": format!("Allow{name}RunningResult")});
            orders.send(Order::Say(frame.to_string())).ok();
        }
    }
    let mut echo = tokio::time::interval(Duration::from_millis(behaviour().echo_ms));
    let mut push = tokio::time::interval(PUSH);
    loop {
        let order = tokio::select! {
            Some(order) = ordered.recv() => order,
            heard = socket.next() => match heard {
                Some(Ok(Message::Text(text))) => {
                    let Ok(request) = serde_json::from_str(&text) else { return };
                    answer(&request, &mut connection, &shared, &orders);
                    continue;
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
            _ = echo.tick() => {
                if behaviour().frozen { continue }
                Order::Say(json!({"MessageType": "Echo"}).to_string())
            }
            _ = push.tick() => {
                for frame in pushes(&connection, &shared) {
                    orders.send(Order::Say(frame)).ok();
                }
                continue;
            }
        };
        let (text, ends) = match order {
            Order::Say(text) => (text, false),
            Order::Answer(text) => {
                connection.is_busy = false;
                (text, false)
            }
            Order::End(Some(text)) => (text.to_owned(), true),
            Order::End(None) | Order::Drop => return,
        };
        {
            let largest = &mut lock(&shared).seen.largest_frame;
            *largest = (*largest).max(text.len());
        }
        if socket.send(Message::text(text)).await.is_err() {
            return;
        }
        if ends {
            // Let the text be read before the connection ends.
            socket.close(None).await.ok();
            while let Some(Ok(_)) = socket.next().await {}
            return;
        }
    }
}

type Orders = mpsc::UnboundedSender<Order>;

/// Answers a request, or not.
fn answer(
    request: &Value,
    connection: &mut Connection,
    shared: &Arc<Mutex<Shared>>,
    orders: &Orders,
) {
    let function = field(request, "MessageType").unwrap_or_default().to_owned();
    let mut state = lock(shared);
    let behaviour = state.behaviour.clone();
    if function == "Authenticate" {
        authenticate(request, connection, &mut state, orders);
        return;
    }
    let Some(number) = connection.number else {
        orders
            .send(Order::End(Some("Access Denied. Key unknown or empty.")))
            .ok();
        return;
    };
    state.seen.requests.push((number, request.clone()));
    if connection.is_busy {
        // Only the first of overlapping requests is answered.
        state.seen.overlaps += 1;
        return;
    }
    let say = |text: &str| orders.send(Order::Say(text.to_owned())).ok();
    if behaviour
        .quota
        .is_some_and(|quota| state.seen.requests.len() > quota)
    {
        say("Calls per hour are limited.");
        return;
    }
    if let Some(text) = behaviour.refused.get(function.as_str()) {
        say(text);
        return;
    }
    if let Some(left) = state
        .behaviour
        .unanswered
        .get_mut(function.as_str())
        .filter(|left| **left > 0)
    {
        *left -= 1;
        return;
    }
    let identifiers = request["InstrumentIdentifiers"]
        .as_array()
        .map_or(0, Vec::len);
    state.seen.most_identifiers = state.seen.most_identifiers.max(identifiers);
    if identifiers > 25 {
        if let Some(text) = behaviour.over_cap {
            say(text);
        }
        return;
    }
    if function.starts_with("Subscribe") {
        subscribe(request, &function, connection, &behaviour, orders);
        return;
    }
    let frame = match reply(request, &function, &behaviour) {
        Some(frame) => frame,
        None if behaviour.holiday => "Data unavailable.".to_owned(),
        None => "Data for requested exchange is disabled.".to_owned(),
    };
    connection.is_busy = true;
    let (orders, delay) = (
        orders.clone(),
        behaviour.delays.get(function.as_str()).copied(),
    );
    match delay {
        None => drop(orders.send(Order::Answer(frame))),
        Some(ms) => drop(tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            orders.send(Order::Answer(frame)).ok();
        })),
    }
}

fn authenticate(request: &Value, connection: &mut Connection, state: &mut Shared, orders: &Orders) {
    if connection.number.is_some() {
        orders
            .send(Order::Say("Duplicated Request Not Allowed.".to_owned()))
            .ok();
        return;
    }
    let result = |complete: bool, message: &str| json!({"Complete": complete, "Message": message, "MessageType": "AuthenticateResult"});
    let behaviour = &state.behaviour;
    let answer = match &behaviour.auth {
        Auth::Text(text) => Order::End(Some(text)),
        Auth::Failure(message) => Order::Say(result(false, message).to_string()),
        Auth::Success if field(request, "Password") != Some(KEY) => {
            Order::End(Some("Access Denied. Key not found."))
        }
        Auth::Success => {
            let frame = formed(result(true, "Welcome!"), behaviour);
            state.seen.sessions += 1;
            connection.number = Some(state.seen.sessions);
            // The newer session has the key.
            if let Some((_, older)) = state.current.replace((state.seen.sessions, orders.clone())) {
                older.send(Order::End(Some(IN_USE))).ok();
            }
            Order::Say(frame)
        }
    };
    let (orders, delay) = (orders.clone(), state.behaviour.auth_delay_ms);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(delay)).await;
        orders.send(answer).ok();
    });
}

fn subscribe(
    request: &Value,
    function: &str,
    connection: &mut Connection,
    behaviour: &Behaviour,
    orders: &Orders,
) {
    let text = |name| field(request, name).unwrap_or_default().to_owned();
    let ends = text("Unsubscribe").eq_ignore_ascii_case("true");
    if !request["InstrumentIdentifier"].is_string() && function == "SubscribeRealtime" {
        let text =
            "Cannot deserialize the current JSON array (e.g. [1,2,3]) into type 'System.String'";
        orders.send(Order::Say(text.to_owned())).ok();
        return;
    }
    if function == "SubscribeRealtime" {
        connection
            .quotes
            .push((text("Exchange"), text("InstrumentIdentifier")));
        return;
    }
    let greeks = function == "SubscribeOptionChainGreeks";
    let strike = text("StrikePrice").parse().unwrap_or(f64::NAN);
    let depth = request["Depth"].as_f64().unwrap_or(0.0);
    let chain = (
        text("Product"),
        text("Expiry").to_uppercase(),
        greeks,
        strike,
        depth,
    );
    let same = |other: &(String, String, bool, f64, f64)| {
        (&other.0, &other.1, other.2) == (&chain.0, &chain.1, chain.2)
    };
    connection.chains.retain(|other| !same(other));
    if !ends && !behaviour.holiday {
        connection.chains.push(chain);
    }
}

/// The frames that are due by subscription.
fn pushes(connection: &Connection, shared: &Mutex<Shared>) -> Vec<String> {
    let mut state = lock(shared);
    let Some(number) = connection.number else {
        return Vec::new();
    };
    let behaviour = state.behaviour.clone();
    if behaviour.frozen || behaviour.holiday {
        return Vec::new();
    }
    let mut frames = Vec::new();
    for (exchange, id) in &connection.quotes {
        state.images += u64::from(!exchange.ends_with("_IDX"));
        let images = state.images;
        if id == "NIFTY-I" {
            state
                .seen
                .volumes
                .entry(number)
                .or_default()
                .push(images * LOT);
        }
        let mut row = quote(exchange, id, images, &behaviour);
        row["MessageType"] = "RealtimeResult".into();
        frames.push(formed(row, &behaviour));
    }
    for (product, expiry, greeks, middle, depth) in &connection.chains {
        let near = |strike: &f64| (*strike - middle).abs() <= depth * STEP + 0.1;
        let strikes: Vec<f64> = strikes().filter(near).collect();
        let rows = options(product, expiry, &strikes, &behaviour, !greeks, *greeks);
        let kind = if *greeks {
            behaviour.greeks_kind
        } else {
            "RealtimeOptionChainResult"
        };
        let request =
            json!({"Exchange": "NFO", "Product": product, "Expiry": expiry, "Unsubscribe": false});
        frames.push(formed(
            json!({"Request": request, "Result": rows, "MessageType": kind}),
            &behaviour,
        ));
    }
    frames
}

/// The answer to a request; `None` where there is no data.
fn reply(request: &Value, function: &str, behaviour: &Behaviour) -> Option<String> {
    let text = |name| field(request, name).unwrap_or_default();
    let product = text("Product");
    let (kind, rows) = match function {
        "GetLimitation" => return Some(formed(limitation(behaviour), behaviour)),
        _ if behaviour.holiday => return None,
        "GetExpiryDates" => {
            let dates = expiries().map(|date| json!({"Value": written(date)}));
            let past = behaviour.stale_rows.then(|| json!({"Value": "26NOV2020"}));
            ("ExpiryDatesResult", dates.into_iter().chain(past).collect())
        }
        "GetInstruments" => ("InstrumentsResult", instruments(product, behaviour)),
        "GetLastQuote" => {
            let mut row = quote(text("Exchange"), text("InstrumentIdentifier"), 1, behaviour);
            row["MessageType"] = "LastQuoteResult".into();
            return Some(formed(row, behaviour));
        }
        "GetLastQuoteArray" => {
            let ids = request["InstrumentIdentifiers"].as_array()?.iter();
            let ids = ids.filter_map(|id| id["Value"].as_str());
            let rows = ids.map(|id| {
                quote(
                    text("Exchange"),
                    id,
                    now_ms().unsigned_abs() / 100 % 100_000,
                    behaviour,
                )
            });
            ("LastQuoteArrayResult", rows.collect())
        }
        "GetLastQuoteOptionGreeksChain" => {
            let asked = text("Expiry").to_uppercase();
            let of = expiries().map(written);
            let of = of
                .into_iter()
                .filter(|expiry| asked.is_empty() || *expiry == asked);
            let strikes: Vec<f64> = strikes().collect();
            let rows =
                of.flat_map(|expiry| options(product, &expiry, &strikes, behaviour, true, true));
            ("OptionGreeksChainWithQuoteResult", rows.collect())
        }
        _ => return None,
    };
    if behaviour.flat {
        let named = |mut row: Value| {
            row["MessageType"] = if behaviour.null_kind {
                Value::Null
            } else {
                kind.into()
            };
            row
        };
        let rows: Vec<Value> = { rows }.into_iter().map(named).collect();
        return Some(formed(rows.into(), behaviour));
    }
    let mut request = request.clone();
    request["Complete"] = true.into();
    Some(formed(
        json!({"Request": request, "Result": rows, "MessageType": kind}),
        behaviour,
    ))
}

/// What a plain client hears to what it says, echoes and pushes left out.
async fn talk(endpoint: &str, said: &[Value], answers: usize) -> Vec<String> {
    let (mut socket, _) = tokio_tungstenite::connect_async(endpoint).await.unwrap();
    for one in said {
        socket.send(Message::text(one.to_string())).await.unwrap();
    }
    let mut heard = Vec::new();
    while heard.len() < answers {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                let own = ["Echo", "AllowVM", "AllowServerOS"];
                if !own.iter().any(|own| text.contains(own)) {
                    heard.push(text.to_string());
                }
            }
            Some(Ok(_)) => {}
            _ => break,
        }
    }
    heard
}

fn played(behaviour: Behaviour, said: &[Value], answers: usize) -> Vec<String> {
    let server = GdfServer::start(behaviour);
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let endpoint = server.endpoint();
    let talk = talk(&endpoint, said, answers);
    let limited = async { tokio::time::timeout(crate::harness::SOON, talk).await };
    runtime.block_on(limited).expect("the simulator answers")
}

#[test]
fn the_simulator_refuses_what_the_vendor_refuses() {
    let hello = json!({"MessageType": "Authenticate", "Password": KEY});
    let ids: Vec<Value> = (0..26)
        .map(|n| json!({"Value": format!("S{n}-I")}))
        .collect();
    let array = |ids: &[Value]| json!({"MessageType": "GetLastQuoteArray", "Exchange": "NFO", "InstrumentIdentifiers": ids});
    let plan = json!({"MessageType": "GetLimitation"});

    let heard = played(
        Behaviour::default(),
        &[hello.clone(), hello.clone(), plan.clone()],
        3,
    );
    assert!(
        heard.iter().any(|text| text.contains("\"Complete\":true")),
        "{heard:?}"
    );
    assert!(
        heard
            .iter()
            .any(|text| text == "Duplicated Request Not Allowed."),
        "{heard:?}"
    );

    // Too many identifiers: silence, and the next request is answered; or a text.
    let heard = played(
        Behaviour::default(),
        &[hello.clone(), array(&ids), plan.clone()],
        2,
    );
    assert!(
        heard.iter().any(|text| text.contains("LimitationResult")),
        "{heard:?}"
    );
    assert!(
        !heard
            .iter()
            .any(|text| text.contains("LastQuoteArrayResult")),
        "{heard:?}"
    );
    let strict = Behaviour {
        over_cap: Some("Reached instrument limitation."),
        ..Behaviour::default()
    };
    let heard = played(strict, &[hello.clone(), array(&ids)], 2);
    assert!(
        heard.contains(&"Reached instrument limitation.".to_owned()),
        "{heard:?}"
    );

    // Of overlapping requests only the first is answered.
    let slow = Behaviour {
        delays: BTreeMap::from([("GetLastQuoteArray", 300)]),
        ..Behaviour::default()
    };
    let subscribed = json!({"MessageType": "SubscribeRealtime", "Exchange": "NFO", "InstrumentIdentifier": "A-I"});
    let heard = played(
        slow,
        &[hello.clone(), array(&ids[..2]), plan, subscribed],
        2,
    );
    assert!(heard[1].contains("LastQuoteArrayResult"), "{heard:?}");

    let several = json!({"MessageType": "SubscribeRealtime", "Exchange": "NFO", "InstrumentIdentifier": ["A-I"]});
    let heard = played(Behaviour::default(), &[hello, several], 2);
    assert!(
        heard.iter().any(|text| text.contains("deserialize")),
        "{heard:?}"
    );
}
