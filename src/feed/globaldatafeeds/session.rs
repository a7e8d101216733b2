//! One connection: authenticates, sends one request at a time, and tells what comes. There are no
//! sequence numbers and nothing is resumed: what was subscribed is subscribed again on the next.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::Message as WireMessage;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

use super::diagnostic::{Class, class};
use super::request::Request;
use super::rows::{Frame, Row, frame};
use crate::config::ApiKey;

/// The list of all instruments of an exchange is one frame of many megabytes.
const LARGEST_FRAME: usize = 64 << 20;
/// From here on other tasks go on while a frame is read.
const LARGE: usize = 256 << 10;
const CONNECTS: Duration = Duration::from_secs(20);

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Connected again.
    Lost(String),
    /// Connected again after a longer pause.
    Pause(String),
    /// Connected again in the next clock hour.
    NextHour(String),
    /// For good.
    Fatal(String),
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Event {
    /// A message, and the request that it answers.
    Heard {
        kind: String,
        body: Value,
        answers: Option<Request>,
    },
    /// A text, and the request that it is about.
    Said {
        class: Class,
        text: String,
        about: Option<Request>,
    },
    /// A frame that is neither text nor JSON.
    Malformed,
    /// No answer came in time.
    TimedOut(Request),
    /// It is time to look what is due.
    Due,
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Without any frame the link is dead.
    pub(super) silence: Duration,
    /// An answer.
    pub(super) answer: Duration,
}

struct Outstanding {
    request: Request,
    until: Instant,
}

/// The connection.
pub(super) struct Session {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    outstanding: Option<Outstanding>,
    heard: Instant,
    patience: Patience,
    key: ApiKey,
}

impl Session {
    /// Connects and authenticates.
    pub(super) async fn open(
        endpoint: &str,
        key: &ApiKey,
        patience: Patience,
    ) -> Result<Self, Trouble> {
        let limits = WebSocketConfig::default()
            .max_message_size(Some(LARGEST_FRAME))
            .max_frame_size(Some(LARGEST_FRAME));
        let connecting = connect_async_with_config(endpoint, Some(limits), true);
        let connected = timeout(CONNECTS, connecting).await;
        let lost = |why: &dyn std::fmt::Display| Trouble::Lost(format!("cannot connect: {why}"));
        let (socket, _) = connected
            .map_err(|_| lost(&"no answer"))?
            .map_err(|error| lost(&key.hidden_in(&error.to_string())))?;
        let mut session = Self {
            socket,
            outstanding: None,
            heard: Instant::now(),
            patience,
            key: key.clone(),
        };
        session.authenticate().await?;
        Ok(session)
    }

    async fn authenticate(&mut self) -> Result<(), Trouble> {
        let body = json!({"MessageType": "Authenticate", "Password": self.key.reveal()});
        self.write(&body).await?;
        let until = Instant::now() + self.patience.answer;
        loop {
            let heard = timeout_at(until, self.read()).await;
            let heard = heard.map_err(|_| Trouble::Lost("no answer to the key".to_owned()))??;
            match heard {
                Some(Frame::Text(text)) => {
                    if class(&text) == Class::Welcome {
                        return Ok(());
                    }
                    self.ended_by(&text)?;
                    if class(&text) == Class::NextHour {
                        return Err(Trouble::NextHour(self.shown(&text)));
                    }
                }
                Some(Frame::Message { kind, body })
                    if kind.eq_ignore_ascii_case("AuthenticateResult") =>
                {
                    let row = body.as_object().map(Row);
                    let complete = row.and_then(|row| row.flag("Complete"));
                    let said = row.and_then(|row| row.text("Message")).unwrap_or_default();
                    if complete == Some(true) {
                        return Ok(());
                    }
                    self.ended_by(said)?;
                    let said = if said.is_empty() {
                        "no reason given"
                    } else {
                        said
                    };
                    return Err(Trouble::Fatal(format!(
                        "authentication failed: {}",
                        self.shown(said)
                    )));
                }
                // Its heartbeat and what it says of itself may come first.
                Some(Frame::Message { .. } | Frame::Malformed) | None => {}
            }
        }
    }

    /// Whether a request may be sent now.
    pub(super) fn is_free(&self) -> bool {
        self.outstanding.is_none()
    }

    /// Sends a request; only where the session is free.
    pub(super) async fn send(&mut self, request: Request) -> Result<(), Trouble> {
        debug_assert!(self.is_free(), "one request at a time");
        self.write(&request.body).await?;
        let until = Instant::now() + request.function.patience(self.patience.answer);
        self.outstanding = Some(Outstanding { request, until });
        Ok(())
    }

    /// What happens next, at `wake` at the latest.
    pub(super) async fn turn(&mut self, wake: Instant) -> Result<Event, Trouble> {
        loop {
            let now = Instant::now();
            if self
                .outstanding
                .as_ref()
                .is_some_and(|one| one.until <= now)
                && let Some(Outstanding { request, .. }) = self.outstanding.take()
            {
                let subscribed = request.function.is_subscription();
                return Ok(if subscribed {
                    Event::Due
                } else {
                    Event::TimedOut(request)
                });
            }
            let dead = self.heard + self.patience.silence;
            if dead <= now {
                let seconds = self.patience.silence.as_secs_f64();
                return Err(Trouble::Lost(format!("nothing heard for {seconds} s")));
            }
            if wake <= now {
                return Ok(Event::Due);
            }
            let answer = self.outstanding.as_ref().map(|one| one.until);
            let until = answer.unwrap_or(wake).min(wake).min(dead);
            let Ok(heard) = timeout_at(until, self.read()).await else {
                continue;
            };
            if let Some(frame) = heard?
                && let Some(event) = self.event(frame)?
            {
                return Ok(event);
            }
        }
    }

    fn event(&mut self, frame: Frame) -> Result<Option<Event>, Trouble> {
        match frame {
            Frame::Malformed => Ok(Some(Event::Malformed)),
            Frame::Text(text) => {
                self.ended_by(&text)?;
                let class = class(&text);
                if class == Class::Welcome {
                    return Ok(None);
                }
                let about = self.outstanding.take().map(|one| one.request);
                let text = self.shown(&text);
                Ok(Some(Event::Said { class, text, about }))
            }
            Frame::Message { kind, body } => {
                let own = [
                    "Echo",
                    "AuthenticateResult",
                    "AllowVMRunningResult",
                    "AllowServerOSRunningResult",
                ];
                if own.iter().any(|own| own.eq_ignore_ascii_case(&kind)) {
                    return Ok(None);
                }
                let answers = self.outstanding.take_if(|one| {
                    let function = one.request.function;
                    let of_kind = match kind.is_empty() {
                        true => !function.is_subscription(),
                        false => function.is_answered_by(&kind),
                    };
                    of_kind && one.request.is_meant_by(&body)
                });
                let answers = answers.map(|one| one.request);
                Ok(Some(Event::Heard {
                    kind,
                    body,
                    answers,
                }))
            }
        }
    }

    /// The trouble of a text after which the session is over.
    fn ended_by(&self, text: &str) -> Result<(), Trouble> {
        match class(text) {
            Class::Fatal => Err(Trouble::Fatal(self.shown(text))),
            Class::Pause => Err(Trouble::Pause(self.shown(text))),
            _ => Ok(()),
        }
    }

    /// The vendor's words, short and without the key.
    fn shown(&self, text: &str) -> String {
        let text = self.key.hidden_in(text);
        text.chars().filter(|c| !c.is_control()).take(200).collect()
    }

    async fn write(&mut self, body: &Value) -> Result<(), Trouble> {
        let sending = self.socket.send(WireMessage::text(body.to_string()));
        match timeout(self.patience.answer, sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.lost(&error)),
            Err(_) => Err(Trouble::Lost("a request could not be sent".to_owned())),
        }
    }

    /// The next frame; `None` for those of the protocol itself. May be dropped while it waits.
    async fn read(&mut self) -> Result<Option<Frame>, Trouble> {
        let Some(heard) = self.socket.next().await else {
            return Err(Trouble::Lost("the connection was closed".to_owned()));
        };
        let heard = heard.map_err(|error| self.lost(&error))?;
        self.heard = Instant::now();
        let parsed = |text: &str| match text.len() < LARGE {
            true => frame(text),
            false => tokio::task::block_in_place(|| frame(text)),
        };
        Ok(match heard {
            WireMessage::Text(text) => Some(parsed(&text)),
            WireMessage::Binary(bytes) => Some(parsed(&String::from_utf8_lossy(&bytes))),
            WireMessage::Close(_) => {
                return Err(Trouble::Lost("the server closed the connection".to_owned()));
            }
            _ => None,
        })
    }

    fn lost(&self, error: &tokio_tungstenite::tungstenite::Error) -> Trouble {
        Trouble::Lost(format!(
            "connection lost: {}",
            self.shown(&error.to_string())
        ))
    }
}
