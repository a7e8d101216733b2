//! The subscription to the channels of Redis, on a connection of its own: what comes goes into the
//! inbox at once, and what the client had to let go is counted there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fred::clients::SubscriberClient;
use fred::prelude::*;
use fred::types::{Message, RespVersion};
use futures_util::future::join;
use tokio::sync::broadcast::{
    Receiver,
    error::{RecvError, TryRecvError},
};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::exchange::StoreError;
use super::inbox::{Channel, Inbox};
use super::redis::builder;
use crate::config;

/// Messages the client holds until they are taken: three seconds of 20,000 a second. Its default,
/// 32, loses some in every burst.
const CAPACITY: usize = 65_536;

/// Messages that go into the inbox at once.
const AT_ONCE: usize = 256;

/// How often a subscription that was refused is tried again.
const RETRY: Duration = Duration::from_millis(250);

/// How often the connection is tried: nothing is written on it otherwise, and a server that
/// is frozen or gone without a word would not be noticed.
const PING_EVERY: Duration = Duration::from_secs(1);

/// A subscription that is kept up until it is closed.
pub struct Channels {
    client: SubscriberClient,
    inbox: Arc<Inbox>,
    task: JoinHandle<()>,
}

impl Channels {
    /// Starts connecting; subscribes again after every loss of the connection.
    pub fn start(settings: &config::Redis) -> Result<Self, StoreError> {
        let mut builder = builder(settings)?;
        builder
            .with_config(|config| {
                // Under the older protocol a subscriber may not be asked whether it is there.
                config.version = RespVersion::RESP3;
            })
            .with_performance_config(|performance| {
                performance.broadcast_channel_capacity = CAPACITY;
            });
        let client = builder.build_subscriber_client();
        let client = client.map_err(|error| StoreError::Url(error.details().to_owned()))?;
        let inbox = Arc::<Inbox>::default();
        let (receiving, keeping) = (
            receive(client.message_rx(), inbox.clone()),
            keep_subscribed(client.clone()),
        );
        let task = tokio::spawn(async move {
            join(receiving, keeping).await;
        });
        client.connect();
        Ok(Self {
            client,
            inbox,
            task,
        })
    }

    /// Where its messages wait.
    pub fn inbox(&self) -> Arc<Inbox> {
        self.inbox.clone()
    }

    /// Closes the connection.
    pub async fn close(&self) {
        self.task.abort();
        // A server that is gone has nothing to say to a good-bye.
        let _ = self.client.quit().await;
    }
}

async fn receive(mut messages: Receiver<Message>, inbox: Arc<Inbox>) {
    let mut batch: Vec<(Channel, Bytes)> = Vec::with_capacity(AT_ONCE);
    loop {
        match messages.recv().await {
            Ok(message) => batch.extend(read(message)),
            Err(RecvError::Lagged(lost)) => inbox.lock().lost(lost),
            Err(RecvError::Closed) => return,
        }
        while batch.len() < AT_ONCE {
            match messages.try_recv() {
                Ok(message) => batch.extend(read(message)),
                Err(TryRecvError::Lagged(lost)) => inbox.lock().lost(lost),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        inbox.receive(batch.drain(..));
        tokio::task::yield_now().await;
    }
}

fn read(message: Message) -> Option<(Channel, Bytes)> {
    let channel = Channel::of_name(&message.channel)?;
    // A message is text, or bytes that are none and count as malformed.
    let payload = message.value.into_bytes_str().map(|text| text.into_inner());
    Some((channel, payload.unwrap_or_default()))
}

async fn keep_subscribed(client: SubscriberClient) {
    let is_subscribed = AtomicBool::new(false);
    let mut connections = client.reconnect_rx();
    let subscribing = async {
        let mut refused = false;
        while !matches!(connections.recv().await, Err(RecvError::Closed)) {
            is_subscribed.store(false, Ordering::Relaxed);
            while client.is_connected() {
                match client
                    .subscribe(Channel::ALL.map(Channel::name).to_vec())
                    .await
                {
                    Ok(()) => {
                        is_subscribed.store(true, Ordering::Relaxed);
                        refused = false;
                        info!("channels are read");
                        break;
                    }
                    Err(error) => {
                        // A connection that was lost meanwhile is no refusal.
                        if client.is_connected() && !std::mem::replace(&mut refused, true) {
                            let why = error.details();
                            warn!(why, "channels are not read: redis refused the subscription");
                        }
                        tokio::time::sleep(RETRY).await;
                    }
                }
            }
        }
    };
    let pinging = async {
        let mut timer = tokio::time::interval(PING_EVERY);
        loop {
            timer.tick().await;
            if is_subscribed.load(Ordering::Relaxed) && client.is_connected() {
                // One that stays without an answer makes the client connect again.
                let _ = client.ping::<()>(None).await;
            }
        }
    };
    tokio::select! {
        () = subscribing => {}
        () = pinging => {}
    }
}
