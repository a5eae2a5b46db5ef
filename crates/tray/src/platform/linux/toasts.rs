//! Notifications over `org.freedesktop.Notifications`: asking what can be shown, showing, taking away, and hearing what is
//! pressed.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use zbus::message::Type;
use zbus::zvariant::Value;
use zbus::{Connection, MatchRule, Message, MessageStream};

use crate::model::Msg;
use crate::platform::News;
use crate::toast::{Abilities, Toast, Urgency};

const SERVICE: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
/// What is shown stands under this name.
const NAME: &str = "BetCode";
/// A service that is slower than this shows nothing.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// What is chosen by the user's own doing: taken away.
const DISMISSED: u32 = 2;
/// As long as the service thinks fit, and for ever.
const USUAL: i32 = -1;
const NEVER: i32 = 0;

/// The service that shows notifications.
#[derive(Debug)]
pub(super) struct Toasts {
    bus: Connection,
    /// Ends with this.
    _listening: JoinSet<()>,
}

impl Toasts {
    pub(super) async fn open(news: mpsc::UnboundedSender<News>) -> zbus::Result<Self> {
        let bus = Connection::session().await?;
        let signals = MatchRule::builder()
            .msg_type(Type::Signal)
            .interface(SERVICE)?
            .path(PATH)?
            .build();
        let owners = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender("org.freedesktop.DBus")?
            .interface("org.freedesktop.DBus")?
            .member("NameOwnerChanged")?
            .arg(0, SERVICE)?
            .build();
        let mut signals = MessageStream::for_match_rule(signals, &bus, None).await?;
        let mut owners = MessageStream::for_match_rule(owners, &bus, None).await?;
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            loop {
                let heard = tokio::select! {
                    signal = signals.next() => signal.map(|it| read(it).into_iter().collect()),
                    owner = owners.next() => owner.map(|it| owner_news(it).unwrap_or_default()),
                };
                let is_over = heard.is_none();
                let heard = heard.unwrap_or_else(|| vec![News::Over]);
                let told = heard.into_iter().all(|it| news.send(it).is_ok());
                if !told || is_over {
                    return;
                }
            }
        });
        Ok(Self {
            bus,
            _listening: listening,
        })
    }

    pub(super) async fn abilities(&self) -> Option<Abilities> {
        let reply = self.call("GetCapabilities", &()).await?;
        let words: Vec<String> = reply.body().deserialize().ok()?;
        Some(Abilities::read(words.iter().map(String::as_str)))
    }

    pub(super) async fn notify(&self, toast: &Toast, instead: Option<u32>) -> Option<u32> {
        let urgency: u8 = match toast.urgency {
            Urgency::Normal => 1,
            Urgency::Critical => 2,
        };
        let hints = HashMap::from([
            ("urgency", Value::from(urgency)),
            ("desktop-entry", Value::from("betcode-tray")),
        ]);
        let buttons = toast.buttons.iter();
        let buttons: Vec<&str> = buttons.flat_map(|(word, label)| [*word, *label]).collect();
        let stays = if toast.stays { NEVER } else { USUAL };
        let words = (
            NAME,
            instead.unwrap_or(0),
            "",
            toast.title.as_str(),
            toast.body.as_str(),
            buttons,
            hints,
            stays,
        );
        let reply = self.call("Notify", &words).await?;
        reply.body().deserialize().ok()
    }

    pub(super) async fn close(&self, id: u32) {
        // One that is gone already is gone.
        let _gone = self.call("CloseNotification", &id).await;
    }

    async fn call<B>(&self, method: &str, words: &B) -> Option<Message>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        let call = self
            .bus
            .call_method(Some(SERVICE), PATH, Some(SERVICE), method, words);
        timeout(PATIENCE, call).await.ok()?.ok()
    }
}

fn read(signal: zbus::Result<Message>) -> Option<News> {
    let signal = signal.ok()?;
    let header = signal.header();
    let body = signal.body();
    match header.member()?.as_str() {
        "ActionInvoked" => {
            let (desktop, choice): (u32, String) = body.deserialize().ok()?;
            Some(News::Msg(Msg::Pressed { desktop, choice }))
        }
        "NotificationClosed" => {
            let (desktop, reason): (u32, u32) = body.deserialize().ok()?;
            let dismissed = reason == DISMISSED;
            Some(News::Msg(Msg::Gone { desktop, dismissed }))
        }
        _ => None,
    }
}

fn owner_news(signal: zbus::Result<Message>) -> Option<Vec<News>> {
    let (_, old, new): (String, String, String) = signal.ok()?.body().deserialize().ok()?;
    let mut news = Vec::new();
    if !old.is_empty() {
        news.push(News::Msg(Msg::DesktopGone));
    }
    if !new.is_empty() {
        news.push(News::ServiceCame);
    }
    Some(news)
}
