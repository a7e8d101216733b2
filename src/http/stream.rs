//! `GET /stream`: documents as server-sent events. `GET /ws`: the same as text frames, over which a
//! client may replace what it follows.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::Desk;
use super::error::{Answer, ApiError};
use super::follow::{Event, Follower, Selection};
use super::gate::BySession;
use super::query::Query;
use crate::store::published::{Document, Slot};

/// Longest message a client may send.
const MAX_MESSAGE: usize = 64 << 10;

/// Between the head of a rendered document and its data.
const DATA: &[u8] = b"\nevent: document\ndata: ";

/// Documents as server-sent events.
pub(super) async fn events(
    State(desk): State<Arc<Desk>>,
    Extension(session): Extension<BySession>,
    headers: HeaderMap,
    query: Query,
) -> Answer {
    let selection = Selection::of(&query)?;
    let header = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let last = query.text("last_event_id").or(header);
    let follower = Follower::new(desk.clone(), selection, last, "sse", session.0)?;
    let epoch: Arc<str> = desk.published.epoch().into();
    let events = futures_util::stream::unfold(follower, move |mut follower| {
        let epoch = epoch.clone();
        async move {
            let event = follower.next().await?;
            Some((
                Ok::<Bytes, Infallible>(event_text(&event, &epoch)),
                follower,
            ))
        }
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/event-stream");
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // For proxies that would collect.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// An event as it goes over the wire.
fn event_text(event: &Event, epoch: &str) -> Bytes {
    match event {
        Event::Document(slot, document, is_change) => {
            let text = rendered(slot, document, epoch);
            match is_change {
                true => text.clone(),
                // Without its place: in the midst of a snapshot there is none to go on from.
                false => text.slice(id_length(text)..),
            }
        }
        Event::SnapshotEnd { sequence, .. } => {
            let data = data(event);
            format!(
                "id: {epoch}-{sequence}\nevent: {}\ndata: {data}\n\n",
                name(event)
            )
            .into()
        }
        Event::Heartbeat { .. } | Event::Dropped { .. } => {
            format!("event: {}\ndata: {}\n\n", name(event), data(event)).into()
        }
    }
}

fn name(event: &Event) -> &'static str {
    match event {
        Event::Document(_, document, _) if document.bytes.is_none() => "gone",
        Event::Document(..) => "document",
        Event::SnapshotEnd { .. } => "snapshot_end",
        Event::Heartbeat { .. } => "heartbeat",
        Event::Dropped { .. } => "dropped",
    }
}

/// The data of an event that is not a document.
fn data(event: &Event) -> String {
    let data = match event {
        Event::Document(slot, ..) => json!({"symbol": *slot.symbol, "name": *slot.name}),
        Event::SnapshotEnd { documents, .. } => json!({"documents": documents}),
        Event::Heartbeat { now, pass, behind } => {
            json!({"now": now, "pass": pass, "behind": behind})
        }
        Event::Dropped { reason, lost } => json!({"reason": reason, "lost": lost}),
    };
    data.to_string()
}

/// A document as a server-sent event with its id, the same bytes for everybody.
fn rendered<'d>(slot: &Slot, document: &'d Document, epoch: &str) -> &'d Bytes {
    document.rendered(|document| {
        let id = format!("id: {epoch}-{}", document.sequence);
        let Some(text) = &document.bytes else {
            let data = json!({"symbol": *slot.symbol, "name": *slot.name});
            return format!("{id}\nevent: gone\ndata: {data}\n\n").into();
        };
        let mut event = Vec::with_capacity(id.len() + text.len() + 128);
        event.extend_from_slice(id.as_bytes());
        event.extend_from_slice(DATA);
        let head = json!({"symbol": *slot.symbol, "name": *slot.name}).to_string();
        // Its object goes on with what is not copied twice.
        event.extend_from_slice(head.strip_suffix('}').unwrap_or(&head).as_bytes());
        let at = document.published_at.millis();
        event.extend_from_slice(format!(",\"published_at\":{at},\"document\":").as_bytes());
        event.extend_from_slice(text);
        event.extend_from_slice(b"}\n\n");
        event.into()
    })
}

/// Bytes of the line that bears the id.
fn id_length(event: &[u8]) -> usize {
    event
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1)
}

/// Documents over a WebSocket.
pub(super) async fn socket(
    State(desk): State<Arc<Desk>>,
    Extension(session): Extension<BySession>,
    query: Query,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Answer {
    let selection = Selection::of(&query)?;
    let upgrade = upgrade.map_err(|_| {
        let text = "this is a WebSocket: the request must ask to upgrade";
        ApiError::new(StatusCode::BAD_REQUEST, "no_upgrade", text)
    })?;
    let last = query.text("last_event_id");
    let follower = Follower::new(desk.clone(), selection, last, "ws", session.0)?;
    let upgrade = upgrade
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE);
    let response = upgrade.on_upgrade(move |socket| converse(socket, follower, desk));
    Ok(response.into_response())
}

/// What a client may say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    subscribe: Subscribe,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscribe {
    #[serde(default)]
    symbols: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
}

async fn converse(mut socket: WebSocket, mut follower: Follower, desk: Arc<Desk>) {
    let epoch = desk.published.epoch().to_owned();
    loop {
        tokio::select! {
            said = socket.recv() => match said {
                Some(Ok(Message::Text(text))) => {
                    let selected = selection(&text).and_then(|selection| {
                        let selected = follower.select(selection);
                        selected.map_err(|error| error.text().to_owned())
                    });
                    match selected {
                        Ok(()) => {}
                        Err(why) => {
                            let frame = json!({"event": "error", "data": {"error": why}});
                            if !send(&mut socket, frame.to_string(), &desk).await {
                                return;
                            }
                        }
                    }
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => return,
            },
            event = follower.next() => {
                let Some(event) = event else {
                    let _ = socket.send(Message::Close(None)).await;
                    return;
                };
                if !send(&mut socket, frame_text(&event, &epoch), &desk).await {
                    return;
                }
            }
        }
    }
}

/// Sends a frame; false where the client takes nothing.
async fn send(socket: &mut WebSocket, frame: String, desk: &Desk) -> bool {
    let patience = std::time::Duration::from_millis(desk.config.send_timeout_ms);
    let sent = tokio::time::timeout(patience, socket.send(Message::Text(frame.into()))).await;
    matches!(sent, Ok(Ok(())))
}

fn selection(text: &str) -> Result<Selection, String> {
    let expected = "must be {\"subscribe\": {\"symbols\": [], \"names\": []}}";
    let said: Said = serde_json::from_str(text).map_err(|_| expected.to_owned())?;
    let Subscribe { symbols, names } = said.subscribe;
    let words =
        |list: &'_ [String]| -> Option<Vec<String>> { (!list.is_empty()).then(|| list.to_vec()) };
    let (symbols, names) = (words(&symbols), words(&names));
    let symbols = symbols
        .as_ref()
        .map(|list| list.iter().map(String::as_str).collect());
    let names = names
        .as_ref()
        .map(|list| list.iter().map(String::as_str).collect());
    Selection::new(symbols, names).map_err(|error| error.text().to_owned())
}

/// An event as a frame.
fn frame_text(event: &Event, epoch: &str) -> String {
    let id = match event {
        Event::Document(_, document, true) => Some(document.sequence),
        Event::SnapshotEnd { sequence, .. } => Some(*sequence),
        Event::Document(..) | Event::Heartbeat { .. } | Event::Dropped { .. } => None,
    };
    let id = id.map_or_else(String::new, |id| format!("\"id\":\"{epoch}-{id}\","));
    let data = match event {
        Event::Document(slot, document, _) if document.bytes.is_some() => {
            let event = rendered(slot, document, epoch);
            let start = id_length(event) + DATA.len() - 1;
            let data = event.get(start..event.len() - 2).unwrap_or_default();
            String::from_utf8_lossy(data).into_owned()
        }
        _ => data(event),
    };
    format!("{{\"event\":\"{}\",{id}\"data\":{data}}}", name(event))
}
